"""Training on answers is exact: the same gradient, scores and answers however the batch is cut up."""

from typing import Any

import pytest
import torch
from answering_script import ACCUMULATIONS, answers, curve, launched, make_trainer
from test_trainer import relative
from training_script import gradients


@pytest.fixture(scope="module")
def two_ranks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return launched(tmp_path_factory.mktemp("ranks"))


@pytest.mark.slow  # as the gradient of labels, which runs every time, by the same Trainer
def test_neither_accumulation_nor_ranks_change_the_gradient(tmp_path, two_ranks):
    def cut(accumulation, **settings):
        return gradients(make_trainer(tmp_path, accumulation=accumulation, dtype=torch.float64, **settings))

    full, full_loss = cut(1)
    assert all(float(tensor.norm()) > 0 for tensor in full.values())
    for accumulation in (2, 4, 8):
        ours, loss = cut(accumulation)
        assert relative(ours, full) < 1e-10, accumulation
        assert loss == pytest.approx(full_loss, rel=1e-6)
    for accumulation in ACCUMULATIONS:
        result = two_ranks[f"gradients {accumulation}"]
        flat = {name: torch.tensor(values, dtype=torch.float64) for name, values in result["gradients"].items()}
        assert relative({name: flat[name].view_as(full[name]) for name in full}, full) < 1e-10, accumulation
        assert result["loss"] == pytest.approx(full_loss, rel=1e-6)
    everywhere, loss = cut(1, head_on_labels=False)
    assert relative(everywhere, full) < 1e-10
    assert loss == pytest.approx(full_loss, rel=1e-6)


def test_two_ranks_and_accumulation_two_give_the_same_losses_scores_and_answers_over_three_epochs(tmp_path, two_ranks):
    trainer = make_trainer(tmp_path, accumulation=2, epochs=3)
    alone, together = curve(trainer), two_ranks["curve"]
    assert len(together["losses"]) == 12  # 57 rows are three steps of 16 and one of 9
    assert together["losses"] == pytest.approx(alone["losses"], rel=1e-5)
    assert max(together["losses"]) - min(together["losses"]) > 0.02  # it is no flat line that agrees
    assert len(together["evaluations"]) == len(alone["evaluations"]) == 3
    for ours, theirs in zip(together["evaluations"], alone["evaluations"], strict=True):
        assert ours == pytest.approx(theirs, rel=1e-5, abs=1e-9)
    found = answers(trainer)
    assert two_ranks["answers"] == found
    assert {len(row) for row in found} == {8}


def test_figures_and_answers_do_not_depend_on_the_evaluations_batches(tmp_path):
    whole = make_trainer(tmp_path, accumulation=1, dtype=torch.float64, eval_batch=21)
    one, said = whole.evaluate(), answers(whole)
    for batch in (1, 4):
        other = make_trainer(tmp_path, accumulation=1, dtype=torch.float64, eval_batch=batch)
        assert other.evaluate() == pytest.approx(one, rel=1e-5)
        assert answers(other) == said
    assert next(iter(one)) == "eval_f1"
