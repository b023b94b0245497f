"""Fine-tuning on GLUE tasks: the time that the stock Trainer takes for the work of ours, interleaved in one process.

    python benchmarks/glue.py GLUE_FOLDER TOKENIZER [--model FOLDER] [--tasks rte,mrpc,cola,sst2] [--rows 2400] …

Three arms train the same model on the same rows, batches of 32, one epoch, AdamW, in turns (A B C, A B C …):

defaults     transformers.Trainer as run_glue.py sets it up: float32, every row padded to 128 tokens
best flags   the same with bf16, rows padded to the longest of their batch, and group_by_length
ours         genai_hf.training.Trainer as conf/glue.yaml sets it up

Without --model it is a BERT of 4 layers of 256. Timed is what lies between the first step's beginning and the last
one's end. The stock sampler groups by length within a quarter of the data at most, so few rows would be unfair to it.
The loss over the training rows before and after, computed alike for all arms, stands beside the times.
"""

import argparse
import statistics
from functools import partial
from typing import Any

import arms
import torch
import transformers
from omegaconf import OmegaConf

from genai_hf import compose
from genai_hf.collators.labelled import LabelledCollator
from genai_hf.data import Labelled, Task, labelled
from genai_hf.encoding import Encoded, encode
from genai_hf.models import has_segments, load_classifier
from genai_hf.models.precision import has_bf16
from genai_hf.objectives.labelling import Labelling
from genai_hf.training import Trainer

ARMS = ("defaults", "best flags", "ours")
LENGTH, BATCH = 128, 32


class StockRows(torch.utils.data.Dataset[dict[str, Any]]):
    """Rows as run_glue.py has them: lists, padded to 128 tokens or not."""

    def __init__(self, rows: Encoded, tokenizer: Any, *, pad: bool, segments: bool, classes: bool) -> None:
        self.rows = []
        for number in range(len(rows)):
            row = rows[number]
            ids = row["input_ids"].tolist()
            entry: dict[str, Any] = {"input_ids": ids, "attention_mask": [1] * len(ids)}
            if segments:
                entry["token_type_ids"] = [int(place >= row["second"]) for place in range(len(ids))]
            if pad:
                entry = dict(tokenizer.pad(entry, padding="max_length", max_length=LENGTH))
            self.rows.append(entry | {"label": int(row["label"]) if classes else row["label"]})

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, number: int) -> dict[str, Any]:
        return self.rows[number]


def arguments(folder: str, **given: Any) -> transformers.TrainingArguments:
    """What all arms share."""
    shared = {"per_device_train_batch_size": BATCH, "learning_rate": 5e-5, "num_train_epochs": 1}
    return arms.arguments(folder, logging_steps=500, **shared, **given)


def stock(folder: str, model: Any, rows: Encoded, tokenizer: Any, *, best: bool, classes: bool) -> Any:
    """The stock Trainer."""
    given: dict[str, Any] = {"train_sampling_strategy": "group_by_length"} if best else {}
    collator = transformers.DataCollatorWithPadding(tokenizer) if best else transformers.default_data_collator
    data = StockRows(rows, tokenizer, pad=not best, segments=has_segments(model.config), classes=classes)
    return transformers.Trainer(
        model=arms.as_shipped(model),
        args=arguments(folder, bf16=best and has_bf16(), **given),
        train_dataset=data,
        data_collator=collator,
        processing_class=tokenizer,
    )


def ours(folder: str, model: Any, rows: Encoded, tokenizer: Any, examples: Labelled) -> Any:
    """Our Trainer."""
    return Trainer(
        model=arms.quick(model),
        args=arguments(folder, bf16=has_bf16(), remove_unused_columns=False, logging_nan_inf_filter=False),
        objective=objective(rows, examples),
        processing_class=tokenizer,
        data_collator=LabelledCollator(pad_token_id=tokenizer.pad_token_id, segments=has_segments(model.config)),
        train_dataset=rows,
        eval_dataset=rows,
        group_by_length=True,
    )


def objective(rows: Encoded, examples: Labelled) -> Labelling:
    """What is minimised."""
    task = examples.task
    return Labelling(
        names=task.names,
        scores=task.scores,
        validation={"train": len(rows)},
        train_labels=rows.labels,
        adversarial=True,
    )


@torch.no_grad()
def loss(model: Any, rows: Encoded, tokenizer: Any, examples: Labelled) -> float:
    """Mean loss over the rows in float32, computed alike for all arms."""
    collator = LabelledCollator(pad_token_id=tokenizer.pad_token_id, segments=has_segments(model.config))
    measured, total = objective(rows, examples), 0.0
    model.eval()
    for start in range(0, len(rows), 64):
        batch = collator([rows[number] for number in range(start, min(start + 64, len(rows)))])
        batch = {name: tensor.to(model.device) for name, tensor in batch.items()}
        total += float(measured.sums(model, batch)["label"])
    return total / len(rows)


def main() -> None:
    """Print a table and, as the last line, JSON."""
    parser = arms.parser(__doc__, rows=2400, rounds=3)
    parser.add_argument("folder", type=arms.folder)
    parser.add_argument("tokenizer")
    parser.add_argument("--model")
    parser.add_argument("--tasks", default="rte,mrpc,cola,sst2")
    asked = arms.parse(parser)
    results = {task: measure(task, asked) for task in asked.tasks.split(",")}
    for against in ARMS[:2]:
        ratios = [arms.median(found[against]) / arms.median(found["ours"]) for found in results.values()]
        print(f"ours against {against:12}{statistics.geometric_mean(ratios):.2f} x  (geometric mean over the tasks)")
    print(arms.as_json(asked, results))


def measure(name: str, asked: argparse.Namespace) -> dict[str, list[arms.Found]]:
    """What each arm gave on one task."""
    cfg = compose("glue", [f"task={name}", f"data.path={asked.folder}", f"data.max_train_rows={asked.rows}"])
    task = Task(**OmegaConf.to_container(cfg.task, resolve=True))  # type: ignore[arg-type]
    examples = labelled(task=task, path=str(asked.folder), max_train_rows=asked.rows)
    tokenizer = transformers.AutoTokenizer.from_pretrained(asked.tokenizer)
    rows = encode(examples=examples, tokenizer=tokenizer, length=LENGTH)["train"]
    sizes = {"hidden_size": 256, "num_hidden_layers": 4, "num_attention_heads": 4, "intermediate_size": 1024}
    kind = {"name": asked.model} if asked.model else {"architecture": "bert", "config": sizes}
    model = load_classifier(names=task.names, tokenizer=tokenizer, sequence_length=LENGTH, **kind)  # type: ignore[arg-type]
    given, classes = {"model": model, "rows": rows, "tokenizer": tokenizer}, bool(task.names)
    makers = (
        partial(stock, best=False, classes=classes, **given),
        partial(stock, best=True, classes=classes, **given),
        partial(ours, examples=examples, **given),
    )
    measured = {"rows": rows, "tokenizer": tokenizer, "examples": examples}
    found = arms.in_turns(
        {
            arm: partial(arms.train, make, lambda trainer: {"loss": loss(trainer.model, **measured)})
            for arm, make in zip(ARMS, makers, strict=True)
        },
        asked.rounds,
    )
    print(
        f"{name}, loss before {loss(model, **measured):.3f}\n{arms.table(found, tokens=int(rows.lengths.sum()))}",
        flush=True,
    )
    return found


if __name__ == "__main__":
    arms.run(main)
