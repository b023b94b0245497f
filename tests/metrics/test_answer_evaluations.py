"""Scores of free text as Hugging Face's evaluate knows them."""

from pathlib import Path

import evaluate
import pytest

from genai_hf.metrics import answer_evaluations
from genai_hf.metrics.answers import METRICS, score

pytestmark = pytest.mark.usefixtures("evaluate_cache")
FILE = str(Path(answer_evaluations.__file__))
SAID, KNOWN = ["the Nile", "in Paris"], [["Nile", "River Nile"], ["Paris"]]


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_is_loaded_from_the_path_and_gives_the_same(name, tmp_path):
    metric = evaluate.load(FILE, name, cache_dir=str(tmp_path))
    assert metric.compute(predictions=SAID, references=KNOWN) == score([name], SAID, KNOWN)


def test_an_unknown_name_is_refused(tmp_path):
    with pytest.raises(ValueError, match="name one of exact_match"):
        evaluate.load(FILE, "bleu", cache_dir=str(tmp_path))
