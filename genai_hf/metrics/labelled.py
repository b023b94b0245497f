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

SUSPICIOUS = -0.25  # kappa: an untrained head is not so far below chance
IMPROBABLE = 1e-6  # probability that so few are right by chance


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
    return float(metrics.matthews_corrcoef(truth, predicted))


def spearman(truth: Array, predicted: Array) -> float:
    """Spearman's rank correlation, in [-1, 1]."""
    return _correlation(stats.spearmanr, truth, predicted)


def pearson(truth: Array, predicted: Array) -> float:
    """Pearson's correlation, in [-1, 1]."""
    return _correlation(stats.pearsonr, truth, predicted)


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


def order_fault(truth: NDArray[np.int64], predicted: NDArray[np.int64], names: Sequence[str]) -> str | None:
    """Whether classes seem to be mixed up: far fewer right than by chance, as Cohen's kappa (1960) measures it.

    Args:
        truth: Numbers (N,) of the right classes, in [0, len(names)).
        predicted: Numbers (N,) of the predicted ones.
        names: Of the classes.

    Returns:
        How many are right, and under which names they would be, in words; None where nothing speaks for it.
    """
    confusion = metrics.confusion_matrix(truth, predicted, labels=range(len(names)))
    count, right = int(confusion.sum()), int(confusion.trace())
    chance = float(confusion.sum(0) @ confusion.sum(1)) / count**2
    kappa = (right / count - chance) / (1 - chance) if chance < 1 else 0.0
    if kappa > SUSPICIOUS or stats.binomtest(right, count, chance, alternative="less").pvalue > IMPROBABLE:
        return None
    truths, predictions = linear_sum_assignment(confusion, maximize=True)
    better = int(confusion[truths, predictions].sum())
    renamed = ", ".join(f"{names[t]} for {names[p]}" for t, p in zip(truths, predictions, strict=True) if t != p)
    return f"{right / count:.1%} are right where chance gives {chance:.1%}, and {better / count:.1%} with {renamed}"


def _correlation(function: Callable[..., object], truth: Array, predicted: Array) -> float:
    if np.ptp(truth) == 0 or np.ptp(predicted) == 0:
        return 0.0
    return float(function(truth, predicted).statistic)  # type: ignore[attr-defined]
