"""Each figure equals what one computes by hand, and what the libraries give; none is ever not a number."""

import math

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics

from genai_hf.metrics.labelled import METRICS, order_fault, score


def pairs(confusion):
    """Truth and predictions of a confusion matrix: its rows are the truth."""
    cells = [(t, p) for t, row in enumerate(confusion) for p, count in enumerate(row) for _ in range(count)]
    return tuple(np.array(column, dtype=np.int64) for column in zip(*cells, strict=True))


def sure(predicted, classes, share=0.9):
    """Probabilities of a model that is so sure of what it predicts."""
    rest = (1 - share) / (classes - 1)
    return np.where(np.arange(classes) == predicted[:, None], share, rest)


def figures(truth, predicted):
    names = ["accuracy", "f1", "f1_macro", "matthews"]
    return score(names, np.asarray(truth, dtype=float), np.asarray(predicted, dtype=float))


def test_two_classes_give_what_one_computes_by_hand():
    assert figures(*pairs([[50, 10], [5, 35]])) == pytest.approx(
        {
            "accuracy": 85 / 100,
            "f1": 2 * 35 / (2 * 35 + 10 + 5),
            "f1_macro": (2 * 50 / (2 * 50 + 5 + 10) + 70 / 85) / 2,
            "matthews": (50 * 35 - 10 * 5) / math.sqrt(45 * 40 * 60 * 55),
        },
        abs=1e-9,
    )


def test_three_classes_give_what_one_computes_by_hand():
    truth, predicted = pairs([[8, 1, 1], [2, 6, 2], [0, 3, 7]])
    found = score(["accuracy", "f1_macro", "matthews"], truth.astype(float), predicted.astype(float))
    # Gorodkin: covariance 21 * 30 - 3 * 10 * 10, variances 30 * 30 - 3 * 10 * 10: every row and column holds 10
    assert found == pytest.approx(
        {"accuracy": 21 / 30, "f1_macro": (16 / 20 + 12 / 20 + 14 / 20) / 3, "matthews": (630 - 300) / 600}, abs=1e-9
    )


def test_the_figures_of_labels_are_those_of_scikit_learn():
    random = np.random.default_rng(0)
    truth = random.integers(0, 2, 300).astype(float)
    predicted = np.where(random.random(300) < 0.7, truth, 1 - truth)
    assert figures(truth, predicted) == pytest.approx(
        {
            "accuracy": metrics.accuracy_score(truth, predicted),
            "f1": metrics.f1_score(truth, predicted),
            "f1_macro": metrics.f1_score(truth, predicted, average="macro"),
            "matthews": metrics.matthews_corrcoef(truth, predicted),
        },
        abs=1e-9,
    )


def test_the_figures_of_values_are_those_of_scipy_and_by_hand():
    truth, predicted = np.array([1.0, 2.0, 3.0, 5.0]), np.array([2.0, 1.0, 4.0, 3.0])
    found = score(["pearson", "spearman", "mean_squared_error"], truth, predicted)
    # ranks 1 2 3 4 and 2 1 4 3: 1 - 6 * 4 / (4 * 15); deviations -1.75 -0.75 0.25 2.25 and -0.5 -1.5 1.5 0.5
    by_hand = {"pearson": 3.5 / math.sqrt(8.75 * 5), "spearman": 0.6, "mean_squared_error": 7 / 4}
    assert found == pytest.approx(by_hand, abs=1e-9)
    random = np.random.default_rng(0)
    truth = random.integers(0, 6, 200).astype(float)  # with ties
    predicted = truth + random.normal(size=200)
    found = score(["pearson", "spearman"], truth, predicted)
    theirs = {
        "pearson": stats.pearsonr(truth, predicted).statistic,
        "spearman": stats.spearmanr(truth, predicted).statistic,
    }
    assert found == pytest.approx(theirs, abs=1e-9)


@pytest.mark.parametrize("name", ["matthews", "pearson", "spearman"])
@pytest.mark.parametrize(
    ("truth", "predicted"),
    [([0, 1, 1], [1, 1, 1]), ([0, 0, 0], [0, 1, 0]), ([1, 1, 1], [1, 1, 1]), ([0, 0], [1, 1]), ([1], [1])],
)
def test_a_constant_correlates_with_nothing_and_nobody_is_warned(name, truth, predicted):
    assert METRICS[name](np.array(truth, dtype=float), np.array(predicted, dtype=float)) == 0.0


