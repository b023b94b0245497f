"""A tiny training of a decoder with a head, alone or as ranks; `extract_script.py OUT` writes what it gave."""

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
from conftest import make_tokenizer
from extract_parts import with_head
from training_script import GLOBAL_BATCH, flat_gradients
from two_rank_script import curve

from genai_hf.collators.extract import ExtractCollator
from genai_hf.objectives.extract import Extract
from genai_hf.objectives.labelling import Labelling
from genai_hf.training import Trainer

CASES = {  # transformation, what language modelling is averaged over, decoder
    "classification": ("sequence", "gpt2"),
    "similarity": ("token", "openai-gpt"),
    "multiple_choice": ("sequence", "llama"),
}
ACCUMULATIONS = {False: (1,), True: (1, 4)}  # of each of two ranks, without grouping and with it
LABELS = 3


class LaidOutRows(Dataset[dict[str, Any]]):
    """Rows of one to three sequences of 5 … 20 tokens; a row's first token gives its label away."""

    def __init__(self, size: int, transformation: str, evaluation: bool = False) -> None:
        random = np.random.default_rng(size)
        self.rows = list[dict[str, Any]]()
        for number in range(size):
            count = {"classification": 1, "similarity": 2}.get(transformation) or int(random.integers(2, LABELS + 1))
            label = int(random.integers(0, count if transformation == "multiple_choice" else LABELS))
            sizes = random.integers(5, 21, count)
            sequences = [[64, 5 + label, *random.integers(8, 60, length - 3), 66] for length in sizes]
            if transformation == "multiple_choice":
                sequences[label][1] = 5
            row = {"input_ids": np.concatenate(sequences), "lengths": sizes, "seconds": sizes, "example_id": number}
            self.rows.append(row | {"label": float(label)})
        self.lengths = np.array([int(row["lengths"].max()) for row in self.rows])
        self.labels, self.evaluation = np.array([row["label"] for row in self.rows]), evaluation

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, key: int | tuple[int, int]) -> dict[str, Any]:
        epoch, index = key if isinstance(key, tuple) else (0, key)
        return self.rows[index] | {"epoch": -1 if self.evaluation else epoch}


def make_trainer(
    folder: Path,
    transformation: str,
    *,
    accumulation: int,
    ranks: int = 1,
    grouped: bool = False,
    epochs: int | None = None,
    dtype: torch.dtype = torch.float32,
    weight: float = 0.5,
) -> Trainer:
    """A Trainer on 57 rows, which are no whole number of steps of 16, evaluated on 21."""
    per, kind = CASES[transformation]
    train = LaidOutRows(57, transformation)
    args = transformers.TrainingArguments(
        output_dir=str(folder),
        max_steps=-1 if epochs else 1,
        num_train_epochs=epochs or 1,
        learning_rate=1e-2,
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
        ddp_find_unused_parameters=False,
        seed=0,
    )
    names = [str(number) for number in range(LABELS)]
    labelling = Labelling(
        names=names,
        scores=["accuracy"],
        validation={"validation": 21},
        train_labels=train.labels,
        adversarial=True,
    )
    return Trainer(
        model=with_head(kind, transformation, names=LABELS, dtype=dtype),
        args=args,
        objective=Extract(labelling=labelling, transformation=transformation, per=per, weight=weight),
        processing_class=make_tokenizer(),
        data_collator=ExtractCollator(pad_token_id=0, transformation=transformation),
        train_dataset=train,
        eval_dataset=LaidOutRows(21, transformation, evaluation=True),
        group_by_length=grouped,
    )


launched = partial(two_rank_script.launched, __file__)


def main(out: str) -> None:
    folder, results = Path(out).parent, dict[str, Any]()
    for case in CASES:
        for grouped in (False, True):
            for accumulation in ACCUMULATIONS[grouped]:
                cut = {"accumulation": accumulation, "ranks": 2, "grouped": grouped, "dtype": torch.float64}
                results[f"{case} {grouped} {accumulation}"] = flat_gradients(make_trainer(folder, case, **cut))
        unweighted = make_trainer(folder, case, accumulation=1, ranks=2, weight=0.0, dtype=torch.float64)
        results[f"{case} alone"] = flat_gradients(unweighted)
        results[f"{case} curve"] = curve(make_trainer(folder, case, accumulation=1, ranks=2, grouped=True, epochs=3))
    two_rank_script.hand_in(out, results)


if __name__ == "__main__":
    main(*sys.argv[1:])
