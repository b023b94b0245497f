"""The figures of `genai_hf.metrics.answers` as a metric of Hugging Face's evaluate, from a local path.

::

    metric = evaluate.load("…/genai_hf/metrics/answer_evaluations.py", "exact_match")
    metric.compute(predictions=["the Nile"], references=[["Nile", "River Nile"]])
"""

import datasets
import evaluate

from genai_hf.metrics.answers import METRICS, score


class AnswerMetrics(evaluate.Metric):
    """One of the figures, named by the configuration."""

    def _info(self) -> evaluate.MetricInfo:
        if self.config_name not in METRICS:
            raise ValueError(f"name one of {', '.join(METRICS)}, got {self.config_name}")
        text = datasets.Value("string")
        return evaluate.MetricInfo(
            description=__doc__ or "",
            citation="Rajpurkar et al. 2016, arXiv:1606.05250; Lin 2004",
            inputs_description="predictions: texts; references: one or more texts for each",
            features=datasets.Features({"predictions": text, "references": datasets.Sequence(text)}),
        )

    def _compute(self, predictions: list[str], references: list[list[str]]) -> dict[str, float]:
        return score([self.config_name], predictions, references)
