"""Tables of a model that labels texts: its data, its epochs, what it confuses, and what it gets most wrong."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.metrics import confusion_matrix

from genai_hf.data import Labelled, Task
from genai_hf.data.splits import Split
from genai_hf.encoding import Encoded, LaidOut
from genai_hf.reports.sections import Figure, Table
from genai_hf.reports.words import metric_name, shown
from genai_hf.settings.task_files import TRAIN

Array = NDArray[np.float64]
LONGEST = 300  # characters of a text in a table


def data_table(examples: Labelled, rows: Mapping[str, Encoded | LaidOut]) -> Table:
    """What was read: how many examples, of which label, how long, how many cut, doubled or left out."""
    trained = examples.splits[TRAIN]
    parts = {TRAIN: (trained, rows[TRAIN].lengths, rows[TRAIN].cut)}
    start = 0
    for name, split in examples.validation.items():
        end = start + len(split)
        cut = rows["validation"].cut[start:end]
        parts[name], start = (split, rows["validation"].lengths[start:end], cut), end
    for name, split in examples.test.items():
        if name in rows:
            parts[f"test: {name}"] = (split, rows[name].lengths, rows[name].cut)
    known, table = set(trained.keys()), list[list[Any]]()
    for name, (split, lengths, cut) in parts.items():
        keys = split.keys()
        shared = None if name == TRAIN else sum(key in known for key in keys)
        tokens = lengths.reshape(len(split), -1).sum(1)  # of all sequences of an example
        sizes = [round(float(tokens.mean()), 1), int(tokens.max()), int(cut.sum())]
        doubles = len(keys) - len(set(keys))
        table.append([name, len(split), _labels(examples.task, split), *sizes, doubles, shared, split.left_out])
    columns = ["split", "examples", "labels", "mean tokens", "most tokens", "cut", "repeated", "in the training set"]
    return Table("The data", [*columns, "left out as faulty"], table)


def epochs(trainer: Any, scores: Sequence[str]) -> Table | None:
    """The scores after each epoch, and which epoch's model is the final one; None where nothing was trained."""
    history = [entry for entry in trainer.state.log_history if f"eval_{scores[0]}" in entry]
    if not trainer.state.global_step or not history:
        return None
    evaluated = {entry["step"]: entry for entry in reversed(history)}  # that of the final model comes last
    best = trainer.state.best_model_checkpoint if trainer.args.load_best_model_at_end else None
    final = int(str(best).rpartition("-")[2]) if best else trainer.state.global_step
    keys = [f"eval_{name}" for name in (*scores, "loss")]
    table = list[list[Any]]()
    for step, entry in sorted(evaluated.items()):
        values = [None if entry.get(key) is None else shown(key, entry[key]) for key in keys]
        table.append([round(entry["epoch"], 2), step, *values, "yes" if step == final else ""])
    note = "The final model is the last one."
    if best:
        chosen = metric_name(f"eval_{str(trainer.args.metric_for_best_model).removeprefix('eval_')}")
        note = f"The final model is that with the best {chosen}. A score that chose its own epoch is a little too good."
    return Table("Epochs", ["epoch", "step", *map(metric_name, keys), "final"], table, note)


def confusion(names: list[str], labels: Array, predicted: Array) -> Table:
    """How often each label was taken for each other."""
    counts = confusion_matrix(labels, predicted, labels=range(len(names)))
    table: list[list[Any]] = [
        [name, *map(int, row), f"{row[number] / max(row.sum(), 1):.1%}"]
        for number, (name, row) in enumerate(zip(names, counts, strict=True))
    ]
    shares: list[Any] = [f"{counts[n, n] / max(counts[:, n].sum(), 1):.1%}" for n in range(len(names))]
    note = "Rows are what is right, columns what the model says, on the validation set."
    columns = ["", *(f"said {name}" for name in names), "of these found"]
    return Table("Confusion matrix", columns, [*table, ["of what was said, right", *shares, None]], note)


def scatter(labels: Array, predicted: Array) -> Figure:
    """Predicted over right values."""
    points = [(float(x), float(y)) for x, y in zip(labels, predicted, strict=True)]
    return Figure("Predicted and right values", "right", "predicted", {"validation": points}, kind="scatter")


def hardest(task: Task, split: Split, outputs: Array, count: int, name: str) -> Table:
    """The examples with the largest loss: where the model is surest of something else."""
    labels = np.array(split.labels)
    if task.names:
        probabilities = softmax(outputs, axis=1)
        loss = -np.log(np.maximum(probabilities[np.arange(len(labels)), labels.astype(int)], 1e-30))
    else:
        loss = np.abs(outputs[:, 0] - labels)
    table = list[list[Any]]()
    for place in np.argsort(-loss, kind="stable")[:count]:
        texts = [split.texts[place][:LONGEST], *([split.pairs[place][:LONGEST]] if split.pairs else [])]
        if task.names:
            said = int(outputs[place].argmax())
            right = int(labels[place])
            names = split.choices[place] if split.choices else task.names
            verdict: list[Any] = [names[right], names[said], f"{probabilities[place, right]:.1%}"]
        else:
            verdict = [f"{labels[place]:g}", f"{outputs[place, 0]:.2f}", f"{loss[place]:.2f}"]
        table.append([*texts, *verdict])
    ends = ["right", "said", "probability of what is right" if task.names else "apart"]
    columns = ["text", "second text"][: 2 if split.pairs else 1]
    note = f"Of {name}, those with the largest loss first. Some labels are wrong, too."
    return Table("Hardest examples", [*columns, *ends], table, note)


def _labels(task: Task, split: Split) -> str:
    if split.labels is None:
        return "not given"
    if not task.names:
        return f"{min(split.labels):g} to {max(split.labels):g}, mean {np.mean(split.labels):.2f}"
    counts = np.bincount(np.array(split.labels, dtype=int), minlength=len(task.names))
    return ", ".join(f"{name} {count / len(split):.1%}" for name, count in zip(task.names, counts, strict=True))
