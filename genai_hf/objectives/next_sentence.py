"""BERT's two objectives: hidden tokens, and whether the second segment follows (Devlin et al. 2018, section 3.1)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from genai_hf.losses import cross_entropy_sum
from genai_hf.metrics.language import language_metrics
from genai_hf.objectives.language import TextTally, forward, scored


@dataclass(frozen=True, kw_only=True)
class MaskedLMAndNextSentence:
    """The objective of `NextSentenceCollator`'s batches; the two terms are added as they are.

    Args:
        text: Scores the predictions of text.
        head_on_labels: Compute the vocabulary head only at the labelled positions: the same loss, for less.
    """

    text: TextTally
    head_on_labels: bool = True
    weights: ClassVar[Mapping[str, float]] = {"masked_lm": 1.0, "next_sentence": 1.0}

    def count(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Number of targets of each term."""
        return {
            "masked_lm": torch.tensor(len(batch["label_positions"])),
            "next_sentence": torch.tensor(len(batch["next_sentence_labels"])),
        }

    def sums(self, model: nn.Module, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Sum of each term's loss over its targets."""
        output, targets = self._forward(model, batch)
        return {
            "masked_lm": cross_entropy_sum(output.prediction_logits, targets),
            "next_sentence": cross_entropy_sum(output.seq_relationship_logits, batch["next_sentence_labels"]),
        }

    def tally(self, model: nn.Module, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Sums over the batch from which `metrics` makes figures."""
        output, targets = self._forward(model, batch)
        follows, labels = output.seq_relationship_logits, batch["next_sentence_labels"]
        return self.text(*scored(output.prediction_logits, targets), targets) | {
            "pairs": labels.new_tensor(len(labels)),
            "pairs_loss": cross_entropy_sum(follows, labels),
            "pairs_correct": (follows.argmax(-1) == labels).sum(),
            "pairs_random": labels.sum(),
        }

    def metrics(self, totals: Mapping[str, float]) -> dict[str, float]:
        """Figures of a whole evaluation: those of the hidden tokens, then those of the pairs; `loss` is the sum."""
        figures, pairs = language_metrics(totals), max(totals["pairs"], 1.0)
        masked, follows, random = figures["loss"], totals["pairs_loss"] / pairs, totals["pairs_random"] / pairs
        return figures | {
            "loss": masked + follows,
            "masked_lm_loss": masked,
            "next_sentence_loss": follows,
            "next_sentence_accuracy": totals["pairs_correct"] / pairs,
            "majority_next_sentence_accuracy": max(random, 1 - random),
        }

    def _forward(self, model: nn.Module, batch: Mapping[str, Tensor]) -> tuple[Any, Tensor]:
        """The model's output, its `prediction_logits` (N, V) those of the hidden tokens, and these (N,)."""
        return forward(model, batch, head_on_labels=self.head_on_labels, logits="prediction_logits")
