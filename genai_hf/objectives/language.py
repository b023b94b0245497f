"""Language modelling, whatever the model sees: cross-entropy at the labelled positions, and what it is scored by.

What is hidden, and what looks at what, is the collator's matter: hidden tokens from both sides (Devlin et al. 2018,
arXiv:1810.04805, section 3.1), each token from those before it (Radford et al. 2018, section 3.1, equation 1) or from
all of a prefix and those before it (Raffel et al. 2020, JMLR 21:140, arXiv:1910.10683, section 3.2.1), a target text
from an input text (there, section 2.1). The loss is on every label, sentinels and ends too (section 3.1.4); the
figures of an evaluation are of its text alone, beside a model that only counts words.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from inspect import signature
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.typing import NDArray
from torch import Tensor, nn

from genai_hf.losses import cross_entropy_sum
from genai_hf.metrics.language import language_metrics
from genai_hf.models.attention import DOCUMENTS, four_dimensional, prefix_mask
from genai_hf.models.bare import bare
from genai_hf.models.documents import boundaries
from genai_hf.models.head import head_losses, head_rows

INPUTS = ("input_ids", "attention_mask", "token_type_ids", "position_ids", "decoder_input_ids")


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


@dataclass(frozen=True, kw_only=True)
class LanguageModelling:
    """The objective of batches of what a model reads (`INPUTS`), `labels` and `label_positions`.

    Args:
        text: Scores the predictions of text.
        term: What the loss is called, such as ``masked_lm``.
        head_on_labels: Compute the vocabulary head only at the labelled positions: the same loss, for less.
        head_rows: Compute it on so many of them at a time, at least 1: the same, in less memory; None is all at once.

    Raises:
        ValueError: `head_rows` is below 1.
    """

    text: TextTally
    term: str
    head_on_labels: bool = True
    head_rows: int | None = None

    def __post_init__(self) -> None:
        if self.head_rows is not None and self.head_rows < 1:
            raise ValueError(f"head_rows must be at least 1, or null for all at once, got {self.head_rows}")

    @property
    def weights(self) -> Mapping[str, float]:
        """Weight of each term in the loss."""
        return {self.term: 1.0}

    def count(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Number of targets of each term."""
        return {self.term: torch.tensor(len(batch["label_positions"]))}

    def sums(self, model: nn.Module, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Sum of each term's loss over its targets."""
        if self.head_rows is not None:
            return {self.term: self._predict(model, batch)[0].sum()}
        output, targets = forward(model, batch, head_on_labels=self.head_on_labels)
        return {self.term: cross_entropy_sum(output.logits, targets)}

    def tally(self, model: nn.Module, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Sums over the batch from which `metrics` makes figures."""
        return self.text(*self._predict(model, batch))

    def metrics(self, totals: Mapping[str, float]) -> dict[str, float]:
        """Figures of a whole evaluation from the sums over its batches."""
        return language_metrics(totals)

    def _predict(self, model: nn.Module, batch: Mapping[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Losses, most probable tokens and targets at the labelled positions, (N,) each."""
        if self.head_rows is not None:
            positions, targets = labelled(batch)
            return *head_losses(model, inputs_of(model, batch), positions, targets, self.head_rows), targets
        output, targets = forward(model, batch, head_on_labels=self.head_on_labels)
        return *scored(output.logits, targets), targets


def labelled(batch: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Where the labels of a batch are, in the flattened batch, and what they are, (N,) each."""
    positions = batch["label_positions"]
    return positions, batch["labels"].flatten()[positions]


def forward(
    model: nn.Module, batch: Mapping[str, Tensor], *, head_on_labels: bool, logits: str = "logits"
) -> tuple[Any, Tensor]:
    """The model's output on a batch, its `logits` (N, V) those of the labelled positions, and their targets (N,).

    Args:
        model: Wrapped for several processes or not.
        batch: What it reads, `labels` and `label_positions`.
        head_on_labels: Compute the vocabulary head only at the labelled positions.
        logits: What the output calls those of the vocabulary.
    """
    positions, targets = labelled(batch)
    with head_rows(model, positions if head_on_labels else None):
        output = model(**inputs_of(model, batch))
    if not head_on_labels:
        output[logits] = output[logits].flatten(0, 1)[positions]
    return output, targets


def scored(logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Cross-entropy of each target, in nats and at least float32, and the most probable tokens, (N,) each."""
    exact = logits.to(torch.promote_types(logits.dtype, torch.float32))
    return F.cross_entropy(exact, targets, reduction="none"), logits.argmax(-1)


def inputs_of(model: nn.Module, batch: Mapping[str, Tensor]) -> dict[str, Any]:
    """What of a batch the model reads; it keeps no cache of what it has read."""
    inputs: dict[str, Any] = {name: batch[name] for name in INPUTS if name in batch}
    if "position_ids" in batch:
        del inputs["attention_mask"]  # with positions and without a mask transformers keeps packed texts apart
        if bare(model).config._attn_implementation == DOCUMENTS:
            inputs["attention_mask"] = boundaries(batch["position_ids"])
    if "prefix_lengths" in batch:
        allowed = prefix_mask(batch["prefix_lengths"], batch["input_ids"].shape[1])
        inputs["attention_mask"] = four_dimensional(model, allowed)
    if "use_cache" in signature(bare(model).forward).parameters:
        inputs["use_cache"] = False
    return inputs
