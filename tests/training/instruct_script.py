"""A tiny training on instructions, alone or as ranks of a launcher; `instruct_script.py OUT` writes what it gave."""

import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from torch.utils.data import Dataset

sys.path.insert(0, str(Path(__file__).parents[1]))
import two_rank_script
from instruct_tiny import make_decoder_tokenizer, make_gpt2, random_rows
from training_script import GLOBAL_BATCH, flat_gradients
from two_rank_script import curve

from genai_hf.collators.instruct import InstructCollator
from genai_hf.models import stop_at
from genai_hf.objectives.answering import Answering, Decoding
from genai_hf.objectives.language import TextTally
from genai_hf.training import Trainer

ACCUMULATIONS = (1, 4)  # of each of two ranks
ROOM = 64


class Told(Dataset[dict[str, Any]]):
    """Random rows."""

    def __init__(self, size: int, evaluation: bool = False) -> None:
        self.rows, self.evaluation = random_rows(size, seed=size), evaluation

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, key: int | tuple[int, int]) -> dict[str, Any]:
        epoch, index = key if isinstance(key, tuple) else (0, key)
        return self.rows[index] | {"epoch": -1 if self.evaluation else epoch}


def make_trainer(
    folder: Path,
    *,
    accumulation: int,
    ranks: int = 1,
    epochs: int | None = None,
    dtype: torch.dtype = torch.float32,
    room: int | None = ROOM,
    rows: int = 57,
    optim: str = "adamw_torch",
) -> Trainer:
    """A Trainer on rows that by default are no whole number of steps of 16, evaluated on 21."""
    tokenizer, model = make_decoder_tokenizer(), make_gpt2(dtype=dtype)
    stop_at(model, tokenizer.eos_token_id, tokenizer.eos_token_id)
    args = transformers.TrainingArguments(
        output_dir=str(folder),
        max_steps=-1 if epochs else 1,
        num_train_epochs=epochs or 1,
        learning_rate=1e-1 if optim == "sgd" else 1e-2,
        optim=optim,
        max_grad_norm=1e9,
        per_device_train_batch_size=GLOBAL_BATCH // (accumulation * ranks),
        gradient_accumulation_steps=accumulation,
        per_device_eval_batch_size=4,
        logging_steps=1,
        eval_strategy="epoch" if epochs else "no",
        save_strategy="no",
        use_cpu=True,
        remove_unused_columns=False,
        logging_nan_inf_filter=False,
        disable_tqdm=True,
        seed=0,
    )
    objective = Answering(
        tokenizer=tokenizer,
        decoding=Decoding(max_new_tokens=6),
        scores=["rougeL"],
        references=[["the cat", "the dog"]] * 21,
        majority="the",
        text=TextTally(np.ones(400, dtype=np.int64)),
        groups=["one", "two", "three"] * 7,
    )
    return Trainer(
        model=model,
        args=args,
        objective=objective,
        processing_class=tokenizer,
        data_collator=InstructCollator(pad_token_id=0, length=room or 0, packing=room is not None),
        train_dataset=Told(rows),
        eval_dataset=Told(21, evaluation=True),
    )


launched = partial(two_rank_script.launched, __file__)


def main(out: str) -> None:
    folder, results = Path(out).parent, dict[str, Any]()
    for accumulation in ACCUMULATIONS:
        cut = {"accumulation": accumulation, "ranks": 2, "dtype": torch.float64}
        results[f"gradients {accumulation}"] = flat_gradients(make_trainer(folder, **cut))
    results["curve"] = curve(make_trainer(folder, accumulation=1, ranks=2, epochs=3))
    two_rank_script.hand_in(out, results)


if __name__ == "__main__":
    main(*sys.argv[1:])
