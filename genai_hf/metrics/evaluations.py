"""The figures of `genai_hf.metrics.labelled` as a metric of Hugging Face's evaluate, from a local path.

::

    metric = evaluate.load("…/genai_hf/metrics/evaluations.py", "f1")
    metric.compute(predictions=[0, 1], references=[1, 1])

A name instead of a path would run code from the working directory or the Hub; and evaluate cuts the predictions of a
regression to whole numbers where its features are those of a classification, so here they are not.
"""

import datasets
import evaluate
import numpy as np

from genai_hf.metrics.labelled import METRICS, score

REGRESSION = {"spearman", "pearson", "mean_squared_error"}
TASKS = {
    "cola": ["matthews"],
    "sst2": ["accuracy"],
    "mrpc": ["f1", "accuracy"],
    "stsb": ["spearman", "pearson"],
    "qqp": ["f1", "accuracy"],
    "mnli": ["accuracy"],
    "qnli": ["accuracy"],
    "rte": ["accuracy"],
    "wnli": ["accuracy"],
    "ax": ["matthews"],
}


class LabelMetrics(evaluate.Metric):
    """Figures of labels of texts; the configuration names one of them, or a GLUE task for those of its leaderboard."""

    def _info(self) -> evaluate.MetricInfo:
        if self.config_name not in {*METRICS, *TASKS}:
            raise ValueError(f"name one of {', '.join([*METRICS, *TASKS])}, got {self.config_name}")
        kind = datasets.Value("float64" if REGRESSION & set(self._names()) else "int64")
        return evaluate.MetricInfo(
            description=__doc__ or "",
            citation="Wang et al. 2018, arXiv:1804.07461",
            inputs_description="predictions and references: numbers of labels, or values in a regression",
            features=datasets.Features({"predictions": kind, "references": kind}),
        )

    def _compute(self, predictions: list[float], references: list[float]) -> dict[str, float]:
        return score(self._names(), np.array(references, dtype=float), np.array(predictions, dtype=float))

    def _names(self) -> list[str]:
        return TASKS.get(self.config_name, [self.config_name])
