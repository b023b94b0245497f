"""Instruction tuning: the time that TRL's SFTTrainer takes for the work of ours, in turns in one process.

    python benchmarks/instruct.py [--model FOLDER] [--rows 512] [--length 512] [--batch 16] [settings of instruct …]

Four arms train the same decoder on the responses of the same rows, one epoch of AdamW, in turns (A B C D, D C B A …):

trl defaults    trl.SFTTrainer as SFTConfig is shipped: bf16, activation checkpointing, rows padded to the longest of
                their batch (use_cpu is set where there is no GPU)
trl by length   the same with bf16 where the hardware has it, no checkpointing, and group_by_length
trl packed      as before, with packing=True, packing_strategy="bfd" in place of group_by_length: packed rows of
                --length, so many in a step that it holds as many tokens as --batch rows
ours            genai_hf's Trainer and all else as the recipe instruct builds them: the rows of a batch packed, the
                vocabulary head only where there is a label, bf16

All are given the same token ids, and learn the same of them. Without settings the rows are made of Python's
documentation, and without --model the decoder is an untrained GPT-2 of --layers of --width. Tokens are those that are
learnt. The loss of held-out rows, in float32, stands beside. Of padded rows it may differ by 2 %; steps of rows that
TRL packs are others, and their number too, so there it may differ by 5 %.
"""

import argparse
from functools import partial
from typing import Any

import arms
import torch
import trl
from datasets import Dataset, disable_progress_bars

from genai_hf.models.precision import has_bf16
from genai_hf.training import Trainer

HELD_OUT = 64  # rows
ALIKE, ALIKE_PACKED = 0.02, 0.05  # relative differences of losses
BEST = {"activation_checkpointing": False}
WAYS: dict[str, dict[str, Any]] = {
    "trl defaults": {},
    "trl by length": {**BEST, "train_sampling_strategy": "group_by_length"},
    "trl packed": {**BEST, "packing": True, "packing_strategy": "bfd"},
}


def arguments(folder: str, asked: argparse.Namespace, **given: Any) -> Any:
    """What all arms share."""
    shared = {"per_device_train_batch_size": asked.batch, "learning_rate": asked.rate, "num_train_epochs": 1}
    return arms.arguments(folder, **{"logging_steps": 500, **shared, **given})


def theirs(folder: str, built: Trainer, told: Dataset, asked: argparse.Namespace, way: str) -> trl.SFTTrainer:
    """TRL's Trainer."""
    given = WAYS[way] | ({"bf16": has_bf16()} if WAYS[way] else {})
    if "packing" in given:
        mean = float(built.train_dataset.lengths.mean())
        given["per_device_train_batch_size"] = max(round(asked.batch * mean / asked.length), 1)
    return trl.SFTTrainer(
        model=arms.as_shipped(built.model),
        args=arguments(folder, asked, kind=trl.SFTConfig, max_length=asked.length, completion_only_loss=True, **given),
        train_dataset=told,
        processing_class=built.processing_class,
    )


def ours(folder: str, built: Trainer, asked: argparse.Namespace) -> Trainer:
    """Our Trainer."""
    given = {"remove_unused_columns": False, "logging_nan_inf_filter": False, "bf16": has_bf16()}
    return Trainer(
        model=arms.quick(built.model),
        args=arguments(folder, asked, **given),
        objective=built.objective,
        processing_class=built.processing_class,
        train_dataset=built.train_dataset,
        data_collator=built.data_collator,
        group_by_length=built.group_by_length,
    )


@torch.no_grad()
def loss(trainer: Any, built: Trainer) -> dict[str, float]:
    """Loss of the responses of held-out rows in float32, computed alike for all arms."""
    model, rows = trainer.model.eval(), built.eval_dataset
    batch = built.data_collator([rows[number] for number in range(min(len(rows), HELD_OUT))])
    batch = {name: tensor.to(model.device) for name, tensor in batch.items()}
    return {"loss": float(built.objective.sums(model, batch)["answer"] / built.objective.count(batch)["answer"])}


def main() -> None:
    """Print a table and, as the last line, JSON."""
    parser = arms.parser(__doc__, layers=4, width=256, length=512, batch=16, rows=512, rounds=2)
    parser.add_argument("settings", nargs="*")
    parser.add_argument("--model")
    parser.add_argument("--rate", type=float, default=2e-4)
    asked = arms.parse(parser)
    disable_progress_bars()
    chosen = ["model=pretrained", f"model.name={asked.model}"]
    if asked.model is None:
        shape = {"n_layer": asked.layers, "n_embd": asked.width, "n_head": asked.width // 64}
        shape["n_positions"] = asked.length + 32
        chosen = ["model=gpt2_tiny", *(f"model.config.{name}={size}" for name, size in shape.items())]
    chosen += [f"sequence_length={asked.length}", f"data.max_train_rows={asked.rows}", *asked.settings]
    built = arms.built("instruct", *chosen)
    rows = [built.train_dataset[number] for number in range(len(built.train_dataset))]
    told = Dataset.from_dict(
        {
            "input_ids": [row["input_ids"].tolist() for row in rows],
            "completion_mask": [row["learnt"].astype(int).tolist() for row in rows],
        }
    )
    makers: dict[str, Any] = {way: partial(theirs, built=built, told=told, asked=asked, way=way) for way in WAYS}
    makers["ours"] = partial(ours, built=built, asked=asked)
    turns = {name: partial(arms.train, make, partial(loss, built=built)) for name, make in makers.items()}
    found = arms.in_turns(turns, asked.rounds)
    print(arms.table(found, tokens=int(built.train_dataset.learnt.sum())))
    print(arms.as_json(asked, found))
    arms.require_alike(found, ALIKE_PACKED)
    arms.require_alike({name: runs for name, runs in found.items() if name != "trl packed"}, ALIKE)


if __name__ == "__main__":
    arms.run(main)
