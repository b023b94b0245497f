"""Objectives: what is predicted, counted, summed and scored. The Trainer asks nothing else of them."""

from collections.abc import Mapping
from typing import Any, Protocol

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
        """Of one evaluation batch: sums, a scalar each, or a row an example (B, …); `metrics` makes figures of them."""

    def metrics(self, totals: Mapping[str, Any]) -> dict[str, float]:
        """Figures of a whole evaluation, one of them `loss`; the first is the one to look at.

        Args:
            totals: The sums over all batches, and arrays (examples, …) in the order of the evaluation rows.
        """
