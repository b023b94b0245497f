from typing import Any

import pytest
import torch
from transformers import TrainingArguments

from genai_hf.errors import ConfigError
from genai_hf.training import room
from genai_hf.training.adamw_rms import AdamWRMS, optimizer


def steps(kind: Any, weight: torch.Tensor, number: int, **given: Any) -> list[torch.Tensor]:
    """The weight after each step, with gradients that differ from step to step."""
    parameter = torch.nn.Parameter(weight.clone())
    chosen, seen = kind([parameter], **given), []
    for step in range(number):
        parameter.grad = torch.sin(torch.arange(parameter.numel()) + step).view_as(parameter).to(parameter)
        chosen.step()
        seen.append(parameter.detach().clone())
    return seen


def test_a_first_step_is_exactly_this() -> None:
    weight = torch.tensor([3.0, -4.0], dtype=torch.float64)  # root mean square sqrt(12.5)
    parameter = torch.nn.Parameter(weight)
    parameter.grad = torch.tensor([2.0, -0.5], dtype=torch.float64)
    AdamWRMS([parameter], lr=0.1, eps=0.0, weight_decay=0.01).step()
    # Adam's first step is the gradient's sign; decay takes 0.1 x 0.01 of the weight.
    size = 0.1 * 12.5**0.5
    assert parameter.tolist() == pytest.approx([3 * 0.999 - size, -4 * 0.999 + size], rel=1e-12)


def test_it_is_adamw_on_a_weight_of_size_one_and_in_proportion_to_any_other() -> None:
    # Signs have the root mean square one, but only before the first step: from there on each step is compared alone.
    weight = torch.tensor([[1.0, -1.0, 1.0], [-1.0, 1.0, 1.0]], dtype=torch.float64)
    given: dict[str, Any] = {"lr": 1e-3, "betas": (0.9, 0.98), "eps": 1e-8, "weight_decay": 0.1}
    assert torch.allclose(steps(AdamWRMS, weight, 1, **given)[0], steps(torch.optim.AdamW, weight, 1, **given)[0])
    small, large = (steps(AdamWRMS, factor * weight, 20, **given)[-1] for factor in (0.5, 8.0))
    assert torch.allclose(16 * small, large, rtol=1e-12)


def test_a_weight_of_zeros_moves_by_a_thousandth_of_the_rate() -> None:
    moved = steps(AdamWRMS, torch.zeros(4), 1, lr=0.1)[0]
    assert moved.abs().max() == pytest.approx(1e-4, rel=1e-3)


def test_what_was_saved_goes_on_bit_for_bit() -> None:
    torch.manual_seed(0)
    weight = torch.randn(5, 3)
    whole = steps(AdamWRMS, weight, 6)[-1]
    parameter = torch.nn.Parameter(weight.clone())
    chosen = AdamWRMS([parameter])
    for step in range(6):
        if step == 3:
            state = chosen.state_dict()
            chosen = AdamWRMS([parameter])
            chosen.load_state_dict(state)
        parameter.grad = torch.sin(torch.arange(15) + step).view(5, 3)
        chosen.step()
    assert torch.equal(parameter, whole)


def test_its_state_is_as_large_as_what_is_reckoned_before_a_run() -> None:
    model = torch.nn.Linear(7, 5)
    chosen = AdamWRMS(model.parameters())
    model(torch.ones(2, 7)).sum().backward()
    chosen.step()
    default = TrainingArguments("unused", use_cpu=True).optim.value
    assert room.state_bytes(chosen.state_dict()) == 2 * room.model_bytes(model)
    assert room.checkpoint_bytes(model, default) == 3 * room.model_bytes(model)


def test_it_is_chosen_by_name_with_the_arguments_rates() -> None:
    arguments = TrainingArguments("unused", use_cpu=True, learning_rate=0.5, adam_beta2=0.98, adam_epsilon=1e-6)
    assert optimizer(None, arguments) is None
    assert optimizer("adamw_rms", arguments) == (AdamWRMS, {"lr": 0.5, "betas": (0.9, 0.98), "eps": 1e-6})
    with pytest.raises(ConfigError, match=r"'trainer\.optim' is adafactor and 'optimizer' is adamw_rms; say"):
        optimizer("adamw_rms", TrainingArguments("unused", use_cpu=True, optim="adafactor"))


@pytest.mark.parametrize(
    ("given", "message"),
    [({"lr": -1.0}, "must be at least 0, got -1.0"), ({"betas": (0.9, 1.0)}, r"must be in \[0, 1\), got \(0.9, 1.0\)")],
)
def test_values_out_of_range_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        AdamWRMS([torch.nn.Parameter(torch.ones(1))], **given)
