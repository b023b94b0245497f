"""A tiny training on spans and their boundaries, alone or as ranks of a launcher, of which rank 0 writes what came."""

import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers

sys.path.insert(0, str(Path(__file__).parents[1]))
import two_rank_script
from conftest import Rows, make_tokenizer, tiny_bert
from training_script import GLOBAL_BATCH, curve, flat_gradients

from genai_hf.collators.masking import MaskedLMCollator
from genai_hf.collators.span_boundary import SpanBoundaryCollator
from genai_hf.models.span_boundary import NAME, attach_span_boundary
from genai_hf.objectives.language import TextTally
from genai_hf.objectives.span_boundary import SpanBoundary
from genai_hf.training import Trainer

LENGTHS = (16, 9, 30, 3)  # of three tokens none has a boundary


class WordedRows(Rows):
    """`Rows` whose words have one or two tokens."""

    def __getitem__(self, key: int | tuple[int, int]) -> dict[str, Any]:
        row = super().__getitem__(key)
        ids = row["input_ids"]
        return row | {"word_starts": (ids % 3 > 0) | (np.arange(len(ids)) % (len(ids) - 1) < 2)}


def make_trainer(
    folder: Path,
    *,
    accumulation: int,
    ranks: int = 1,
    epochs: int | None = None,
    dtype: torch.dtype = torch.float32,
    **settings: Any,
) -> Trainer:
    """A Trainer on 57 rows, which are no whole number of steps of 16."""
    model, tokenizer = tiny_bert(dtype), make_tokenizer()
    attach_span_boundary(model, positions=4)
    values = {
        "max_steps": -1 if epochs else 1,
        "num_train_epochs": epochs or 1,
        "learning_rate": 1e-3,
        "max_grad_norm": 1e9,
        "per_device_train_batch_size": GLOBAL_BATCH // (accumulation * ranks),
        "gradient_accumulation_steps": accumulation,
        "logging_steps": 1,
        "eval_strategy": "epoch" if epochs else "no",
        "save_strategy": "no",
        "use_cpu": True,
        "remove_unused_columns": False,
        "logging_nan_inf_filter": False,
        "disable_tqdm": True,
    }
    masking = MaskedLMCollator(tokenizer=tokenizer, unit="span", probability=0.3)
    return Trainer(
        model=model,
        args=transformers.TrainingArguments(str(folder), **values | settings),
        objective=SpanBoundary(text=TextTally(np.arange(64)), span_boundary=0.5),
        processing_class=tokenizer,
        data_collator=SpanBoundaryCollator(masking=masking, positions=4),
        train_dataset=WordedRows(57, LENGTHS),
        eval_dataset=WordedRows(29, LENGTHS, evaluation=True),
        training_heads=[NAME],
    )


launched = partial(two_rank_script.launched, __file__)


def main(out: str) -> None:
    folder, results = Path(out).parent, dict[str, Any]()
    for accumulation in (1, 4):
        results[str(accumulation)] = flat_gradients(
            make_trainer(folder, accumulation=accumulation, ranks=2, dtype=torch.float64)
        )
    results["curve"] = curve(make_trainer(folder, accumulation=1, ranks=2, epochs=3))
    two_rank_script.hand_in(out, results)


if __name__ == "__main__":
    main(*sys.argv[1:])
