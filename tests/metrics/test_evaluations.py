"""The metrics as Hugging Face's evaluate knows them."""

from pathlib import Path

import evaluate
import numpy as np
import pytest
from scipy import stats

from genai_hf.metrics import evaluations
from genai_hf.metrics.labelled import METRICS

pytestmark = pytest.mark.usefixtures("evaluate_cache")
FILE = str(Path(evaluations.__file__))


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_is_loaded_from_the_path_and_gives_the_same(name, tmp_path):
    truth, predicted = [0, 1, 1, 0, 1, 1], [0, 1, 0, 0, 1, 1]
    metric = evaluate.load(FILE, name, cache_dir=str(tmp_path))
    expected = METRICS[name](np.array(truth, dtype=float), np.array(predicted, dtype=float))
    assert metric.compute(predictions=predicted, references=truth) == {name: pytest.approx(expected, abs=1e-12)}


def test_the_values_of_a_regression_are_not_cut_to_whole_numbers(tmp_path):
    truth, predicted = [0.2, 1.7, 3.1, 4.9], [0.9, 0.6, 2.8, 4.4]
    metric = evaluate.load(FILE, "stsb", cache_dir=str(tmp_path))
    found = metric.compute(predictions=predicted, references=truth)
    assert found["pearson"] == pytest.approx(stats.pearsonr(truth, predicted).statistic, abs=1e-12)
    assert found["spearman"] == pytest.approx(0.8, abs=1e-12)


def test_a_name_that_is_none_is_refused(tmp_path):
    with pytest.raises(ValueError, match="name one of accuracy"):
        evaluate.load(FILE, "acuracy", cache_dir=str(tmp_path))
