"""What every objective of language modelling is scored by: its text tokens, beside a model that only counts words."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True)
class TextTally:
    """Sums over the targets of a batch that are text, from which `language_metrics` makes figures.

    Args:
        frequencies: (V,) how often each token occurs in the training text; the yardstick of the evaluation.
        special: Ids that are no text, such as sentinels and the end of text: no figure counts them.
        lengths: (V,) UTF-8 bytes that each token stands for, for bits per byte; None counts no bytes.
    """

    frequencies: NDArray[np.int64]
    special: Sequence[int] = ()
    lengths: NDArray[np.int64] | None = None
    _surprise: Tensor = field(init=False, repr=False)
    _text: Tensor = field(init=False, repr=False)

    def __post_init__(self) -> None:
        smoothed = torch.from_numpy(self.frequencies) + 1.0
        smoothed[list(self.special)] = 1.0
        object.__setattr__(self, "_surprise", -(smoothed.log() - smoothed.sum().log()))
        text = torch.ones(len(self.frequencies), dtype=torch.bool)
        text[list(self.special)] = False
        object.__setattr__(self, "_text", text)

    def __call__(self, losses: Tensor, predicted: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """Sums over targets.

        Args:
            losses: (N,) cross-entropy of each, in nats.
            predicted: (N,) the most probable token at each place.
            targets: (N,) int64.
        """
        kept = self._text.to(targets.device)[targets]
        losses, predicted, targets = losses[kept], predicted[kept], targets[kept]
        commonest = int(self.frequencies.argmax())
        totals = {
            "targets": targets.new_tensor(len(targets)),
            "loss": losses.sum(),
            "correct": (predicted == targets).sum(),
            "unigram_loss": self._surprise.to(targets.device)[targets].sum(),
            "commonest": (targets == commonest).sum(),
        }
        if self.lengths is not None:
            totals["bytes"] = torch.from_numpy(self.lengths).to(targets.device)[targets].sum()
        return totals
