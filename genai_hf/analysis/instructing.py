"""What a run of instruction tuning leaves in its report: its data, scores by category before and after, and answers."""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genai_hf.analysis.answering import LONGEST, Asked, samples
from genai_hf.analysis.asking import READABLE, offer
from genai_hf.analysis.before_after import BeforeAndAfter
from genai_hf.analysis.labelling_tables import epochs
from genai_hf.collators.instruct import InstructCollator
from genai_hf.data import Instructions
from genai_hf.data.instruction_files import Example
from genai_hf.encoding import InstructionRows
from genai_hf.errors import ConfigError
from genai_hf.objectives.answering import Answering, filler, in_group
from genai_hf.reports import sections
from genai_hf.reports.sections import Table
from genai_hf.reports.words import metric_name, shown

VALIDATION = "validation"
PLAIN = re.compile(r"--(chat|instruction)$|\w[^=\n']*$")  # one line of a shell: no setting, and no flag of another kind


@dataclass(frozen=True, kw_only=True)
class InstructReport:
    """Called with the Trainer once its model is final.

    Args:
        examples: Of both splits.
        rows: The same as token ids.
        samples: So many of the best and of the worst answers are shown; 0 shows none.

    Raises:
        ConfigError: `samples` is below 0.
    """

    examples: Instructions
    rows: Mapping[str, InstructionRows]
    samples: int = 6

    def __post_init__(self) -> None:
        if self.samples < 0:
            raise ConfigError(f"'samples' must be at least 0, got {self.samples}")

    def __call__(self, trainer: Any, folder: Path) -> dict[str, float]:
        """Answer once more, on every rank, and write, on rank 0."""
        objective, rows = trainer.objective, self.rows[VALIDATION]
        answers = objective.texts(trainer.gathered(trainer.eval_dataset)["answers"])
        if trainer.is_world_process_zero():
            found = [data_table(self.examples, self.rows), epochs(trainer, objective.scores), groups_table(trainer)]
            asked = Asked([objective.prompt(rows[number]) for number in range(len(rows))], rows.references)
            found += samples(asked, answers, objective.scores, self.samples) if self.samples else []
            for section in filter(None, found):
                sections.save(folder, section)
            if command := self.question(folder):
                offer(folder, command, "In a shell.")
        return {}

    def question(self, folder: Path) -> str | None:
        """A command that has the model answer a short prompt; None where there is none that a shell reads as it is."""
        asked = [words for words in map(_spoken, self.rows[VALIDATION].examples) if all(map(PLAIN.match, words))]
        if not asked:
            return None
        words = min(asked, key=lambda words: abs(len(" ".join(words)) - READABLE))
        return shlex.join(["genai-hf", "generate", str(folder), *words])


def _spoken(example: Example) -> list[str]:
    """What is asked of the verb generate for an example's answer."""
    if example.messages:
        first = next((message["content"] for message in example.messages if message["role"] == "user"), "")
        return ["--chat", first]
    return ["--instruction", example.instruction.fields.get("definition", ""), *filter(None, [example.input])]


def data_table(examples: Instructions, rows: Mapping[str, InstructionRows]) -> Table:
    """What was read: how many examples, tasks and categories, how long, what gave way, and what was left out."""
    table = list[list[Any]]()
    for name, split in rows.items():
        tasks = {example.instruction.name for example in split.examples}
        categories = sorted({*split.categories} - {""})
        sizes = [round(float(split.lengths.mean()), 1), round(float(split.learnt.mean()), 1)]
        gave_way = [int((split.dropped > 0).sum()), int(split.cut.sum())]
        lost = "; ".join([str(len(split.left_out)), *split.left_out[:3]])
        table.append([name, len(split), len(tasks), ", ".join(categories) or None, *sizes, *gave_way, lost])
    columns = ["split", "examples", "instructions", "categories", "mean tokens", "of these learnt"]
    columns += ["examples dropped from the prompt", "inputs cut", "left out: no room for the response"]
    return Table("The data", columns, table, f"Left out as faulty: {len(examples.left_out):,}.")


def groups_table(trainer: Any) -> Table | None:
    """The scores of each category that is held out, of the model as it came and as it is; None without categories."""
    objective: Answering = trainer.objective
    history = [entry for entry in trainer.state.log_history if f"eval_{objective.scores[0]}" in entry]
    if not objective.groups or not history:
        return None
    first, last, table = history[0], history[-1], list[list[Any]]()
    for group in sorted(set(objective.groups)):
        keys = [f"eval_{in_group(name, group)}" for name in objective.scores]
        values = [value for key in keys for value in (_score(first, key), _score(last, key))]
        table.append([group or "none", list(objective.groups).count(group), *values])
    heads = [f"{metric_name(name)}, {when}" for name in objective.scores for when in ("before", "after")]
    shared = sorted(set(objective.groups) & set(trainer.train_dataset.categories))
    trained = f"Trained on too: {', '.join(shared)}." if shared else "No task of these categories was trained on."
    note = f"Before: after {first['step']} steps. {trained}"
    return Table(
        "Categories of the validation" if shared else "Categories held out",
        ["category", "examples", *heads],
        table,
        note,
    )


def answers_before_and_after(
    rows: InstructionRows, collator: InstructCollator, objective: Answering, count: int
) -> BeforeAndAfter:
    """A table for the report: some prompts that are held out, and what the model answers before training, and after."""
    chosen = [rows[place] for place in range(0, len(rows), max(len(rows) // max(count, 1), 1))][: max(count, 1)]
    prompts = [objective.prompt(row)[-LONGEST:] for row in chosen]

    def answer(model: Any) -> list[str]:
        device, was_training = next(model.parameters()).device, model.training
        model.eval()
        batch = {name: tensor.to(device) for name, tensor in collator(chosen).items()}
        ids = objective.decoding(model, batch, filler(objective.tokenizer))
        model.train(was_training)
        return objective.texts(ids.double().cpu().numpy())

    note = "Held out, decoded as in the evaluation; of a long prompt its end is shown."
    return BeforeAndAfter(title="What it answers", heading="prompt", texts=prompts, answer=answer, note=note)


def _score(entry: Mapping[str, Any], key: str) -> str | None:
    value = entry.get(key)
    return None if value is None else shown(key, value)
