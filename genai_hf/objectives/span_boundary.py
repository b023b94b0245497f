"""Masked language modelling and the span boundary objective together, as SpanBERT is trained.

Joshi et al. 2020, "SpanBERT: Improving Pre-training by Representing and Predicting Spans", arXiv:1907.10529, sections
3.2 and 3.3: the sum of both losses. A token that has no boundary counts in the first only.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from genai_hf.losses import cross_entropy_sum
from genai_hf.metrics.language import language_metrics
from genai_hf.models.attached import attached
from genai_hf.models.head import head_rows
from genai_hf.models.span_boundary import NAME
from genai_hf.objectives.language import TextTally, inputs_of, labelled, scored


@dataclass(frozen=True, kw_only=True)
class SpanBoundary:
    """The objective of `SpanBoundaryCollator`'s batches, for a model with the head that `attach_span_boundary` gives.

    Args:
        text: Scores the predictions of text.
        masked_lm: Weight of the loss of tokens from all that the model sees.
        span_boundary: Weight of the loss of tokens from their span's boundary.

    Raises:
        ValueError: A weight is below 0, or both are 0.
    """

    text: TextTally
    masked_lm: float = 1.0
    span_boundary: float = 1.0

    def __post_init__(self) -> None:
        for name, weight in self.weights.items():
            if not 0 <= weight < math.inf:
                raise ValueError(f"{name} must be at least 0, got {weight}")
        if not any(self.weights.values()):
            raise ValueError("masked_lm and span_boundary are both 0, so nothing would be learned")

    @property
    def weights(self) -> Mapping[str, float]:
        """Weight of each term in the loss."""
        return {"masked_lm": self.masked_lm, "span_boundary": self.span_boundary}

    def count(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Number of targets of each term."""
        return {
            "masked_lm": torch.tensor(len(batch["label_positions"])),
            "span_boundary": torch.tensor(len(batch["span_positions"])),
        }

    def sums(self, model: nn.Module, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Sum of each term's loss over its targets."""
        return {term: cross_entropy_sum(*predicted) for term, predicted in self._predict(model, batch).items()}

    def tally(self, model: nn.Module, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Sums over the batch from which `metrics` makes figures."""
        totals = dict[str, Tensor]()
        for term, (logits, targets) in self._predict(model, batch).items():
            tallied = self.text(*scored(logits, targets), targets)
            totals |= {f"{term} {name}": total for name, total in tallied.items()}
        return totals

    def metrics(self, totals: Mapping[str, float]) -> dict[str, float]:
        """Figures of a whole evaluation from the sums over its batches: of masked language modelling, and of spans."""
        figures = {
            term: language_metrics(
                {name.removeprefix(f"{term} "): total for name, total in totals.items() if name.startswith(f"{term} ")}
            )
            for term in self.weights
        }
        masked, spans = figures["masked_lm"], figures["span_boundary"]
        return masked | {"span_boundary_loss": spans["loss"], "span_boundary_accuracy": spans["token_accuracy"]}

    def _predict(self, model: nn.Module, batch: Mapping[str, Tensor]) -> dict[str, tuple[Tensor, Tensor]]:
        """For each term logits (N, V) and targets (N,), by one call of the model's forward."""
        positions, targets = labelled(batch)
        place = (batch["span_left"], batch["span_right"], batch["span_places"])
        with (
            attached(model, NAME, lambda head, states: head(states, *place)) as vectors,
            head_rows(model, positions, vectors),
        ):
            logits = model(**inputs_of(model, batch)).logits
        return {
            "masked_lm": (logits[: len(positions)], targets),
            "span_boundary": (logits[len(positions) :], batch["labels"].flatten()[batch["span_positions"]]),
        }
