"""A tiny training on labelled rows, alone or as ranks of a launcher; `labelling_script.py OUT` writes what it gave."""

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
from training_script import GLOBAL_BATCH, flat_gradients
from two_rank_script import curve

from genai_hf.collators.labelled import LabelledCollator
from genai_hf.models.unpadded import unpad
from genai_hf.objectives.labelling import Labelling
from genai_hf.training import Trainer

NAMES = {"classification": ["no", "maybe", "yes"], "regression": []}
SCORES = {
    "classification": ["accuracy", "f1_macro", "matthews"],
    "regression": ["spearman", "pearson", "mean_squared_error"],
}
ACCUMULATIONS = {False: (1,), True: (1, 4)}  # of each of two ranks, without grouping and with it
VALIDATION = {"matched": 21, "mismatched": 8}


class LabelledRows(Dataset[dict[str, Any]]):
    """Rows of 4 … 33 words in no order, each with its second segment and a label that its first words give away."""

    def __init__(self, size: int, problem: str, evaluation: bool = False) -> None:
        random = np.random.default_rng(size)
        self.lengths = random.integers(4, 34, size)
        self.ids = [np.array([2, *random.integers(5, 64, length - 2), 3], dtype=np.int64) for length in self.lengths]
        self.seconds = [int(random.integers(1, length)) for length in self.lengths]
        self.labels = np.array([float(row[1] % 3 if problem == "classification" else row[1] / 16) for row in self.ids])
        self.evaluation = evaluation

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, key: int | tuple[int, int]) -> dict[str, Any]:
        epoch, index = key if isinstance(key, tuple) else (0, key)
        return {
            "input_ids": self.ids[index],
            "second": self.seconds[index],
            "label": float(self.labels[index]),
            "example_id": index,
            "epoch": -1 if self.evaluation else epoch,
        }


def tiny_classifier(problem: str, dtype: torch.dtype) -> transformers.BertForSequenceClassification:
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=64,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=64,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        num_labels=len(NAMES[problem]) or 1,
    )
    return transformers.BertForSequenceClassification(config).to(dtype)


def make_trainer(
    folder: Path,
    problem: str,
    *,
    accumulation: int,
    ranks: int = 1,
    grouped: bool = False,
    epochs: int | None = None,
    dtype: torch.dtype = torch.float32,
    eval_batch: int = 4,
    unpadded: bool = False,
) -> Trainer:
    """A Trainer on 57 rows, which are no whole number of steps of 16, evaluated on 21 and 8."""
    train = LabelledRows(57, problem)
    args = transformers.TrainingArguments(
        output_dir=str(folder),
        max_steps=-1 if epochs else 1,
        num_train_epochs=epochs or 1,
        learning_rate=1e-2,
        max_grad_norm=1e9,
        per_device_train_batch_size=GLOBAL_BATCH // (accumulation * ranks),
        gradient_accumulation_steps=accumulation,
        per_device_eval_batch_size=eval_batch,
        logging_steps=1,
        eval_strategy="epoch" if epochs else "no",
        save_strategy="no",
        use_cpu=True,
        remove_unused_columns=False,
        logging_nan_inf_filter=False,
        disable_tqdm=True,
        seed=0,
    )
    model = tiny_classifier(problem, dtype)
    unpad(model, "always" if unpadded else "library")
    return Trainer(
        model=model,
        args=args,
        objective=Labelling(
            names=NAMES[problem], scores=SCORES[problem], validation=VALIDATION, train_labels=train.labels
        ),
        processing_class=make_tokenizer(),
        data_collator=LabelledCollator(pad_token_id=0),
        train_dataset=train,
        eval_dataset=LabelledRows(29, problem, evaluation=True),
        group_by_length=grouped,
    )


def tallied(trainer: Trainer) -> dict[str, Any]:
    """What the evaluation gathers on every rank."""
    return {name: values.tolist() for name, values in trainer.gathered(trainer.eval_dataset).items()}


launched = partial(two_rank_script.launched, __file__)


def main(out: str) -> None:
    folder, results = Path(out).parent, dict[str, Any]()
    for problem in NAMES:
        for grouped in (False, True):
            for accumulation in ACCUMULATIONS[grouped]:
                cut = {"accumulation": accumulation, "ranks": 2, "grouped": grouped, "dtype": torch.float64}
                results[f"{problem} {grouped} {accumulation}"] = flat_gradients(make_trainer(folder, problem, **cut))
        cut = {"accumulation": 2, "ranks": 2, "dtype": torch.float64, "unpadded": True}
        results[f"{problem} unpadded"] = flat_gradients(make_trainer(folder, problem, **cut))
        curving = make_trainer(folder, problem, accumulation=1, ranks=2, grouped=True, epochs=3)
        results[f"{problem} curve"] = curve(curving)
        results[f"{problem} tallied"] = tallied(curving)
    two_rank_script.hand_in(out, results)


if __name__ == "__main__":
    main(*sys.argv[1:])
