"""Masked language modelling: predict the hidden tokens from both sides (Devlin et al. 2018, section 3.1)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.typing import NDArray
from torch import Tensor, nn

from genai_hf.losses import cross_entropy_sum
from genai_hf.metrics.language import language_metrics
from genai_hf.models.head import head_rows
from genai_hf.objectives.language import TextTally


@dataclass(frozen=True, kw_only=True)
class MaskedLM:
    """The objective of `MaskedLMCollator`'s batches.

    Args:
        frequencies: (V,) how often each token occurs in the training text; the yardstick of the evaluation.
        head_on_labels: Compute the vocabulary head only at the labelled positions: the same loss, for less.
    """

    frequencies: NDArray[np.int64]
    head_on_labels: bool = True
    weights: ClassVar[Mapping[str, float]] = {"masked_lm": 1.0}
    _tally: TextTally = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_tally", TextTally(self.frequencies))

    def count(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Number of targets of each term."""
        return {"masked_lm": torch.tensor(len(batch["label_positions"]))}

    def sums(self, model: nn.Module, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Sum of each term's loss over its targets."""
        return {"masked_lm": cross_entropy_sum(*self._predict(model, batch))}

    def tally(self, model: nn.Module, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Sums over the batch from which `metrics` makes figures."""
        logits, targets = self._predict(model, batch)
        losses = F.cross_entropy(logits.float(), targets, reduction="none")
        return self._tally(losses, logits.argmax(-1), targets)

    def metrics(self, totals: Mapping[str, float]) -> dict[str, float]:
        """Figures of a whole evaluation from the sums over its batches."""
        return language_metrics(totals, accuracy="masked_accuracy")

    def _predict(self, model: nn.Module, batch: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Logits (N, V) and targets (N,) at the labelled positions."""
        positions = batch["label_positions"]
        with head_rows(model, positions if self.head_on_labels else None):
            logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
        if not self.head_on_labels:
            logits = logits.flatten(0, 1)[positions]
        return logits, batch["labels"].flatten()[positions]
