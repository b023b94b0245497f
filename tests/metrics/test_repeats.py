import pytest
from scipy import stats

from genai_hf.metrics.repeats import Repeats


def test_five_scores_have_the_mean_median_and_deviation_that_one_computes_by_hand():
    five = Repeats([60.0, 62.0, 64.0, 66.0, 73.0])
    assert five.mean == 65.0
    assert five.median == 64.0
    assert five.deviation == pytest.approx(25.0**0.5, abs=1e-12)  # (25 + 9 + 1 + 1 + 64) / 4


def test_the_interval_reaches_students_quantile_times_the_error_of_the_mean():
    low, high = Repeats([60.0, 62.0, 64.0, 66.0, 73.0]).interval
    assert (low, high) == pytest.approx((65 - 2.7764451 * 5 / 5**0.5, 65 + 2.7764451 * 5 / 5**0.5), abs=1e-6)


def test_the_interval_is_that_of_scipy():
    scores = [0.81, 0.84, 0.79]
    theirs = stats.t.interval(0.95, 2, loc=sum(scores) / 3, scale=stats.sem(scores))
    assert Repeats(scores).interval == pytest.approx(theirs, abs=1e-12)


def test_one_run_has_no_spread():
    one = Repeats([0.5])
    assert (one.mean, one.median, one.deviation, one.interval) == (0.5, 0.5, None, None)


def test_equal_scores_have_an_interval_of_no_width():
    same = Repeats([0.25, 0.25])
    assert same.deviation == 0.0
    assert same.interval == (0.25, 0.25)
