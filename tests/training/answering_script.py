"""A tiny training on answers, alone or as ranks of a launcher; `answering_script.py OUT` writes what it gave."""

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

from genai_hf.collators.text_to_text import TextToTextCollator
from genai_hf.objectives.answering import Answering, Decoding
from genai_hf.objectives.language import TextTally
from genai_hf.training import Trainer

ACCUMULATIONS = (1, 4)  # of each of two ranks


class AnswerRows(Dataset[dict[str, Any]]):
    """Rows of 3 … 20 words in no order, each with one or two answers of 2 … 7 that begin with its first word."""

    def __init__(self, size: int, evaluation: bool = False) -> None:
        random = np.random.default_rng(size)
        self.inputs = [np.array([*random.integers(5, 64, random.integers(2, 20)), 3]) for _ in range(size)]
        self.targets = [
            [np.array([ids[0], *random.integers(5, 64, random.integers(0, 6)), 3]) for _ in range(1 + number % 2)]
            for number, ids in enumerate(self.inputs)
        ]
        self.lengths = np.array(
            [len(ids) + len(known[0]) for ids, known in zip(self.inputs, self.targets, strict=True)]
        )
        self.evaluation = evaluation

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, key: int | tuple[int, int]) -> dict[str, Any]:
        epoch, index = key if isinstance(key, tuple) else (0, key)
        return {
            "input_ids": self.inputs[index],
            "targets": self.targets[index],
            "cut": (False, False),
            "example_id": index,
            "epoch": -1 if self.evaluation else epoch,
        }

    def references(self) -> list[list[str]]:
        return [make_tokenizer().batch_decode(known, skip_special_tokens=True) for known in self.targets]


def tiny_t5(dtype: torch.dtype = torch.float32, **fields: Any) -> transformers.T5ForConditionalGeneration:
    """One layer of 16 on each side over the tests' vocabulary of 64; [SEP] ends an answer."""
    torch.manual_seed(0)
    sizes = {"vocab_size": 64, "d_model": 16, "d_kv": 8, "num_heads": 2, "d_ff": 32, "num_layers": 1}
    special = {"pad_token_id": 0, "eos_token_id": 3, "decoder_start_token_id": 0, "dropout_rate": 0.0}
    config = transformers.T5Config(**sizes | special | {"feed_forward_proj": "gated-gelu"} | fields)
    return transformers.T5ForConditionalGeneration(config).to(dtype)


def make_trainer(
    folder: Path,
    *,
    accumulation: int,
    ranks: int = 1,
    epochs: int | None = None,
    dtype: torch.dtype = torch.float32,
    eval_batch: int = 4,
    head_on_labels: bool = True,
    beams: int = 1,
) -> Trainer:
    """A Trainer on 57 rows, which are no whole number of steps of 16, evaluated on 21."""
    train, validation = AnswerRows(57), AnswerRows(21, evaluation=True)
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
    tokenizer = make_tokenizer()
    objective = Answering(
        tokenizer=tokenizer,
        decoding=Decoding(beams=beams, max_new_tokens=8),
        scores=["f1", "exact_match"],
        references=validation.references(),
        majority="w1",
        text=TextTally(
            np.bincount(np.concatenate([known[0] for known in train.targets]), minlength=64),
            special=tokenizer.all_special_ids,
        ),
        head_on_labels=head_on_labels,
    )
    return Trainer(
        model=tiny_t5(dtype),
        args=args,
        objective=objective,
        processing_class=tokenizer,
        data_collator=TextToTextCollator(pad_token_id=0, decoder_start_token_id=0, target="any"),
        train_dataset=train,
        eval_dataset=validation,
        group_by_length=True,
    )


def answers(trainer: Trainer) -> list[list[int]]:
    """What the evaluation generates, gathered on every rank."""
    return trainer.gathered(trainer.eval_dataset)["answers"].astype(int).tolist()


launched = partial(two_rank_script.launched, __file__)


def main(out: str) -> None:
    folder, results = Path(out).parent, dict[str, Any]()
    for accumulation in ACCUMULATIONS:
        cut = {"accumulation": accumulation, "ranks": 2, "dtype": torch.float64}
        results[f"gradients {accumulation}"] = flat_gradients(make_trainer(folder, **cut))
    curving = make_trainer(folder, accumulation=1, ranks=2, epochs=3)
    results["curve"] = curve(curving)
    results["answers"] = answers(curving)
    two_rank_script.hand_in(out, results)


if __name__ == "__main__":
    main(*sys.argv[1:])
