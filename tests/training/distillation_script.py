"""A tiny training beside a teacher, alone or as ranks of a launcher; `distillation_script.py OUT` writes gradients."""

import os
import sys
from functools import partial
from pathlib import Path
from typing import Any

import torch
from transformers import GPT2Config, GPT2LMHeadModel, TrainingArguments

sys.path.insert(0, str(Path(__file__).parents[1]))
import two_rank_script
from conftest import Rows, make_tokenizer
from labelling_script import make_trainer as make_labelling
from training_script import flat_gradients

from genai_hf.collators.causal import CausalLMCollator
from genai_hf.objectives.distillation import Distillation, Mixture
from genai_hf.objectives.language import LanguageModelling, TextTally
from genai_hf.training import Trainer, teaching

LOSS = Mixture(temperature=3.0, alpha=0.6)
PROBLEMS = ("classification", "regression", "causal_lm")


def make_causal(
    folder: Path, accumulation: int = 1, ranks: int = 1, dtype: torch.dtype = torch.float32, width: int = 16
) -> Trainer:
    """A Trainer of a decoder of one layer on 21 rows, in steps of 16."""
    torch.manual_seed(width)
    model = GPT2LMHeadModel(
        GPT2Config(vocab_size=64, n_embd=width, n_head=2, n_layer=1, n_positions=32, resid_pdrop=0.0, embd_pdrop=0.0,
                   attn_pdrop=0.0, bos_token_id=3, eos_token_id=3)
    )  # fmt: skip
    frequencies = torch.ones(64, dtype=torch.int64).numpy()
    return Trainer(
        model=model.to(dtype),
        args=TrainingArguments(
            output_dir=str(folder), max_steps=1, learning_rate=1e-2, max_grad_norm=1e9, use_cpu=True, seed=0,
            per_device_train_batch_size=16 // (accumulation * ranks), gradient_accumulation_steps=accumulation,
            per_device_eval_batch_size=4, logging_steps=1, save_strategy="no", remove_unused_columns=False,
            logging_nan_inf_filter=False, disable_tqdm=True,
        ),
        objective=LanguageModelling(text=TextTally(frequencies), term="causal_lm"),
        processing_class=make_tokenizer(),
        data_collator=CausalLMCollator(end_of_text=3),
        train_dataset=Rows(21, (16,)),
        eval_dataset=Rows(8, (16,), evaluation=True),
    )  # fmt: skip


def make(folder: Path, problem: str, **given: Any) -> Trainer:
    """A student."""
    return make_causal(folder, **given) if problem == "causal_lm" else make_labelling(folder, problem, **given)


def another(folder: Path, problem: str, dtype: torch.dtype = torch.float32) -> Trainer:
    """A teacher that says something else, surer than a new model, in training mode as it came."""
    trainer = make(folder, problem, accumulation=1, dtype=dtype)
    torch.manual_seed(7)
    with torch.no_grad():
        for weight in trainer.model.parameters():
            weight.add_(0.3 * torch.randn_like(weight))
    return trainer


def taught(folder: Path, problem: str, loss: Mixture = LOSS, *, cache: bool = False, dtype=torch.float32, **given: Any):
    """A teacher and its student, ready to train."""
    teacher, student = another(folder, problem, dtype), make(folder, problem, dtype=dtype, **given)
    says = teaching.teacher_of(teacher, student, loss=loss, cache=cache, top_k=8)
    student.objective = Distillation(hard=student.objective, teacher=says, loss=loss)
    return teacher, student


launched = partial(two_rank_script.launched, __file__)


def main(out: str) -> None:
    folder, results = Path(out).parent, dict[str, Any]()
    os.environ["GENAI_HF_CACHE"] = str(folder / "cache")
    for problem in PROBLEMS:
        for cache in (False, True):
            _, student = taught(folder, problem, cache=cache, dtype=torch.float64, accumulation=2, ranks=2)
            results[f"{problem} {cache}"] = flat_gradients(student)
    two_rank_script.hand_in(out, results)


if __name__ == "__main__":
    main(*sys.argv[1:])
