"""Spans of whole words: their lengths and where they lie.

Joshi et al. 2020, "SpanBERT: Improving Pre-training by Representing and Predicting Spans", arXiv:1907.10529, section
3.1. A length in words is drawn from a geometric distribution that is cut off and renormalised; then where it begins, of
all words of the row where a span of that length finds room. Spans do not overlap; two may lie side by side.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genai_hf.collators import counter
from genai_hf.collators.words import Words, ranges

BEGIN, LENGTH = 0, 3  # what each stream of random numbers decides, at the number of the draw


@dataclass(frozen=True)
class Spans:
    """The spans of a batch, in the order in which they stand.

    Args:
        begin: int64 (S,), where each begins in the flattened batch, ascending.
        length: int64 (S,), tokens of each.
    """

    begin: NDArray[np.int64]
    length: NDArray[np.int64]

    def tokens(self) -> NDArray[np.int64]:
        """Where their tokens stand in the flattened batch, ascending."""
        return ranges(self.begin, self.length)


def length_distribution(probability: float, longest: int) -> NDArray[np.float64]:
    """Of a span's length in words, 1 … `longest`: geometric, renormalised over these, (longest,)."""
    weights = (1 - probability) ** np.arange(longest)
    shares: NDArray[np.float64] = weights / weights.sum()
    return shares


def draw_lengths(random_bits: counter.Bits, distribution: NDArray[np.float64]) -> NDArray[np.int64]:
    """Lengths in words as a distribution over 1 … gives them, one for each draw."""
    steps = np.cumsum(distribution)[:-1]  # without the last, which rounding may leave below 1
    return np.searchsorted(steps, counter.uniform(random_bits), side="right") + 1


def draw_spans(words: Words, keys: counter.Bits, budget: NDArray[np.int64], distribution: NDArray[np.float64]) -> Spans:
    """Draw spans of each row until they hold exactly its budget of tokens; the last is cut to what remains.

    Where no place has room for a span of the length drawn, it is as long as the longest place.

    Args:
        words: Of B rows.
        keys: uint64 (B,).
        budget: int64 (B,), tokens to take of each row; no more than its words have.
        distribution: (longest,), of the length in words.
    """
    free, left = _Free(words, len(distribution)), budget.copy()
    begins, lengths = [words.first[:0]], [words.first[:0]]
    rows, draw = np.flatnonzero(left > 0), np.zeros(1, dtype=np.int64)
    while len(rows):
        wanted = draw_lengths(counter.bits(keys[rows], draw, LENGTH), distribution)
        first, last = free.take(rows, wanted, counter.bits(keys[rows], draw, BEGIN))
        begin = words.first[first]
        length = np.minimum(words.first[last] + words.length[last] - begin, left[rows])
        begins.append(begin)
        lengths.append(length)
        left[rows] -= length
        is_open = left[rows] > 0
        rows, draw = rows[is_open], draw + 1
        free.occupy(rows, first[is_open], last[is_open])
    begin, length = np.concatenate(begins), np.concatenate(lengths)
    order = np.argsort(begin)
    return Spans(begin[order], length[order])


class _Free:
    """For each word of each row, how many lie free from it on without a gap, counted up to `longest`."""

    def __init__(self, words: Words, longest: int) -> None:
        row = words.first // words.shape[1]
        follows = (words.first[1:] == words.first[:-1] + words.length[:-1]) & (row[1:] == row[:-1])
        ends = np.append(np.flatnonzero(~follows), len(row) - 1)
        stretch = np.repeat(ends + 1, np.diff(ends, prepend=-1)) - np.arange(len(row))
        self.number = np.searchsorted(words.first, np.arange(words.shape[0] + 1) * words.shape[1])  # of the first word
        widest = int(np.diff(self.number).max(initial=0))
        self.stretch = np.zeros((words.shape[0], widest), dtype=np.int16)
        self.stretch[row, np.arange(len(row)) - self.number[row]] = np.minimum(stretch, longest)
        self.longest = min(longest, widest)

    def take(
        self, rows: NDArray[np.int64], wanted: NDArray[np.int64], draws: counter.Bits
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Take a span of each of some rows: any place that has room for as many words as are wanted is as likely.

        Returns:
            The numbers of the first and the last word of each.
        """
        here = self.stretch[rows]
        count = np.minimum(wanted, here.max(axis=1))
        places = np.flatnonzero(here >= count.astype(np.int16)[:, None])
        edges = np.searchsorted(places, np.arange(len(rows) + 1) * here.shape[1])
        first = places[edges[:-1] + counter.below(draws, np.diff(edges))] - np.arange(len(rows)) * here.shape[1]
        number = self.number[rows] + first
        return number, number + count - 1

    def occupy(self, rows: NDArray[np.int64], first: NDArray[np.int64], last: NDArray[np.int64]) -> None:
        """Let nothing begin on the words from `first` to `last` of some rows, nor reach into them from before."""
        begin, end = first - self.number[rows], last - self.number[rows]
        near = begin[:, None] + np.arange(1 - self.longest, self.longest)
        near = np.minimum(np.maximum(near, 0), end[:, None])
        allowed = np.maximum(begin[:, None] - near, 0).astype(self.stretch.dtype)
        near += (rows * self.stretch.shape[1])[:, None]
        stretch = self.stretch.ravel()
        stretch[near] = np.minimum(stretch[near], allowed)
