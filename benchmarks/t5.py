"""Span corruption: the time that the stock Trainer takes for the work of ours, in turns in one process.

    python benchmarks/t5.py TOKENS TOKENIZER [--layers 4 --width 256] [--length 128] [--batch 32] [--steps 40] …

Three arms train the same untrained T5 on the same blocks of real text with AdamW, in turns (A B C, C B A …):

defaults     transformers.Trainer in float32; blocks are lists, and a collator in numpy draws a mask for one row after
             the other, of a fixed number of tokens, and shifts the targets (benchmarks/row_by_row.py), the common way
best flags   the same in bf16 where the hardware has it (on a GPU with torch.compile and the fused AdamW too)
ours         genai_hf.training.Trainer as conf/t5_spans.yaml sets it up, in bf16, but for the optimizer

TOKENS is a folder with a tokenised text, as `genai-hf check t5_spans data=…` leaves one in the cache (tokens/…), and
TOKENIZER the folder of its tokenizer. --length is that of the inputs. --optimizer adamw_rms gives all arms the
one of conf/t5_spans.yaml. Timed are the steps after the first two; tokens are those of the text. The loss of the same
held-out blocks with the same spans hidden, in float32, stands beside, and a difference of more than 2 % is an error.
"""

import argparse
from functools import partial
from typing import Any

import arms
import numpy as np
import torch
import transformers
from row_by_row import RowByRow

from genai_hf import models
from genai_hf.collators.span_corruption import SpanCorruptionCollator
from genai_hf.encoding import lm_blocks
from genai_hf.encoding.tokens import Tokens
from genai_hf.models.precision import has_bf16
from genai_hf.objectives.language import LanguageModelling, TextTally
from genai_hf.training import Trainer
from genai_hf.training.adamw_rms import optimizer

ARMS = ("defaults", "best flags", "ours")
RATES = {"adamw": 2e-3, "adamw_rms": 5e-2}  # as conf/t5_spans.yaml has them
WARM = 2  # steps that are not timed
HELD_OUT = 64  # blocks
ALIKE = 0.02  # relative difference of losses


class Lists(torch.utils.data.Dataset[dict[str, Any]]):
    """Blocks as the example scripts have them."""

    def __init__(self, blocks: Any) -> None:
        self.rows = [{"input_ids": blocks[number]["input_ids"].tolist()} for number in range(len(blocks))]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, number: int) -> dict[str, Any]:
        return self.rows[number]


def shared(folder: str, asked: argparse.Namespace, **given: Any) -> dict[str, Any]:
    """What all arms share: arguments and optimizer."""
    sizes = {"per_device_train_batch_size": asked.batch, "max_steps": asked.steps, "logging_steps": asked.steps}
    args = arms.arguments(folder, learning_rate=RATES[asked.optimizer], **sizes, **given)
    chosen = optimizer("adamw_rms", args) if asked.optimizer == "adamw_rms" else None
    return {"args": args, "optimizer_cls_and_kwargs": chosen}


def stock(folder: str, model: Any, rows: Lists, tokenizer: Any, asked: argparse.Namespace, *, best: bool) -> Any:
    """The stock Trainer."""
    fused = {} if asked.optimizer == "adamw_rms" else {"optim": "adamw_torch_fused"}
    on_gpu = {"torch_compile": True, **fused} if best and arms.on_gpu() else {}
    return transformers.Trainer(
        model=arms.as_shipped(model),
        train_dataset=rows,
        data_collator=RowByRow(tokenizer),
        processing_class=tokenizer,
        **shared(folder, asked, bf16=best and has_bf16(), **on_gpu),
    )


def ours(folder: str, model: Any, rows: Any, collator: SpanCorruptionCollator, asked: argparse.Namespace) -> Trainer:
    """Our Trainer."""
    given = {"remove_unused_columns": False, "logging_nan_inf_filter": False, "bf16": has_bf16()}
    text = TextTally(np.ones(model.config.vocab_size, dtype=np.int64), special=collator.special)
    return Trainer(
        model=arms.quick(model),
        objective=LanguageModelling(text=text, term="text_to_text"),
        processing_class=collator.tokenizer,
        data_collator=collator,
        train_dataset=rows,
        **shared(folder, asked, **given),
    )


@torch.no_grad()
def loss(trainer: Any, rows: Any, collator: SpanCorruptionCollator) -> dict[str, float]:
    """Cross-entropy of held-out blocks in float32, with spans hidden that are the same for all arms."""
    model, batch = trainer.model.eval(), collator([rows[number] for number in range(min(len(rows), HELD_OUT))])
    given = {name: batch[name].to(model.device) for name in ("input_ids", "attention_mask", "labels")}
    return {"loss": float(model(**given).loss)}


def main() -> None:
    """Print a table and, as the last line, JSON."""
    parser = arms.parser(__doc__, layers=4, width=256, length=128, batch=32, steps=40, rounds=2)
    parser.add_argument("tokens", type=arms.folder)
    parser.add_argument("tokenizer")
    parser.add_argument("--optimizer", choices=list(RATES), default="adamw")
    asked = arms.parse(parser)
    tokenizer = transformers.AutoTokenizer.from_pretrained(asked.tokenizer)
    tokens = {split: Tokens(asked.tokens, split) for split in ("train", "validation")}
    collator = SpanCorruptionCollator(tokenizer=tokenizer, inputs_length=asked.length)
    blocks = lm_blocks(tokens=tokens, tokenizer=tokenizer, length=collator.text_length, bare=True)
    sizes = {"d_model": asked.width, "d_ff": 4 * asked.width, "num_heads": asked.width // 64}
    made = {"architecture": "t5", "config": {"num_layers": asked.layers, **sizes}}
    model = models.load(head="text_to_text", tokenizer=tokenizer, sequence_length=asked.length, **made)
    lists, given = Lists(blocks["train"]), {"model": model, "asked": asked}
    makers = (
        partial(stock, rows=lists, tokenizer=tokenizer, best=False, **given),
        partial(stock, rows=lists, tokenizer=tokenizer, best=True, **given),
        partial(ours, rows=blocks["train"], collator=collator, **given),
    )
    measure = partial(loss, rows=blocks["validation"], collator=collator)
    turns = {name: partial(arms.train, make, measure, WARM) for name, make in zip(ARMS, makers, strict=True)}
    found = arms.in_turns(turns, asked.rounds)
    print(arms.table(found, tokens=(asked.steps - WARM) * asked.batch * collator.text_length))
    print(arms.as_json(asked, found))
    arms.require_alike(found, ALIKE)


if __name__ == "__main__":
    arms.run(main)
