"""GPT's fine-tuning: labels from the state at [EXTRACT], and language modelling of the same texts beside them.

Radford et al. 2018, "Improving Language Understanding by Generative Pre-Training", section 3.2: L3 = L2 + 0.5 L1. As in
the released code every token but the first is predicted, [DELIM] and [EXTRACT] too, in every sequence of an example
(both orders, all choices), and never padding; its loss is the mean over a sequence's tokens, then over sequences. Both
terms come from one forward pass, and the vocabulary head is computed only at tokens that have a next one.
"""

import math
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.typing import NDArray
from torch import Tensor, nn

from genai_hf.encoding.layout import Transformation
from genai_hf.models.attached import attached
from genai_hf.models.extract import NAME
from genai_hf.models.head import head_rows
from genai_hf.objectives.labelling import Labelling


@dataclass(frozen=True, kw_only=True)
class Extract:
    """The objective of `ExtractCollator`'s batches.

    Args:
        labelling: The loss and the figures of the labels; of a choice the labels are the places.
        transformation: Of the sequences.
        weight: Of language modelling in the loss, at least 0; 0 leaves it out, with the vocabulary head.
        per: Its mean is taken over each ``sequence``, then over sequences (the released code), or over every ``token``.

    Raises:
        ValueError: The weight is negative or not finite.
    """

    labelling: Labelling
    transformation: Transformation
    weight: float = 0.5
    per: Literal["sequence", "token"] = "sequence"

    def __post_init__(self) -> None:
        if not 0 <= self.weight < math.inf:
            raise ValueError(f"weight must be at least 0 and finite, got {self.weight}")

    @property
    def weights(self) -> dict[str, float]:
        """Weight of each term in the loss."""
        return {"label": 1.0} | ({"language_model": self.weight} if self.weight else {})

    def count(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Number of targets of each term."""
        counts = {"label": torch.tensor(len(batch["labels"]))}
        if self.weight:
            followed = _followed(batch["attention_mask"])
            counts["language_model"] = torch.tensor(len(followed)) if self.per == "sequence" else followed.sum()
        return counts

    def sums(self, model: nn.Module, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Sum of each term's loss over its targets."""
        outputs, logits = self._forward(model, batch)
        label = self.labelling.loss(outputs, batch["labels"])
        if not self.weight:
            return {"label": label + logits.sum()}  # of no row: 0, so that a head of its own weights has a gradient
        losses, followed = self._losses(logits, batch), _followed(batch["attention_mask"])
        if self.per == "sequence":
            losses = losses / followed.sum(1, keepdim=True).expand_as(followed)[followed]
        return {"label": label, "language_model": losses.sum()}

    def tally(self, model: nn.Module, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Outputs (B, labels or 1) and what is right (B,), where known; sums of language modelling over its tokens."""
        outputs, logits = self._forward(model, batch)
        found = {"outputs": outputs.float()} | ({"labels": batch["labels"]} if "labels" in batch else {})
        if not self.weight:
            return found
        losses = self._losses(logits, batch)
        return found | {"language_model": losses.sum(), "tokens": losses.new_tensor(len(losses))}

    def metrics(self, totals: Mapping[str, Any]) -> dict[str, float]:
        """Figures of the labels as `Labelling` has them; of language modelling the mean over all tokens, in nats."""
        figures = self.labelling.metrics(totals)
        if self.weight:
            figures["language_model_loss"] = totals["language_model"] / totals["tokens"]
        return figures

    def figures(
        self, outputs: NDArray[np.float64], labels: NDArray[np.float64], scores: Sequence[str] = ()
    ) -> dict[str, float]:
        """Figures of one set, see `Labelling`."""
        return self.labelling.figures(outputs, labels, scores)

    def predicted(self, outputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """Number of the most probable label, or the value, of each row of outputs."""
        return self.labelling.predicted(outputs)

    def _forward(self, model: nn.Module, batch: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Outputs (B, labels or 1), and logits (N, V) of the tokens that have a next one, by one forward pass."""
        followed = F.pad(_followed(batch["attention_mask"]), (0, 1))
        rows = followed.flatten().nonzero()[:, 0] if self.weight else batch["extract_positions"][:0]
        with extracted(model, batch) as found, head_rows(model, rows):
            logits: Tensor = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
        outputs, names = found[0], self.labelling.names
        if self.transformation == "multiple_choice":
            outputs = by_choice(outputs[:, 0], batch["sequences"], len(names))
        wanted = (len(batch["sequences"]), len(names) or 1)
        if tuple(outputs.shape) != wanted:
            raise ValueError(f"the model's outputs are {tuple(outputs.shape)}, not {wanted}")
        return outputs, logits

    @staticmethod
    def _losses(logits: Tensor, batch: Mapping[str, Tensor]) -> Tensor:
        """(N,) cross-entropy of every token but the first of its sequence, in nats, in at least float32."""
        targets = batch["input_ids"][:, 1:][_followed(batch["attention_mask"])]
        exact = torch.promote_types(logits.dtype, torch.float32)
        return F.cross_entropy(logits.to(exact), targets, reduction="none")


def extracted(model: nn.Module, batch: Mapping[str, Tensor]) -> AbstractContextManager[list[Tensor]]:
    """Within this context a forward pass on `batch` leaves the head's output in the list that it gives."""
    positions, sequences = batch["extract_positions"], batch["sequences"]
    return attached(model, NAME, lambda head, states: head(states.flatten(0, 1)[positions], sequences), of_decoder=True)


def by_choice(scores: Tensor, sequences: Tensor, most: int) -> Tensor:
    """Scores of all choices (S,) as a row an example (B, most); minus infinity where an example has no such choice."""
    places = torch.arange(most, device=scores.device) < sequences[:, None]
    return torch.full(places.shape, -torch.inf, dtype=scores.dtype, device=scores.device).masked_scatter(places, scores)


def _followed(attention: Tensor) -> Tensor:
    """Which tokens have a next one, bool (S, T - 1); the predicted tokens are those one further."""
    return (attention[:, :-1] == 1) & (attention[:, 1:] == 1)
