"""Figures of classification and regression, by scikit-learn and scipy, from one prediction an example.

GLUE's own (Wang et al. 2018, arXiv:1804.07461, table 1): accuracy, F1 of the positive class, Matthews' correlation,
Pearson's and Spearman's. A constant prediction has a correlation of 0, where the libraries give 0 or not a number.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.optimize import linear_sum_assignment
from sklearn import metrics

Array = NDArray[np.float64]

SUSPICIOUS = 0.25  # share of examples that would be right under other names alone, beyond chance
SURE = 0.4  # of the way from as probable as all others to certain
IMPROBABLE = 1e-4  # probability of that by chance, were both names as good


def accuracy(truth: Array, predicted: Array) -> float:
    """Share of equal labels, in [0, 1]."""
    return float(metrics.accuracy_score(truth, predicted))


def f1(truth: Array, predicted: Array) -> float:
    """F1 of label 1, the positive one of two, in [0, 1]; 0 where it is neither there nor predicted."""
    return float(metrics.f1_score(truth, predicted, labels=[1], average="macro", zero_division=0))


def f1_macro(truth: Array, predicted: Array) -> float:
    """Mean of every label's F1, in [0, 1]; a label that is neither there nor predicted does not count."""
    return float(metrics.f1_score(truth, predicted, average="macro", zero_division=0))


def matthews(truth: Array, predicted: Array) -> float:
    """Matthews' correlation of labels, in [-1, 1] (Matthews 1975; for several labels Gorodkin 2004)."""
    return _correlation(metrics.matthews_corrcoef, truth, predicted)


def spearman(truth: Array, predicted: Array) -> float:
    """Spearman's rank correlation, in [-1, 1]."""
    return _correlation(lambda *both: stats.spearmanr(*both).statistic, truth, predicted)


def pearson(truth: Array, predicted: Array) -> float:
    """Pearson's correlation, in [-1, 1]."""
    return _correlation(lambda *both: stats.pearsonr(*both).statistic, truth, predicted)


def mean_squared_error(truth: Array, predicted: Array) -> float:
    """Mean of the squared differences."""
    return float(metrics.mean_squared_error(truth, predicted))


METRICS: dict[str, Callable[[Array, Array], float]] = {
    function.__name__: function
    for function in (accuracy, f1, f1_macro, matthews, spearman, pearson, mean_squared_error)
}


def score(names: Sequence[str], truth: Array, predicted: Array) -> dict[str, float]:
    """Several metrics, each a key of METRICS, of numbers (N,) of labels, or of values (N,).

    Raises:
        ValueError: The shapes differ, or there is no example.
    """
    if truth.shape != predicted.shape or truth.ndim != 1 or not len(truth):
        raise ValueError(f"truth {truth.shape} and predictions {predicted.shape} must both be (N,), N at least 1")
    return {name: METRICS[name](truth, predicted) for name in names}


def order_fault(truth: NDArray[np.int64], probabilities: Array, names: Sequence[str]) -> str | None:
    """Whether classes seem to be mixed up: the model is sure of itself, and far more were right under other names.

    Args:
        truth: Numbers (N,) of the right classes, in [0, len(names)).
        probabilities: Of each class (N, len(names)). An untrained head is sure of nothing, and may be far off.
        names: Of the classes.

    Returns:
        How many are right, and under which names more would be, in words; None where nothing speaks for it.
    """
    unsure = 1 / len(names)
    if probabilities.max(1).mean() < unsure + SURE * (1 - unsure):
        return None
    confusion = metrics.confusion_matrix(truth, probabilities.argmax(1), labels=range(len(names)))
    truths, predictions = linear_sum_assignment(confusion, maximize=True)
    count, right, better = len(truth), int(confusion.trace()), int(confusion[truths, predictions].sum())
    of_truth, of_predictions = confusion.sum(1), confusion.sum(0)  # by which chance alone would be right so often
    by_chance = of_truth[truths] @ of_predictions[predictions] / count - of_truth @ of_predictions / count
    is_alike = better - right - by_chance < SUSPICIOUS * count
    if is_alike or stats.binomtest(right, better + right).pvalue > IMPROBABLE:
        return None
    renamed = ", ".join(f"{names[t]} for {names[p]}" for t, p in zip(truths, predictions, strict=True) if t != p)
    return f"{right / count:.1%} are right, and {better / count:.1%} with {renamed}"


def _correlation(function: Callable[[Array, Array], float], truth: Array, predicted: Array) -> float:
    return 0.0 if np.ptp(truth) == 0 or np.ptp(predicted) == 0 else float(function(truth, predicted))
