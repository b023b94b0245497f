"""The published averages come out of the published rows; an incomplete row has none."""

import pytest

from genai_hf.metrics.averages import AVERAGES, MEANINGS, average, missing

COLUMNS = [
    ("mnli", "accuracy"),
    ("mnli", "mismatched_accuracy"),
    ("qqp", "f1"),
    ("qnli", "accuracy"),
    ("sst2", "accuracy"),
    ("cola", "matthews"),
    ("stsb", "spearman"),
    ("mrpc", "f1"),
    ("rte", "accuracy"),
]

# Devlin et al. 2018, table 1: its nine columns, then its own average.
TABLE = {
    "pre-OpenAI SOTA": ([80.6, 80.1, 66.1, 82.3, 93.2, 35.0, 81.0, 86.0, 61.7], 74.0),
    "OpenAI GPT": ([82.1, 81.4, 70.3, 87.4, 91.3, 45.4, 80.0, 82.3, 56.0], 75.1),
    "BERT base": ([84.6, 83.4, 71.2, 90.5, 93.5, 52.1, 85.8, 88.9, 66.4], 79.6),
    "BERT large": ([86.7, 85.9, 72.1, 92.7, 94.9, 60.5, 86.5, 89.3, 70.1], 82.1),
}

LARGE = {
    ("cola", "matthews"): 60.5,
    ("sst2", "accuracy"): 94.9,
    ("mrpc", "f1"): 89.3,
    ("mrpc", "accuracy"): 85.4,
    ("stsb", "pearson"): 87.6,
    ("stsb", "spearman"): 86.5,
    ("qqp", "f1"): 72.1,
    ("qqp", "accuracy"): 89.3,
    ("mnli", "accuracy"): 86.7,
    ("mnli", "mismatched_accuracy"): 85.9,
    ("qnli", "accuracy"): 92.7,
    ("rte", "accuracy"): 70.1,
    ("wnli", "accuracy"): 65.1,
}


@pytest.mark.parametrize("system", TABLE)
def test_the_averages_of_berts_paper_come_out_of_its_rows(system):
    row, published = TABLE[system]
    assert round(average("bert_table", dict(zip(COLUMNS, row, strict=True))), 1) == published


def test_the_leaderboards_score_of_bert_large_comes_out_of_its_row():
    by_hand = (60.5 + 94.9 + 87.35 + 87.05 + 80.7 + 86.3 + 92.7 + 70.1 + 65.1) / 9
    assert average("leaderboard", LARGE) == pytest.approx(by_hand, abs=1e-9)
    assert round(by_hand, 1) == 80.5


def test_without_wnli_there_are_eight_tasks():
    assert average("no_wnli", LARGE) == pytest.approx((80.522222222 * 9 - 65.1) / 8, abs=1e-8)
    assert average("no_wnli", {score: v for score, v in LARGE.items() if score[0] != "wnli"}) == pytest.approx(82.45)


def test_the_macro_average_takes_the_deciding_metric_of_each_task():
    by_hand = (60.5 + 94.9 + 89.3 + 86.5 + 72.1 + 86.3 + 92.7 + 70.1 + 65.1) / 9
    assert average("macro", LARGE) == pytest.approx(by_hand, abs=1e-9)


@pytest.mark.parametrize("name", AVERAGES)
@pytest.mark.parametrize("scale", [1.0, 0.01])
def test_an_average_of_equal_scores_is_that_score_on_whatever_scale(name, scale):
    assert average(name, dict.fromkeys(LARGE, 50 * scale)) == pytest.approx(50 * scale)


def test_an_incomplete_row_is_refused_with_the_tasks_that_it_lacks():
    some = {score: value for score, value in LARGE.items() if score[0] not in {"rte", "mnli"}}
    with pytest.raises(ValueError, match=r"^no bert_table average without mnli, rte$"):
        average("bert_table", some)
    assert missing("bert_table", LARGE) == []
    assert missing("leaderboard", {}) == ["mnli", "qqp", "mrpc", "stsb", "cola", "sst2", "qnli", "rte", "wnli"]


def test_one_of_a_tasks_two_metrics_is_not_the_whole_task():
    assert missing("leaderboard", {score: v for score, v in LARGE.items() if score != ("mrpc", "accuracy")}) == ["mrpc"]
    assert missing("bert_table", {score: v for score, v in LARGE.items() if score != ("mrpc", "accuracy")}) == []


def test_every_average_has_a_meaning_in_words():
    assert MEANINGS.keys() == AVERAGES.keys()
