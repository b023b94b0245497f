"""Which tokens of a batch to hide: single ones, whole words, or spans of words."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from genai_hf.collators import counter
from genai_hf.collators.spans import draw_spans, length_distribution
from genai_hf.collators.words import Words, free_words, ranges, within_budget

CHOICE = 0  # the stream of random numbers that decides which; spans draw their lengths from another


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The settings of `MaskedLMCollator` that decide which tokens are chosen; it says what they mean.

    Raises:
        ValueError: A value lies outside its range.
    """

    unit: Literal["token", "word", "span"]
    selection: Literal["exact", "bernoulli"]
    probability: float
    max_predictions: int | None
    geometric_probability: float
    longest_span: int

    def __post_init__(self) -> None:
        if not 0 < self.probability <= 1:
            raise ValueError(f"probability must be in (0, 1], got {self.probability}")
        if self.max_predictions is not None and (self.max_predictions < 1 or self.selection != "exact"):
            raise ValueError(
                f"max_predictions must be at least 1, and needs selection=exact; got {self.max_predictions}"
            )
        if self.unit == "span" and self.selection != "exact":
            raise ValueError("unit=span chooses an exact number of tokens, so it needs selection=exact")
        if not 0 < self.geometric_probability <= 1:
            raise ValueError(f"geometric_probability must be in (0, 1], got {self.geometric_probability}")
        if self.longest_span < 1:
            raise ValueError(f"longest_span must be at least 1, got {self.longest_span}")

    def __call__(
        self,
        keys: counter.Bits,
        ordinary: NDArray[np.bool_],
        lengths: NDArray[np.int64],
        starts: NDArray[np.bool_] | None,
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Choose tokens.

        Args:
            keys: uint64 (B,), of the rows.
            ordinary: bool (B, T), the tokens that may be chosen.
            lengths: int64 (B,), tokens of each row, special ones included.
            starts: bool (B, T), where words begin, for words and spans.

        Returns:
            Their positions in the flattened batch, ascending; and for each, at which position its fate is drawn.
        """
        if starts is None:
            chosen = self._tokens(keys, ordinary, lengths)
            return chosen, chosen
        words = free_words(starts, ordinary)
        if self.unit == "word":
            chosen = self._words(keys, words, lengths)
            return chosen, chosen
        distribution = length_distribution(self.geometric_probability, self.longest_span)
        spans = draw_spans(words, keys, self._span_budget(ordinary, words), distribution)
        return spans.tokens(), np.repeat(spans.begin, spans.length)

    def _tokens(self, keys: counter.Bits, ordinary: NDArray[np.bool_], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
        draws = counter.bits(keys[:, None], np.arange(ordinary.shape[1]), CHOICE)
        if self.selection == "bernoulli":
            return np.flatnonzero(ordinary & (counter.uniform(draws) < self.probability))
        return np.flatnonzero(smallest(draws, ordinary, np.minimum(self._budget(lengths), ordinary.sum(1))))

    def _words(self, keys: counter.Bits, words: Words, lengths: NDArray[np.int64]) -> NDArray[np.int64]:
        draws = counter.bits(keys[:, None], np.arange(words.shape[1]), CHOICE)
        if self.selection == "exact":
            return within_budget(words, draws, self._budget(lengths))
        taken = np.flatnonzero(counter.uniform(draws.ravel()[words.first]) < self.probability)
        return ranges(words.first[taken], words.length[taken])

    def _budget(self, lengths: NDArray[np.int64]) -> NDArray[np.int64]:
        """Tokens to choose of each row where they are tokens or words, (B,)."""
        budget: NDArray[np.int64] = np.rint(lengths * self.probability).clip(1, self.max_predictions).astype(np.int64)
        return budget

    def _span_budget(self, ordinary: NDArray[np.bool_], words: Words) -> NDArray[np.int64]:
        """Tokens to choose of each row where they are spans, (B,): of 60 tokens 9, although 0.15 x 60 is above 9."""
        wanted = np.ceil((ordinary.sum(1) * self.probability).round(9)).clip(0, self.max_predictions)
        there = np.bincount(words.first // words.shape[1], words.length, minlength=len(ordinary))
        budget: NDArray[np.int64] = np.minimum(wanted, there).astype(np.int64)
        return budget


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
