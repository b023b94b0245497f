"""A schedule is tried from its first step to its last."""

import pytest
import torch
from torch.optim.lr_scheduler import LambdaLR
from transformers import get_scheduler

from genai_hf.training.hyperparameters import require_rates


def optimizer():
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)


def schedule(kind, **given):
    return get_scheduler(kind, optimizer(), num_warmup_steps=0, num_training_steps=10, scheduler_specific_kwargs=given)


@pytest.mark.parametrize(
    ("kind", "given", "said"),
    [
        ("polynomial", {"power": -1}, r"step 10 of 10 has no learning rate \(.* negative power\)"),
        ("polynomial", {"lr_end": -1}, "step [0-9]+ of 10 has -.* times trainer.learning_rate"),
    ],
)
def test_a_rate_that_is_none_is_refused(kind, given, said):
    with pytest.raises(ValueError, match=said):
        require_rates(schedule(kind, **given), 10)


@pytest.mark.parametrize("kind", ["linear", "cosine", "constant", "polynomial", "inverse_sqrt", "cosine_with_restarts"])
def test_the_usual_ones_are_taken(kind):
    require_rates(schedule(kind), 10)


def test_many_steps_are_tried_by_a_hundred_or_so_and_the_last():
    tried = set()
    require_rates(LambdaLR(optimizer(), lambda step: tried.add(step) or 1.0), 1_000_000)
    assert max(tried) == 1_000_000
    assert len(tried) == 101
