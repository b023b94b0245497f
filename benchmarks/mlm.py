"""Masked language modelling: the time that the stock Trainer takes for the work of ours, in turns in one process.

    python benchmarks/mlm.py TOKENS TOKENIZER [--layers 4 --width 256] [--length 128] [--batch 32] [--steps 40] …

Three arms train the same untrained BERT on the same blocks of real text with AdamW, in turns (A B C, C B A …):

defaults     transformers.Trainer with DataCollatorForLanguageModeling, as run_mlm.py sets them up: float32
best flags   the same in bf16 where the hardware has it (on a GPU with torch.compile and the fused AdamW too)
ours         genai_hf.training.Trainer as conf/bert_mlm.yaml sets it up: the head on hidden tokens alone, bf16

TOKENS is a folder with a tokenised text, as `genai-hf check bert_mlm data=…` leaves one in the cache (tokens/…), and
TOKENIZER the folder of its tokenizer. Timed are the steps after the first two. The loss of the same held-out blocks
under the same masks, in float32, stands beside, and a difference of more than 2 % is an error.
"""

import argparse
from functools import partial
from typing import Any

import arms
import numpy as np
import torch
import transformers
from transformers import BertConfig, BertForMaskedLM, DataCollatorForLanguageModeling

from genai_hf.collators.masking import MaskedLMCollator
from genai_hf.encoding import lm_blocks
from genai_hf.encoding.tokens import Tokens
from genai_hf.models.precision import has_bf16
from genai_hf.objectives.language import LanguageModelling, TextTally
from genai_hf.training import Trainer

ARMS = ("defaults", "best flags", "ours")
WARM = 2  # steps that are not timed
HELD_OUT = 64  # blocks
ALIKE = 0.02  # relative difference of losses


class Lists(torch.utils.data.Dataset[dict[str, Any]]):
    """Blocks as run_mlm.py has them: lists, with the mask of the special tokens."""

    def __init__(self, blocks: Any, special: list[int]) -> None:
        self.rows = [block["input_ids"] for block in (blocks[number] for number in range(len(blocks)))]
        self.special = special

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, number: int) -> dict[str, Any]:
        ids = self.rows[number]
        marks = np.isin(ids, self.special).astype(int).tolist()
        return {"input_ids": ids.tolist(), "attention_mask": [1] * len(ids), "special_tokens_mask": marks}


def arguments(folder: str, asked: argparse.Namespace, **given: Any) -> transformers.TrainingArguments:
    """What all arms share."""
    shared = {"per_device_train_batch_size": asked.batch, "learning_rate": 1e-4, "max_steps": asked.steps}
    return arms.arguments(folder, logging_steps=asked.steps, **shared, **given)


def stock(folder: str, model: Any, rows: Lists, tokenizer: Any, asked: argparse.Namespace, *, best: bool) -> Any:
    """The stock Trainer."""
    on_gpu = {"torch_compile": True, "optim": "adamw_torch_fused"} if best and arms.on_gpu() else {}
    return transformers.Trainer(
        model=arms.as_shipped(model),
        args=arguments(folder, asked, bf16=best and has_bf16(), **on_gpu),
        train_dataset=rows,
        data_collator=DataCollatorForLanguageModeling(tokenizer),
        processing_class=tokenizer,
    )


def ours(folder: str, model: Any, rows: Any, tokenizer: Any, asked: argparse.Namespace) -> Trainer:
    """Our Trainer."""
    given = {"remove_unused_columns": False, "logging_nan_inf_filter": False}
    return Trainer(
        model=arms.quick(model),
        args=arguments(folder, asked, bf16=has_bf16(), **given),
        objective=LanguageModelling(text=TextTally(np.ones(asked.vocabulary, dtype=np.int64)), term="masked_lm"),
        processing_class=tokenizer,
        data_collator=MaskedLMCollator(tokenizer=tokenizer),
        train_dataset=rows,
    )


@torch.no_grad()
def loss(trainer: Any, rows: Any, tokenizer: Any) -> dict[str, float]:
    """Cross-entropy of held-out blocks in float32, under masks that are the same for all arms."""
    model, collate = trainer.model.eval(), MaskedLMCollator(tokenizer=tokenizer)
    batch = collate([rows[number] for number in range(min(len(rows), HELD_OUT))])
    given = {name: batch[name].to(model.device) for name in ("input_ids", "attention_mask", "labels")}
    return {"loss": float(model(**given).loss)}


def main() -> None:
    """Print a table and, as the last line, JSON."""
    parser = arms.parser(__doc__, layers=4, width=256, length=128, batch=32, steps=40, rounds=2, vocabulary=30522)
    parser.add_argument("tokens", type=arms.folder)
    parser.add_argument("tokenizer")
    asked = arms.parse(parser)
    tokenizer = transformers.AutoTokenizer.from_pretrained(asked.tokenizer)
    tokens = {split: Tokens(asked.tokens, split) for split in ("train", "validation")}
    blocks = lm_blocks(tokens=tokens, tokenizer=tokenizer, length=asked.length)
    torch.manual_seed(0)
    sizes = {"num_hidden_layers": asked.layers, "hidden_size": asked.width, "intermediate_size": 4 * asked.width}
    heads = {"num_attention_heads": asked.width // 64, "max_position_embeddings": max(asked.length, 512)}
    model = BertForMaskedLM(BertConfig(vocab_size=asked.vocabulary, **sizes, **heads))
    lists, measure = Lists(blocks["train"], tokenizer.all_special_ids), partial(loss, rows=blocks["validation"])
    shared = {"model": model, "tokenizer": tokenizer, "asked": asked}
    makers = (
        partial(stock, rows=lists, best=False, **shared),
        partial(stock, rows=lists, best=True, **shared),
        partial(ours, rows=blocks["train"], **shared),
    )
    found = arms.in_turns(
        {
            name: partial(arms.train, make, partial(measure, tokenizer=tokenizer), WARM)
            for name, make in zip(ARMS, makers, strict=True)
        },
        asked.rounds,
    )
    print(arms.table(found, tokens=(asked.steps - WARM) * asked.batch * asked.length))
    print(arms.as_json(asked, found))
    arms.require_alike(found, ALIKE)


if __name__ == "__main__":
    arms.run(main)
