"""Training on responses is exact: the same gradient however the batch is cut up or packed."""

from typing import Any

import pytest
import torch
from instruct_script import ACCUMULATIONS, ROOM, curve, launched, make_trainer
from test_trainer import relative
from training_script import gradients


@pytest.fixture(scope="module")
def two_ranks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return launched(tmp_path_factory.mktemp("ranks"))


def test_neither_accumulation_nor_ranks_nor_packing_change_the_gradient(tmp_path, two_ranks):
    def cut(accumulation, room):
        return gradients(make_trainer(tmp_path, accumulation=accumulation, dtype=torch.float64, room=room))

    full, full_loss = cut(1, None)
    assert all(float(tensor.norm()) > 0 for tensor in full.values())
    for room in (None, ROOM):
        for accumulation in (1, 2, 4, 8):
            ours, loss = cut(accumulation, room)
            assert relative(ours, full) < 1e-10, (accumulation, room)
            assert loss == pytest.approx(full_loss, rel=1e-6)
    for accumulation in ACCUMULATIONS:
        result = two_ranks[f"gradients {accumulation}"]
        flat = {name: torch.tensor(values, dtype=torch.float64) for name, values in result["gradients"].items()}
        assert relative({name: flat[name].view_as(full[name]) for name in full}, full) < 1e-10, accumulation


def test_two_ranks_and_accumulation_two_give_the_same_losses_and_scores_over_three_epochs(tmp_path, two_ranks):
    alone, together = curve(make_trainer(tmp_path, accumulation=2, epochs=3)), two_ranks["curve"]
    assert len(together["losses"]) == 12  # 57 rows are three steps of 16 and one of 9
    assert together["losses"] == pytest.approx(alone["losses"], rel=1e-5)
    assert together["losses"][-1] < together["losses"][0] - 0.5
    for ours, theirs in zip(together["evaluations"], alone["evaluations"], strict=True):
        assert ours == pytest.approx(theirs, rel=1e-5, abs=1e-9)
