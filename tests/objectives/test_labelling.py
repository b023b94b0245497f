"""Losses and figures of whole texts' labels, in the task's own order whatever the order of the model's outputs is."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from genai_hf.errors import UserError
from genai_hf.losses import squared_error_sum
from genai_hf.objectives.labelling import Labelling


class Says(nn.Module):
    """A model whose outputs are given beforehand."""

    def __init__(self, outputs):
        super().__init__()
        self.outputs = nn.Parameter(torch.tensor(outputs))
        self.seen = set()

    def forward(self, **inputs):
        self.seen = set(inputs)
        return SimpleNamespace(logits=self.outputs)


def batch(labels=None, rows=2, **more):
    inputs = {"input_ids": torch.ones(rows, 3, dtype=torch.long), "attention_mask": torch.ones(rows, 3).long()}
    return inputs | ({} if labels is None else {"labels": torch.tensor(labels, dtype=torch.float64)}) | more


def classes(**given):
    usual = {"names": ["no", "yes"], "scores": ["accuracy"], "validation": {"validation": 2}}
    return Labelling(**{"train_labels": np.ones(1)} | usual | given)


def values(**given):
    return classes(names=[], scores=["spearman", "mean_squared_error"], train_labels=np.array([1.0, 4.0]), **given)


def test_a_classes_loss_is_the_sum_of_its_cross_entropies():
    model = Says([[math.log(1.0), math.log(3.0)], [0.0, 0.0]])
    loss = classes().sums(model, batch([1, 0]))["label"].detach()
    assert float(loss) == pytest.approx(-math.log(0.75) - math.log(0.5), rel=1e-6)
    assert int(classes().count(batch([1, 0]))["label"]) == 2


def test_a_values_loss_is_the_sum_of_its_squared_errors_and_each_output_has_its_own_target():
    model = Says([[1.0], [5.0]])
    loss = values().sums(model, batch([3.0, 4.0]))["label"]
    assert float(loss.detach()) == 5.0  # 4 + 1; spread over both it would be 4 + 9 + 4 + 1
    loss.backward()
    assert model.outputs.grad.tolist() == [[-4.0], [2.0]]


@pytest.mark.parametrize(
    ("predictions", "targets"), [((3, 1), (3,)), ((3,), (3, 1)), ((3, 1), (3, 1)), ((2,), (3,)), ((1,), (3,)), ((), ())]
)
def test_squared_errors_of_other_shapes_are_refused(predictions, targets):
    with pytest.raises(ValueError, match="must both be"):
        squared_error_sum(torch.zeros(predictions), torch.zeros(targets))


def test_squared_errors_of_half_precision_are_summed_in_single():
    total = squared_error_sum(torch.full((4096,), 2.0, dtype=torch.float16), torch.full((4096,), 7.0))
    assert (total.dtype, float(total)) == (torch.float32, 102400.0)  # beyond what half precision holds
    assert squared_error_sum(torch.zeros(2, dtype=torch.float64), torch.zeros(2)).dtype == torch.float64


@pytest.mark.parametrize(
    ("objective", "outputs"),
    [
        (classes(), [[0.0], [0.0]]),
        (classes(), [[0.0] * 3] * 2),
        (values(), [[0.0, 0.0]] * 2),
        (values(), [0.0, 0.0]),
        (classes(order=[1, 0]), [[0.0] * 3] * 2),
        (classes(), [[0.0, 0.0]]),
    ],
    ids=["one for two", "three for two", "two for a value", "no column", "three to reorder", "too few rows"],
)
def test_a_model_with_another_number_of_outputs_is_refused(objective, outputs):
    for call in (objective.sums, objective.tally):
        with pytest.raises(ValueError, match="the model's outputs are"):
            call(Says(outputs), batch([0, 1]))


def test_outputs_and_loss_are_in_the_tasks_order_whatever_the_heads_is():
    task, head = [[1.0, 2.0, 3.0], [6.0, 5.0, 4.0]], [[3.0, 1.0, 2.0], [4.0, 6.0, 5.0]]
    names = ["a", "b", "c"]
    plain, other = classes(names=names), classes(names=names, order=[1, 2, 0])
    assert other.tally(Says(head), batch([0, 1]))["outputs"].tolist() == task
    expected = float(plain.sums(Says(task), batch([0, 2]))["label"].detach())
    assert float(other.sums(Says(head), batch([0, 2]))["label"].detach()) == expected


def test_the_model_is_given_its_inputs_only():
    model = Says([[0.0, 0.0]] * 2)
    classes().sums(model, batch([0, 1], token_type_ids=torch.zeros(2, 3).long(), example_ids=[4, 5]))
    assert model.seen == {"input_ids", "attention_mask", "token_type_ids"}


def test_rows_without_labels_are_tallied_without_them():
    tallied = classes().tally(Says([[0.0, 0.0]] * 2), batch())
    assert set(tallied) == {"outputs"}
    assert tallied["outputs"].dtype == torch.float32


def test_every_validation_set_has_figures_of_its_own_the_first_ones_without_prefix():
    objective = classes(scores=["accuracy", "f1"], validation={"matched": 3, "mismatched": 2}, train_labels=np.zeros(5))
    outputs = np.array([[2.0, 0.0], [0.0, 2.0], [2.0, 0.0], [0.0, 2.0], [0.0, 2.0]])
    found = objective.metrics({"outputs": outputs, "labels": np.array([0.0, 1.0, 1.0, 1.0, 0.0])})
    right, wrong = math.log1p(math.exp(-2)), math.log1p(math.exp(2))
    assert found == pytest.approx(
        {
            "accuracy": 2 / 3,
            "f1": 2 / 3,
            "loss": (2 * right + wrong) / 3,
            "mismatched_accuracy": 1 / 2,
            "mismatched_f1": 2 / 3,
            "mismatched_loss": (right + wrong) / 2,
            "majority_accuracy": 1 / 3,  # always "no", the commonest of training, over the first set
            "majority_f1": 0.0,
        },
        abs=1e-9,
    )
    assert next(iter(found)) == "accuracy"


def test_a_regressions_yardstick_is_the_mean_of_the_training_values():
    found = values(validation={"validation": 3}).metrics(
        {"outputs": np.array([[1.0], [3.0], [2.0]]), "labels": np.array([1.0, 2.0, 3.0])}
    )
    assert found == pytest.approx(
        {
            "spearman": 0.5,
            "mean_squared_error": 2 / 3,
            "loss": 2 / 3,
            "majority_spearman": 0.0,
            "majority_mean_squared_error": (1.5**2 + 0.5**2 + 0.5**2) / 3,  # from 2.5
        },
        abs=1e-9,
    )


def test_the_commonest_label_of_training_is_the_yardstick():
    assert classes(train_labels=np.array([1.0, 0.0, 1.0])).commonest == 1.0
    assert values().commonest == 2.5


def test_classes_that_are_mixed_up_end_the_run_unless_the_set_is_made_to_mislead():
    totals = {"outputs": np.array([[0.0, 3.0], [3.0, 0.0]] * 40), "labels": np.array([0.0, 1.0] * 40)}
    with pytest.raises(
        UserError,
        match=r"^the labels of validation are mixed up: 0\.0% are right, and 100\.0% with no for yes, yes for no;",
    ):
        classes(validation={"validation": 80}).metrics(totals)
    assert classes(validation={"validation": 80}, adversarial=True).metrics(totals)["accuracy"] == 0.0
