"""Masked language modelling: choose which tokens to hide, then hide them by the 80/10/10 rule.

Devlin et al. 2018, "BERT: Pre-training of Deep Bidirectional Transformers", arXiv:1810.04805, section 3.1 and
appendix A.1; spans: Joshi et al. 2020, "SpanBERT", arXiv:1907.10529, section 3.1. Masks are drawn anew in every epoch
(dynamic masking: Liu et al. 2019, "RoBERTa", arXiv:1907.11692, section 4.1), as a function of (seed, epoch, example,
position) alone.
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
from genai_hf.collators.choosing import Choice
from genai_hf.collators.padding import rectangle, stack
from genai_hf.collators.rates import fate_rates
from genai_hf.collators.view import Piece, Rates, View
from genai_hf.collators.words import free_words

IGNORE = -100  # label of a position that no loss counts
FATE, WORD = 1, 2  # what streams of random numbers decide: those that the choice of tokens does not draw from


@dataclass(frozen=True, kw_only=True)
class MaskedLMCollator:
    """Hide a share of the ordinary tokens of each row, and label them with what they were.

    Of the chosen tokens, `mask_share` become ``[MASK]``, `random_share` become a token drawn uniformly from the
    ordinary vocabulary (it may be the same by chance), and the rest stay as they are. All of them are predicted. In a
    span all tokens have the same of these three fates. Padding and special tokens are never chosen.

    Args:
        tokenizer: Supplies padding, the mask token, the special tokens and the vocabulary.
        seed: Of the run; evaluation rows (epoch -1) do not depend on it.
        unit: What is chosen: single tokens, whole words, or spans of words; for the latter two, rows have
            `word_starts`. A word with a special token in it, such as an unknown one, is never chosen.
        selection: ``exact`` chooses round(probability x row length) tokens of each row, at least one, specials
            counted in the length but never chosen (Google's code; half is rounded to even), whole words as long as
            they fit; ``bernoulli`` chooses each ordinary token or word by itself (Hugging Face's). Spans are
            ceil(probability x ordinary tokens) tokens of each row, exactly.
        probability: Share to choose, in (0, 1].
        mask_share: Share of the chosen tokens replaced with the mask token, in [0, 1].
        random_share: Share of the chosen tokens replaced at random, in [0, 1 - mask_share].
        max_predictions: At most so many tokens a row are chosen, at least 1; for ``exact`` only.
        geometric_probability: Of the length of spans, in (0, 1]: how likely each word is the last.
        longest_span: Words, at least 1.

    Raises:
        ValueError: A value lies outside its range, or the tokenizer has no mask token.
    """

    tokenizer: PreTrainedTokenizerBase
    seed: int = 0
    unit: Literal["token", "word", "span"] = "token"
    selection: Literal["exact", "bernoulli"] = "exact"
    probability: float = 0.15
    mask_share: float = 0.8
    random_share: float = 0.1
    max_predictions: int | None = None
    geometric_probability: float = 0.2
    longest_span: int = 10
    is_random: ClassVar[bool] = True
    _choice: Choice = field(init=False, repr=False)
    _ordinary: NDArray[np.bool_] = field(init=False, repr=False)
    _words: NDArray[np.int64] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        choice = Choice(
            unit=self.unit,
            selection=self.selection,
            probability=self.probability,
            max_predictions=self.max_predictions,
            geometric_probability=self.geometric_probability,
            longest_span=self.longest_span,
        )
        if not 0 <= self.mask_share <= 1:
            raise ValueError(f"mask_share must be in [0, 1], got {self.mask_share}")
        if not 0 <= self.random_share <= 1 - self.mask_share + 1e-9:
            raise ValueError(
                f"mask_share + random_share must be at most 1, got {self.mask_share} + {self.random_share}"
            )
        if self.tokenizer.mask_token_id is None:
            remedy = "take an encoder's: tokenizer=bert where it is trained, else tokenizer.name=…"
            raise ValueError(f"the tokenizer has no mask token to hide words by; {remedy}")
        ordinary = np.ones(len(self.tokenizer), dtype=bool)
        ordinary[self.tokenizer.all_special_ids] = False
        object.__setattr__(self, "_choice", choice)
        object.__setattr__(self, "_ordinary", ordinary)
        object.__setattr__(self, "_words", np.flatnonzero(ordinary))

    def __call__(self, rows: Sequence[dict[str, Any]]) -> dict[str, Tensor]:
        """Collate rows of `input_ids`, `example_id` and `epoch`, for words and spans with `word_starts` besides.

        Returns:
            `input_ids`, `attention_mask` and `labels`, int64 (B, T), and `label_positions`, int64 (number of labels,):
            where the labels are not ignored in the flattened batch, ascending.

        Raises:
            ValueError: Rows do not say where words begin, and it matters.
        """
        ids, attention = stack(rows, self.tokenizer.pad_token_id)
        keys = counter.row_keys(self.seed, [row["epoch"] for row in rows], [row["example_id"] for row in rows])
        positions, anchors = self._choice(keys, self.free(ids, attention), attention.sum(1), self._starts(rows))
        labels = np.full_like(ids, IGNORE)
        labels.ravel()[positions] = ids.ravel()[positions]
        return {
            "input_ids": torch.from_numpy(self._hide(keys, ids, positions, anchors)),
            "attention_mask": torch.from_numpy(attention),
            "labels": torch.from_numpy(labels),
            "label_positions": torch.from_numpy(positions),
        }

    def measure(self, rows: Sequence[dict[str, Any]], batch: dict[str, Tensor]) -> Rates:
        """Count what was done to the rows, to be held against the rule.

        Returns:
            For each rate: how often it happened, out of how many, and its probability under the rule.
        """
        ids, attention = stack(rows, self.tokenizer.pad_token_id)
        free, starts = self.free(ids, attention), self._starts(rows)
        positions = anchors = batch["label_positions"].numpy()
        if self.unit == "span":  # where one ends and the next begins is not to be seen
            keys = counter.row_keys(self.seed, [row["epoch"] for row in rows], [row["example_id"] for row in rows])
            anchors = self._choice(keys, free, attention.sum(1), starts)[1]
        of, hits, trials = "ordinary tokens", len(positions), int(free.sum())
        if starts is not None and self.selection == "bernoulli":
            first = free_words(starts, free).first
            of, hits, trials = "words", int(np.isin(first, positions).sum()), len(first)
        return {
            f"chosen, of {of}": (hits, trials, hits / max(trials, 1) if self.selection == "exact" else self.probability)
        } | fate_rates(
            ids.ravel()[positions],
            batch["input_ids"].numpy().ravel()[positions],
            anchors,
            mask=self.tokenizer.mask_token_id,
            size=len(self._words),
            mask_share=self.mask_share,
            random_share=self.random_share,
            of="spans" if self.unit == "span" else "chosen",
        )

    def view(self, row: dict[str, Any], batch: dict[str, Tensor]) -> View:
        """One example: each token as the model sees it, and what it has to predict there."""
        del row
        tokens, labels = batch["input_ids"][0].tolist(), batch["labels"][0].tolist()
        return View({"": [self._piece(*pair) for pair in zip(tokens, labels, strict=True)]})

    def _piece(self, token: int, label: int) -> Piece:
        if label == IGNORE:
            return Piece(token)
        if token == self.tokenizer.mask_token_id:
            return Piece(token, "hidden", label)
        return Piece(token, "unchanged" if token == label else "replaced", label)

    def free(self, ids: NDArray[np.int64], attention: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which tokens may be chosen, (B, T): neither special ones nor padding."""
        free: NDArray[np.bool_] = self._ordinary[ids] & (attention == 1)
        return free

    def _starts(self, rows: Sequence[dict[str, Any]]) -> NDArray[np.bool_] | None:
        """Where words begin, (B, T); padding is a word at each place."""
        if self.unit == "token":
            return None
        if "word_starts" not in rows[0]:
            raise ValueError(f"unit={self.unit} needs rows that say where words begin: lm_blocks(…, words=True)")
        starts = rectangle([row["word_starts"] for row in rows], 1, np.bool_)
        starts[:, 0] = True
        return starts

    def _hide(
        self, keys: counter.Bits, ids: NDArray[np.int64], positions: NDArray[np.int64], anchors: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Replace the tokens at flat `positions`: a draw at each one's anchor settles its fate, another its word."""
        row, column = np.divmod(positions, ids.shape[1])
        fate = counter.uniform(counter.bits(keys[row], anchors - row * ids.shape[1], FATE))
        word = self._words[counter.below(counter.bits(keys[row], column, WORD), len(self._words))]
        hidden = ids.copy()
        swapped = np.where(fate < self.mask_share + self.random_share, word, ids.ravel()[positions])
        hidden.ravel()[positions] = np.where(fate < self.mask_share, self.tokenizer.mask_token_id, swapped)
        return hidden
