"""Objectives: what is predicted, counted, summed and scored. The Trainer asks nothing else of them."""

from collections.abc import Mapping
from typing import Protocol

from torch import Tensor, nn


class Objective(Protocol):
    """A training objective of one or more terms, each a sum of losses over its own targets."""

    @property
    def weights(self) -> Mapping[str, float]:
        """Weight of each term in the loss."""

    def count(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Number of targets of each term in one batch, a scalar each."""

    def sums(self, model: nn.Module, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Sum of each term's loss over its targets in one batch, a scalar each, by one call of the model's forward."""

    def tally(self, model: nn.Module, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Sums over one evaluation batch, a scalar each, from which `metrics` makes figures."""

    def metrics(self, totals: Mapping[str, float]) -> dict[str, float]:
        """Figures from the sums over all evaluation batches; the first to look at is `loss`."""
