"""Causal language modelling: predict each token from those before it (Radford et al. 2018, section 3.1, equation 1).

Or, of a prefix language model, from all of the beginning and those before it (Raffel et al. 2020, section 3.2.1).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from genai_hf.metrics.language import language_metrics
from genai_hf.models.attention import four_dimensional, prefix_mask
from genai_hf.models.head import head_losses, head_rows
from genai_hf.objectives.language import TextTally


@dataclass(frozen=True, kw_only=True)
class CausalLM:
    """The objective of batches whose labels stand where they are predicted: `CausalLMCollator`'s, `PrefixLMCollator`'s.

    Args:
        text: Scores the predictions of text.
        head_rows: Compute the vocabulary head on so many positions at a time, at least 1; None is all at once.

    Raises:
        ValueError: `head_rows` is below 1.
    """

    text: TextTally
    head_rows: int | None = None
    weights: ClassVar[Mapping[str, float]] = {"language_model": 1.0}

    def __post_init__(self) -> None:
        if self.head_rows is not None and self.head_rows < 1:
            raise ValueError(f"head_rows must be at least 1, or null for all at once, got {self.head_rows}")

    def count(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Number of targets of each term."""
        return {"language_model": torch.tensor(len(batch["label_positions"]))}

    def sums(self, model: nn.Module, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Sum of each term's loss over its targets."""
        return {"language_model": self._predict(model, batch)[0].sum()}

    def tally(self, model: nn.Module, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Sums over the batch from which `metrics` makes figures."""
        return self.text(*self._predict(model, batch))

    def metrics(self, totals: Mapping[str, float]) -> dict[str, float]:
        """Figures of a whole evaluation from the sums over its batches."""
        return language_metrics(totals, accuracy="accuracy")

    def _predict(self, model: nn.Module, batch: Mapping[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Losses, most probable tokens and targets at the labelled positions, (N,) each."""
        positions = batch["label_positions"]
        targets = batch["labels"].flatten()[positions]
        inputs: dict[str, Any] = {"input_ids": batch["input_ids"], "use_cache": False}
        if "position_ids" in batch:  # with positions and without a mask transformers keeps packed texts apart
            inputs["position_ids"] = batch["position_ids"]
        if "prefix_lengths" in batch:
            allowed = prefix_mask(batch["prefix_lengths"], batch["input_ids"].shape[1])
            inputs["attention_mask"] = four_dimensional(model, allowed)
        if self.head_rows is not None:
            return *head_losses(model, inputs, positions, targets, self.head_rows), targets
        with head_rows(model, positions):
            logits = model(**inputs).logits
        exact = logits.to(torch.promote_types(logits.dtype, torch.float32))
        return F.cross_entropy(exact, targets, reduction="none"), logits.argmax(-1), targets
