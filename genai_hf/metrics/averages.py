"""GLUE's averages, each by its name: papers print several under the one word "average".

Wang et al. 2018, arXiv:1804.07461 (the leaderboard's); Devlin et al. 2018, arXiv:1810.04805, table 1 (BERT's).
"""

import statistics
from collections.abc import Mapping, Sequence

Score = tuple[str, str]  # task and metric

MNLI = [("mnli", "accuracy"), ("mnli", "mismatched_accuracy")]
PAIRS = [[("qqp", "f1"), ("qqp", "accuracy")], [("mrpc", "f1"), ("mrpc", "accuracy")]]
SIMILARITY = [("stsb", "pearson"), ("stsb", "spearman")]
OTHERS: list[list[Score]] = [
    [("cola", "matthews")],
    *([(task, "accuracy")] for task in ("sst2", "qnli", "rte")),
]
WNLI: list[Score] = [("wnli", "accuracy")]

# The mean of the means of the inner lists.
AVERAGES: dict[str, list[list[Score]]] = {
    # Nine columns, MNLI's two sets counted apart, no WNLI.
    "bert_table": [
        *([score] for score in MNLI),
        *([(task, "f1")] for task in ("qqp", "mrpc")),
        [("stsb", "spearman")],
        *OTHERS,
    ],
    # Nine tasks, the metrics of each averaged first.
    "leaderboard": [MNLI, *PAIRS, SIMILARITY, *OTHERS, WNLI],
    # The same without WNLI, whose validation set contradicts its training set.
    "no_wnli": [MNLI, *PAIRS, SIMILARITY, *OTHERS],
    # Nine tasks, one number of each: that which decides between epochs.
    "macro": [MNLI, [("qqp", "f1")], [("mrpc", "f1")], [("stsb", "spearman")], *OTHERS, WNLI],
}
MEANINGS = {
    "bert_table": "the mean of MNLI-m, MNLI-mm, QQP (F1), QNLI, SST-2, CoLA, STS-B (Spearman), MRPC (F1) and RTE",
    "leaderboard": "the mean over the nine tasks of the mean of each one's metrics",
    "no_wnli": "as leaderboard, without WNLI",
    "macro": "the mean over the nine tasks of the metric that decides in each (of MNLI the mean of both sets)",
}


def missing(name: str, scores: Mapping[Score, float]) -> list[str]:
    """Tasks without which there is no such average, in its order."""
    lacking = [score[0] for group in AVERAGES[name] for score in group if score not in scores]
    return list(dict.fromkeys(lacking))


def average(name: str, scores: Mapping[Score, float]) -> float:
    """An average of a whole row of scores, on their own scale.

    Args:
        name: A key of AVERAGES.
        scores: By task and metric.

    Raises:
        ValueError: The row is incomplete: an average over fewer tasks is another number.
    """
    lacking = missing(name, scores)
    if lacking:
        raise ValueError(f"no {name} average without {', '.join(lacking)}")
    return _mean([_mean([scores[score] for score in group]) for group in AVERAGES[name]])


def _mean(values: Sequence[float]) -> float:
    return statistics.fmean(values)
