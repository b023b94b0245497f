"""Two terms over sequences of ragged rows: the same gradient and losses however the batch is cut up."""

from typing import Any

import pytest
import torch
from extract_script import ACCUMULATIONS, CASES, curve, launched, make_trainer
from test_trainer import relative
from training_script import gradients

EVERY_CASE = pytest.mark.parametrize("case", CASES)


@pytest.fixture(scope="module")
def two_ranks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return launched(tmp_path_factory.mktemp("ranks"))


def agree(result: dict[str, Any], full: dict[str, torch.Tensor], loss: float) -> None:
    flat = {name: torch.tensor(values, dtype=torch.float64) for name, values in result["gradients"].items()}
    assert relative({name: flat[name].view_as(full[name]) for name in full}, full) < 1e-10
    assert result["loss"] == pytest.approx(loss, rel=1e-6)


@EVERY_CASE
@pytest.mark.parametrize("grouped", [False, True], ids=["shuffled", "grouped"])
def test_neither_accumulation_nor_ranks_change_the_gradient(tmp_path, two_ranks, case, grouped):
    def cut(accumulation):
        return gradients(make_trainer(tmp_path, case, accumulation=accumulation, grouped=grouped, dtype=torch.float64))

    full, full_loss = cut(1)
    assert "extract_head.linear.weight" in full
    for accumulation in (2, 4, 8):
        ours, loss = cut(accumulation)
        assert relative(ours, full) < 1e-10, accumulation
        assert loss == pytest.approx(full_loss, rel=1e-6)
    for accumulation in ACCUMULATIONS[grouped]:
        agree(two_ranks[f"{case} {grouped} {accumulation}"], full, full_loss)


@EVERY_CASE
def test_without_language_modelling_every_parameter_still_has_a_gradient_on_two_ranks(tmp_path, two_ranks, case):
    full, loss = gradients(make_trainer(tmp_path, case, accumulation=4, weight=0.0, dtype=torch.float64))
    agree(two_ranks[f"{case} alone"], {name: tensor for name, tensor in full.items() if tensor.norm() > 0}, loss)


@EVERY_CASE
def test_two_ranks_and_accumulation_two_give_the_same_losses_and_scores_over_three_epochs(tmp_path, two_ranks, case):
    alone = curve(make_trainer(tmp_path, case, accumulation=2, grouped=True, epochs=3))
    together = two_ranks[f"{case} curve"]
    assert len(together["losses"]) == 12  # 57 rows are three steps of 16 and one of 9
    assert together["losses"] == pytest.approx(alone["losses"], rel=1e-5)
    for ours, theirs in zip(together["evaluations"], alone["evaluations"], strict=True):
        assert ours == pytest.approx(theirs, rel=1e-5, abs=1e-9)
    assert max(together["losses"]) - min(together["losses"]) > 0.5
