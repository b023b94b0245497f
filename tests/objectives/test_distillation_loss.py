"""The losses of distillation against sums written out by hand."""

import contextlib
import math

import pytest
import torch
from transformers.modeling_outputs import SequenceClassifierOutput

from genai_hf.losses import cosine_distance_sum
from genai_hf.objectives.distillation import Distillation, Mixture
from genai_hf.objectives.labelling import Labelling
from genai_hf.objectives.teachers import InTheLoop, Said, coarse, with_rest

LABELS = torch.tensor([0.0, 2.0])
STUDENT, TEACHER = [[1.0, 0.5, -1.0], [0.0, 2.0, 1.0]], [[3.0, -1.0, 0.0], [0.5, 0.0, 2.5]]


class Fixed(torch.nn.Module):
    """Says the same of every batch."""

    def __init__(self, logits: list[list[float]]) -> None:
        super().__init__()
        self.logits = torch.nn.Parameter(torch.tensor(logits, dtype=torch.float64))

    def forward(self, **inputs: torch.Tensor) -> SequenceClassifierOutput:
        return SequenceClassifierOutput(logits=self.logits)


@pytest.fixture(autouse=True)
def _no_transformer(monkeypatch):
    """What looks for the last token of a decoder finds no decoder in `Fixed`."""
    monkeypatch.setattr("genai_hf.objectives.labelling.last_token", lambda *_: contextlib.nullcontext())


def batch() -> dict[str, torch.Tensor]:
    ids = torch.ones(2, 3, dtype=torch.int64)
    return {"input_ids": ids, "attention_mask": ids, "labels": LABELS}


def softmax(values: list[float], temperature: float) -> list[float]:
    powers = [math.exp(value / temperature) for value in values]
    return [power / sum(powers) for power in powers]


def divergence(teacher: list[float], student: list[float], temperature: float) -> float:
    p, q = softmax(teacher, temperature), softmax(student, temperature)
    return sum(a * math.log(a / b) for a, b in zip(p, q, strict=True))


def objective(teacher: list[list[float]], names: str = "abc", columns: list[int] | None = None, **loss) -> Distillation:
    hard = Labelling(names=list(names), scores=["accuracy"], validation={"v": 2}, train_labels=LABELS.numpy())
    says = InTheLoop(model=Fixed(teacher), hard=hard, columns=columns or range(max(len(names), 1)))
    return Distillation(hard=hard, teacher=says, loss=Mixture(**loss))


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
def test_both_terms_are_what_a_hand_computes(temperature):
    made = objective(TEACHER, temperature=temperature, alpha=0.25)
    sums = made.sums(Fixed(STUDENT), batch())
    by_hand = temperature**2 * sum(divergence(t, s, temperature) for t, s in zip(TEACHER, STUDENT, strict=True))
    assert sums["soft"].item() == pytest.approx(by_hand, rel=1e-12)
    hard = -math.log(softmax(STUDENT[0], 1)[0]) - math.log(softmax(STUDENT[1], 1)[2])
    assert sums["label"].item() == pytest.approx(hard, rel=1e-12)
    assert made.weights == {"label": 0.75, "soft": 0.25}
    assert {term: int(number) for term, number in made.count(batch()).items()} == dict.fromkeys(sums, 2) | {"cosine": 2}


def test_the_gradient_reaches_the_student_and_not_the_teacher():
    made, student = objective(TEACHER, temperature=3.0), Fixed(STUDENT)
    made.sums(student, batch())["soft"].backward()
    for row in range(2):  # d/dz of T^2 KL is T (q - p)
        wanted = [3 * (q - p) for q, p in zip(softmax(STUDENT[row], 3), softmax(TEACHER[row], 3), strict=True)]
        assert student.logits.grad[row].tolist() == pytest.approx(wanted, rel=1e-12)
    assert made.teacher.model.logits.grad is None


def test_at_a_high_temperature_logits_are_matched():
    """Hinton et al., section 2.1, equation 4: the gradient of each centred logit is its difference over C."""
    made, student = objective(TEACHER, temperature=1e4), Fixed(STUDENT)
    made.sums(student, batch())["soft"].backward()
    centred = [logits - logits.mean(1, keepdim=True) for logits in (student.logits.detach(), torch.tensor(TEACHER))]
    assert torch.allclose(student.logits.grad, (centred[0] - centred[1]) / 3, rtol=1e-3)


def test_labels_of_another_order_are_read_by_the_columns():
    turned = [[row[2], row[0], row[1]] for row in TEACHER]
    there = objective(turned, columns=[1, 2, 0]).sums(Fixed(STUDENT), batch())["soft"]
    assert there.item() == pytest.approx(objective(TEACHER).sums(Fixed(STUDENT), batch())["soft"].item(), rel=1e-12)


def test_a_regression_learns_the_teachers_value():
    sums = objective([[1.0], [4.0]], names="", temperature=7.0).sums(Fixed([[0.5], [2.0]]), batch())
    assert sums["soft"].item() == pytest.approx(0.5**2 + 2.0**2)


def test_the_most_probable_and_the_rest_are_one_distribution():
    logits, teacher = torch.tensor([[1.0, 0.0, 2.0, -1.0]]), torch.tensor([[0.6, 0.1, 0.2, 0.1]])
    kept, ids = teacher.log()[:, [0, 2]], torch.tensor([[0, 2]])
    said = Said(with_rest(kept), 4, ids=ids)
    assert said.scores.exp().tolist()[0] == pytest.approx([0.6, 0.2, 0.2])
    q = softmax(logits[0].tolist(), 1)
    assert coarse(logits.log_softmax(-1), ids).exp()[0].tolist() == pytest.approx([q[0], q[2], q[1] + q[3]])
    found = objective(TEACHER, temperature=1.0)._soft(logits, said.scores, said.ids).item()
    wanted = 0.6 * math.log(0.6 / q[0]) + 0.2 * math.log(0.2 / q[2]) + 0.2 * math.log(0.2 / (q[1] + q[3]))
    assert found == pytest.approx(wanted, rel=1e-5)
    whole = sum(p * math.log(p / other) for p, other in zip(teacher[0].tolist(), q, strict=True))
    assert found < whole  # less is known


def test_rounding_leaves_no_negative_rest():
    assert with_rest(torch.tensor([[0.0005, -9.0]])).isfinite().all()


def test_the_distance_of_states_is_one_less_their_cosine():
    found = cosine_distance_sum(torch.tensor([[1.0, 0.0], [1.0, 1.0]]), torch.tensor([[0.0, 3.0], [2.0, 2.0]]))
    assert found.item() == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        ({"temperature": 0}, "temperature must be above 0, got 0"),
        ({"alpha": 1.5}, r"alpha must be in \[0, 1\], got 1.5"),
        ({"alpha": -0.1}, r"alpha must be in \[0, 1\], got -0.1"),
        ({"cosine": -1}, "cosine must be at least 0, got -1"),
    ],
)
def test_values_outside_their_range_are_refused(loss, message):
    with pytest.raises(ValueError, match=message):
        Mixture(**loss)


def test_what_else_is_asked_is_answered_by_the_objective_that_is_wrapped():
    made = objective(TEACHER)
    assert made.names == ["a", "b", "c"]
    with pytest.raises(AttributeError, match="nothing"):
        made.nothing  # noqa: B018