@pytest.mark.parametrize("name", METRICS)
def test_no_figure_of_two_labels_is_ever_not_a_number(name):
    every = [np.array([number >> place & 1 for place in range(3)], dtype=float) for number in range(8)]
    for truth in every:
        for predicted in every:
            assert math.isfinite(METRICS[name](truth, predicted)), (truth, predicted)


def test_f1_looks_at_the_positive_label_alone():
    none, one = np.zeros(4), np.array([0.0, 0.0, 0.0, 1.0])
    assert METRICS["f1"](none, none) == 0.0
    assert METRICS["f1"](none, one) == 0.0
    assert METRICS["f1"](one, none) == 0.0
    assert METRICS["f1"](one, one) == 1.0


def test_a_label_that_is_nowhere_leaves_the_macro_average():
    assert METRICS["f1_macro"](np.array([0.0, 0.0, 2.0]), np.array([0.0, 0.0, 2.0])) == 1.0


@pytest.mark.parametrize(
    ("truth", "predicted"),
    [
        (np.zeros(2), np.zeros(3)),
        (np.zeros(2), np.zeros((2, 1))),
        (np.zeros((2, 1)), np.zeros((2, 1))),
        (np.zeros(0),) * 2,
    ],
)
def test_other_shapes_than_one_number_an_example_are_refused(truth, predicted):
    with pytest.raises(ValueError, match="must both be"):
        score(["accuracy"], truth, predicted)


def test_a_rotated_labelling_is_found_and_named():
    truth, predicted = pairs([[5, 90, 5], [5, 5, 90], [90, 5, 5]])
    assert order_fault(truth, sure(predicted, 3), ["yes", "maybe", "no"]) == (
        "5.0% are right, and 90.0% with yes for maybe, maybe for no, no for yes"
    )


def test_two_swapped_classes_of_three_are_found():
    truth, predicted = pairs([[5, 90, 5], [90, 5, 5], [5, 5, 90]])
    assert "33.3% are right, and 90.0% with" in order_fault(truth, sure(predicted, 3), ["yes", "maybe", "no"])


def test_two_classes_the_wrong_way_round_are_found():
    truth, predicted = pairs([[5, 95], [95, 5]])
    assert "95.0% with no for yes, yes for no" in order_fault(truth, sure(predicted, 2), ["no", "yes"])


def test_a_model_that_is_sure_of_nothing_is_not_suspected():
    truth, predicted = pairs([[5, 95], [95, 5]])
    assert order_fault(truth, sure(predicted, 2, share=0.6), ["no", "yes"]) is None


@pytest.mark.parametrize(
    "confusion",
    [
        pytest.param([[90, 5, 5], [5, 90, 5], [5, 5, 90]], id="all in order"),
        pytest.param([[0, 950], [0, 50]], id="constant, and rarely right"),
        pytest.param([[0, 1000], [0, 0]], id="constant, and never right"),
        pytest.param([[1000, 0], [0, 0]], id="constant, and always right"),
        pytest.param([[0, 0, 400], [0, 0, 500], [0, 0, 100]], id="constant, of three"),
        pytest.param([[12, 23], [20, 16]], id="WNLI's 71 by chance"),
        pytest.param([[250, 250], [250, 250]], id="as chance has it"),
        pytest.param([[2, 4], [4, 0]], id="too few to say"),
    ],
)
def test_what_is_merely_bad_is_no_mixup(confusion):
    truth, predicted = pairs(confusion)
    assert order_fault(truth, sure(predicted, len(confusion)), ["a", "b", "c"][: len(confusion)]) is None


@pytest.mark.parametrize("classes", [2, 3, 10])
@pytest.mark.parametrize("size", [71, 300, 5000])
def test_answers_that_know_nothing_of_the_texts_are_no_mixup(classes, size):
    for seed in range(20):
        random = np.random.default_rng(seed)
        shares = random.dirichlet(np.ones(classes))
        truth, predicted = random.choice(classes, size, p=shares), random.integers(classes, size=size)
        assert order_fault(truth, sure(predicted, classes), [str(number) for number in range(classes)]) is None
