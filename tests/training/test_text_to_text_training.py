"""Training by span corruption is exact: the same gradient and figures however the batch is cut up."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from t5_tiny import Texts, make_t5, make_t5_tokenizer
from test_trainer import relative
from training_script import GLOBAL_BATCH, gradients

from genai_hf.collators.span_corruption import SpanCorruptionCollator
from genai_hf.objectives.language import LanguageModelling, TextTally
from genai_hf.training import Trainer

LENGTHS = (16, 1, 9, 40, 30, 2)


def make_trainer(folder: Path, *, accumulation: int = 1, version: str = "1.1", **given: Any) -> Trainer:
    """A Trainer in float64 on 57 rows, some of them without a target."""
    tokenizer = make_t5_tokenizer()
    collator = SpanCorruptionCollator(tokenizer=tokenizer, inputs_length=64)
    args = transformers.TrainingArguments(
        output_dir=str(folder),
        max_steps=1,
        learning_rate=1e-3,
        max_grad_norm=1e9,
        per_device_train_batch_size=GLOBAL_BATCH // accumulation,
        gradient_accumulation_steps=accumulation,
        logging_steps=1,
        save_strategy="no",
        use_cpu=True,
        remove_unused_columns=False,
        logging_nan_inf_filter=False,
        disable_tqdm=True,
        **given,
    )
    return Trainer(
        model=make_t5(version, torch.float64),
        args=args,
        objective=LanguageModelling(
            text=TextTally(np.arange(len(tokenizer)), special=collator.special), term="text_to_text"
        ),
        processing_class=tokenizer,
        data_collator=collator,
        train_dataset=Texts(57, LENGTHS),
        eval_dataset=Texts(29, LENGTHS, evaluation=True),
    )


@pytest.mark.parametrize("version", [pytest.param("1.0", marks=pytest.mark.slow), "1.1"])
def test_accumulation_does_not_change_the_gradient(tmp_path: Path, version: str) -> None:
    full, loss = gradients(make_trainer(tmp_path, version=version))
    assert all(float(tensor.norm()) > 0 for tensor in full.values())
    assert len(full) == len(list(make_t5(version).parameters()))
    for accumulation in (2, 4, 8):
        ours, logged = gradients(make_trainer(tmp_path, version=version, accumulation=accumulation))
        assert relative(ours, full) < 1e-10, accumulation
        assert logged == pytest.approx(loss, rel=1e-6)


def test_figures_do_not_depend_on_the_evaluations_batches(tmp_path: Path) -> None:
    one = make_trainer(tmp_path, per_device_eval_batch_size=29).evaluate()
    for size in (1, 4):
        assert make_trainer(tmp_path, per_device_eval_batch_size=size).evaluate() == pytest.approx(one, rel=1e-5)
