"""Training on labels is exact: the same gradient and scores however the batch is cut up, grouped by length or not."""

from typing import Any

import pytest
import torch
from labelling_script import ACCUMULATIONS, NAMES, curve, launched, make_trainer, tallied
from test_trainer import relative
from training_script import gradients

PROBLEMS = pytest.mark.parametrize("problem", NAMES)


@pytest.fixture(scope="module")
def two_ranks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return launched(tmp_path_factory.mktemp("ranks"))


@PROBLEMS
@pytest.mark.parametrize("grouped", [False, True], ids=["shuffled", "grouped"])
def test_neither_accumulation_nor_ranks_change_the_gradient(tmp_path, two_ranks, problem, grouped):
    def cut(accumulation):
        return gradients(
            make_trainer(tmp_path, problem, accumulation=accumulation, grouped=grouped, dtype=torch.float64)
        )

    full, full_loss = cut(1)
    assert len(full) == 25
    assert all(float(tensor.norm()) > 0 for name, tensor in full.items() if "key.bias" not in name)
    for accumulation in (2, 4, 8):
        ours, loss = cut(accumulation)
        assert relative(ours, full) < 1e-10, accumulation
        assert loss == pytest.approx(full_loss, rel=1e-6)
    for accumulation in ACCUMULATIONS[grouped]:
        result = two_ranks[f"{problem} {grouped} {accumulation}"]
        flat = {name: torch.tensor(values, dtype=torch.float64) for name, values in result["gradients"].items()}
        assert relative({name: flat[name].view_as(full[name]) for name in full}, full) < 1e-10, accumulation
        assert result["loss"] == pytest.approx(full_loss, rel=1e-6)


@PROBLEMS
def test_layers_that_read_no_padding_have_the_gradient_of_padded_ones(tmp_path, two_ranks, problem):
    double = {"dtype": torch.float64}
    full, full_loss = gradients(make_trainer(tmp_path, problem, accumulation=1, **double))
    for accumulation in (1, 4, 16):
        ours, loss = gradients(make_trainer(tmp_path, problem, accumulation=accumulation, unpadded=True, **double))
        assert relative(ours, full) < 1e-10, accumulation
        assert loss == pytest.approx(full_loss, rel=1e-6)
    result = two_ranks[f"{problem} unpadded"]
    flat = {name: torch.tensor(values, dtype=torch.float64) for name, values in result["gradients"].items()}
    assert relative({name: flat[name].view_as(full[name]) for name in full}, full) < 1e-10
    assert result["loss"] == pytest.approx(full_loss, rel=1e-6)


@PROBLEMS
def test_two_ranks_and_accumulation_two_give_the_same_losses_and_scores_over_three_epochs(tmp_path, two_ranks, problem):
    trainer = make_trainer(tmp_path, problem, accumulation=2, grouped=True, epochs=3)
    alone, together = curve(trainer), two_ranks[f"{problem} curve"]
    assert len(together["losses"]) == 12  # 57 rows are three steps of 16 and one of 9
    assert together["losses"] == pytest.approx(alone["losses"], rel=1e-5)
    assert len(together["evaluations"]) == len(alone["evaluations"]) == 3
    for ours, theirs in zip(together["evaluations"], alone["evaluations"], strict=True):
        assert ours == pytest.approx(theirs, rel=1e-5, abs=1e-9)
    assert max(together["losses"]) - min(together["losses"]) > 0.02  # it is no flat line that agrees
    found = tallied(trainer)
    assert two_ranks[f"{problem} tallied"]["labels"] == found["labels"] == trainer.eval_dataset.labels.tolist()
    assert torch.tensor(two_ranks[f"{problem} tallied"]["outputs"]).numpy() == pytest.approx(
        torch.tensor(found["outputs"]).numpy(), rel=1e-4, abs=1e-5
    )


@PROBLEMS
def test_scores_do_not_depend_on_the_evaluations_batches_or_their_order(tmp_path, problem):
    double = {"accumulation": 1, "dtype": torch.float64}  # correlations of what an untrained head says feel every bit
    one = make_trainer(tmp_path, problem, eval_batch=29, **double).evaluate()
    for batch, grouped in ((3, False), (4, True), (1, True)):
        other = make_trainer(tmp_path, problem, eval_batch=batch, grouped=grouped, **double).evaluate()
        assert other == pytest.approx(one, rel=1e-5)
        assert list(other) == list(one)


@PROBLEMS
def test_a_step_cut_by_tokens_has_the_gradient_of_its_rows_in_one_batch(tmp_path, problem):
    trainer = make_trainer(tmp_path, problem, accumulation=4, grouped=True, dtype=torch.float64)
    trainer.tokens_per_batch, model = 96, trainer.model
    parts = trainer.get_train_dataloader().batch_sampler.dealt()[:4]
    assert len({len(part) for part in parts}) > 1
    batch = trainer.data_collator([trainer.train_dataset[0, int(row)] for part in parts for row in part])
    whole = trainer.objective.sums(model, batch)["label"] / trainer.objective.count(batch)["label"]
    whole.backward()
    expected = {name: weight.grad.clone() for name, weight in model.named_parameters() if weight.grad is not None}
    model.zero_grad(set_to_none=True)
    ours, loss = gradients(trainer)
    assert relative(ours, expected) < 1e-10
    assert loss == pytest.approx(whole.item(), rel=1e-6)


@PROBLEMS
def test_scores_do_not_depend_on_how_many_tokens_a_batch_of_the_evaluation_has(tmp_path, problem):
    double = {"accumulation": 1, "dtype": torch.float64, "grouped": True}
    one, other = (make_trainer(tmp_path, problem, **double) for _ in range(2))
    other.tokens_per_batch = 80
    assert other.evaluate() == pytest.approx(one.evaluate(), rel=1e-5)


def test_outside_a_run_nothing_is_remembered(tmp_path):
    trainer = make_trainer(tmp_path, "classification", accumulation=1)
    first = trainer.measure()
    for weight in trainer.model.parameters():
        weight.data.mul_(0.5)  # which no version of it tells
    assert trainer.measure() != first


def test_what_was_evaluated_is_evaluated_again_only_with_other_weights_or_rows(tmp_path, monkeypatch):
    trainer = make_trainer(tmp_path, "classification", accumulation=1)
    counted, trainer.remembers = [], True
    monkeypatch.setattr(trainer, "_tally", lambda batch, tally=trainer._tally: counted.append(1) or tally(batch))
    first = trainer.measure()
    once = len(counted)
    assert trainer.measure() == first
    assert len(counted) == once > 0
    trainer.measure(trainer.train_dataset)
    assert len(counted) > 2 * once
    again = len(counted)
    with torch.no_grad():
        trainer.model.classifier.bias += torch.tensor([1.0, 0.0, 0.0])
    other = trainer.measure()
    assert len(counted) == again + once
    assert other["eval_loss"] != first["eval_loss"]
    trainer.args.max_steps, trainer.args.eval_strategy = 1, "no"
    trainer.train()
    assert "fused" in trainer.args.optim  # which a weight's version does not tell
    assert trainer.measure()["eval_loss"] != other["eval_loss"]
