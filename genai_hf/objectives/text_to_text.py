"""Text to text: predict each token of the target from the inputs and the target before it (Raffel et al. 2020, sec. 2).

Raffel et al. 2020, "Exploring the limits of transfer learning with a unified text-to-text transformer", JMLR 21:140,
arXiv:1910.10683. The loss is on every token of the target, sentinels and end of text too (section 3.1.4); the figures
of an evaluation are of its text alone.
"""

from collections.abc import Mapping, Sequence
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

INPUTS = ("input_ids", "attention_mask", "decoder_input_ids")


@dataclass(frozen=True, kw_only=True)
class TextToText:
    """The objective of batches of `input_ids`, `attention_mask`, `decoder_input_ids`, `labels` and `label_positions`.

    Args:
        frequencies: (V,) how often each token occurs in the training text; the yardstick of the evaluation.
        special: Ids in the targets that are no text, such as sentinels and the end: trained on, but in no figure.
        head_on_labels: Compute the vocabulary head only at the labelled positions: the same loss, for less.
    """

    frequencies: NDArray[np.int64]
    special: Sequence[int]
    head_on_labels: bool = True
    weights: ClassVar[Mapping[str, float]] = {"text_to_text": 1.0}
    _tally: TextTally = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_tally", TextTally(self.frequencies, self.special))

    def count(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Number of targets of each term."""
        return {"text_to_text": torch.tensor(len(batch["label_positions"]))}

    def sums(self, model: nn.Module, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Sum of each term's loss over its targets."""
        return {"text_to_text": cross_entropy_sum(*self._predict(model, batch))}

    def tally(self, model: nn.Module, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Sums over the batch from which `metrics` makes figures."""
        logits, targets = self._predict(model, batch)
        losses = F.cross_entropy(logits.float(), targets, reduction="none")
        return self._tally(losses, logits.argmax(-1), targets)

    def metrics(self, totals: Mapping[str, float]) -> dict[str, float]:
        """Figures of a whole evaluation from the sums over its batches."""
        return language_metrics(totals, accuracy="token_accuracy")

    def _predict(self, model: nn.Module, batch: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Logits (N, V) and targets (N,) at the labelled positions."""
        positions = batch["label_positions"]
        with head_rows(model, positions if self.head_on_labels else None):
            logits = model(**{name: batch[name] for name in INPUTS}, use_cache=False).logits
        if not self.head_on_labels:
            logits = logits.flatten(0, 1)[positions]
        return logits, batch["labels"].flatten()[positions]
