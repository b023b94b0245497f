"""Masked language modelling: choose which tokens to hide, then hide them by the 80/10/10 rule.

Devlin et al. 2018, "BERT: Pre-training of Deep Bidirectional Transformers", arXiv:1810.04805, section 3.1 and
appendix A.1. Masks are drawn anew in every epoch (dynamic masking: Liu et al. 2019, "RoBERTa", arXiv:1907.11692,
section 4.1), as a function of (seed, epoch, example, position) alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from genai_hf.collators import counter
from genai_hf.collators.padding import stack
from genai_hf.collators.view import Piece, Rates, View

IGNORE = -100  # label of a position that no loss counts
CHOICE, FATE, WORD = range(3)  # what each stream of random numbers decides


@dataclass(frozen=True, kw_only=True)
class MaskedLMCollator:
    """Hide a share of the ordinary tokens of each row, and label them with what they were.

    Of the chosen tokens, `mask_share` become ``[MASK]``, `random_share` become a token drawn uniformly from the
    ordinary vocabulary (it may be the same by chance), and the rest stay as they are. All of them are predicted.
    Padding and special tokens are never chosen.

    Args:
        tokenizer: Supplies padding, the mask token, the special tokens and the vocabulary.
        seed: Of the run; evaluation rows (epoch -1) do not depend on it.
        selection: ``exact`` chooses round(probability x row length) tokens of each row, at least one, specials
            counted in the length but never chosen (Google's code; half is rounded to even); ``bernoulli`` chooses
            each ordinary token by itself (Hugging Face's).
        probability: Share to choose, in (0, 1].
        mask_share: Share of the chosen tokens replaced with the mask token, in [0, 1].
        random_share: Share of the chosen tokens replaced at random, in [0, 1 - mask_share].
        max_predictions: At most so many tokens a row are chosen, at least 1; for ``exact`` only.

    Raises:
        ValueError: A value lies outside its range, or the tokenizer has no mask token.
    """

    tokenizer: PreTrainedTokenizerBase
    seed: int = 0
    selection: Literal["exact", "bernoulli"] = "exact"
    probability: float = 0.15
    mask_share: float = 0.8
    random_share: float = 0.1
    max_predictions: int | None = None
    is_random: ClassVar[bool] = True
    _special: NDArray[np.bool_] = field(init=False, repr=False)
    _words: NDArray[np.int64] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not 0 < self.probability <= 1:
            raise ValueError(f"probability must be in (0, 1], got {self.probability}")
        if not 0 <= self.mask_share <= 1:
            raise ValueError(f"mask_share must be in [0, 1], got {self.mask_share}")
        if not 0 <= self.random_share <= 1 - self.mask_share + 1e-9:
            raise ValueError(
                f"mask_share + random_share must be at most 1, got {self.mask_share} + {self.random_share}"
            )
        if self.max_predictions is not None and (self.max_predictions < 1 or self.selection != "exact"):
            raise ValueError(
                f"max_predictions must be at least 1, and needs selection=exact; got {self.max_predictions}"
            )
        if self.tokenizer.mask_token_id is None:
            raise ValueError(f"{type(self.tokenizer).__name__} has no mask token; masked language modelling needs one")
        special = np.zeros(len(self.tokenizer), dtype=bool)
        special[self.tokenizer.all_special_ids] = True
        object.__setattr__(self, "_special", special)
        object.__setattr__(self, "_words", np.flatnonzero(~special))

    def __call__(self, rows: Sequence[dict[str, Any]]) -> dict[str, Tensor]:
        """Collate rows of `input_ids`, `example_id` and `epoch`.

        Returns:
            `input_ids`, `attention_mask` and `labels`, int64 (B, T), and `label_positions`, int64 (number of labels,):
            where the labels are not ignored in the flattened batch, ascending.
        """
        ids, attention = stack(rows, self.tokenizer.pad_token_id)
        keys = counter.row_keys(self.seed, [row["epoch"] for row in rows], [row["example_id"] for row in rows])
        chosen = self._choose(keys, ids, attention)
        positions = np.flatnonzero(chosen)
        return {
            "input_ids": torch.from_numpy(self._hide(keys, ids, positions)),
            "attention_mask": torch.from_numpy(attention),
            "labels": torch.from_numpy(np.where(chosen, ids, IGNORE)),
            "label_positions": torch.from_numpy(positions),
        }

    def measure(self, rows: Sequence[dict[str, Any]], batch: dict[str, Tensor]) -> Rates:
        """Count what was done to the rows, to be held against the rule.

        Returns:
            For each rate: how often it happened, out of how many, and its probability under the rule.
        """
        ids, attention = stack(rows, self.tokenizer.pad_token_id)
        seen, labels = batch["input_ids"].numpy(), batch["labels"].numpy()
        ordinary = ~self._special[ids] & (attention == 1)
        chosen = labels != IGNORE
        total, free = int(chosen.sum()), int(ordinary.sum())
        masked = int((chosen & (seen == self.tokenizer.mask_token_id)).sum())
        kept = int((chosen & (seen == ids)).sum())
        drawn = self.random_share / len(self._words)  # a random word that is the original by chance
        expected = total / max(free, 1) if self.selection == "exact" else self.probability
        return {
            "chosen, of ordinary tokens": (total, free, expected),
            "[MASK], of chosen": (masked, total, self.mask_share),
            "random, of chosen": (total - masked - kept, total, self.random_share - drawn),
            "unchanged, of chosen": (kept, total, 1 - self.mask_share - self.random_share + drawn),
        }

    def view(self, row: dict[str, Any], batch: dict[str, Tensor]) -> View:
        """One example: each token as the model sees it, and what it has to predict there."""
        del row
        return View(
            {
                "": [
                    self._piece(*pair)
                    for pair in zip(batch["input_ids"][0].tolist(), batch["labels"][0].tolist(), strict=True)
                ]
            }
        )

    def _piece(self, token: int, label: int) -> Piece:
        if label == IGNORE:
            return Piece(token)
        if token == self.tokenizer.mask_token_id:
            return Piece(token, "hidden", label)
        return Piece(token, "unchanged" if token == label else "replaced", label)

    def _choose(self, keys: counter.Bits, ids: NDArray[np.int64], attention: NDArray[np.int64]) -> NDArray[np.bool_]:
        ordinary: NDArray[np.bool_] = ~self._special[ids] & (attention == 1)
        draws = counter.bits(keys[:, None], np.arange(ids.shape[1]), CHOICE)
        if self.selection == "bernoulli":
            return ordinary & (counter.uniform(draws) < self.probability)
        wanted = np.rint(attention.sum(1) * self.probability).clip(1, self.max_predictions).astype(np.int64)
        return smallest(draws, ordinary, np.minimum(wanted, ordinary.sum(1)))

    def _hide(self, keys: counter.Bits, ids: NDArray[np.int64], positions: NDArray[np.int64]) -> NDArray[np.int64]:
        """Replace the tokens at flat `positions`: one draw settles each one's fate, a second its random word."""
        row, column = np.divmod(positions, ids.shape[1])
        fate = counter.uniform(counter.bits(keys[row], column, FATE))
        word = self._words[counter.below(counter.bits(keys[row], column, WORD), len(self._words))]
        hidden = ids.copy()
        swapped = np.where(fate < self.mask_share + self.random_share, word, ids.ravel()[positions])
        hidden.ravel()[positions] = np.where(fate < self.mask_share, self.tokenizer.mask_token_id, swapped)
        return hidden


def smallest(draws: counter.Bits, allowed: NDArray[np.bool_], count: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Mark in each row the `count` allowed positions with the smallest draws.

    Args:
        draws: uint64 (B, T), all different within a row.
        allowed: bool (B, T).
        count: int64 (B,), in [0, number of allowed positions of the row].

    Returns:
        bool (B, T), a subset of `allowed` with `count` marks a row.
    """
    last = np.maximum(count - 1, 0)
    ranked = np.partition(np.where(allowed, draws, np.uint64(2**64 - 1)), np.unique(last), axis=1)
    threshold = np.take_along_axis(ranked, last[:, None], axis=1)
    return allowed & (draws <= threshold) & (count > 0)[:, None]
