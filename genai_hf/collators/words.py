"""Whole words: those of a batch, and which of them a budget of tokens takes.

As in the code released with BERT (github.com/google-research/bert, `create_pretraining_data.py`, whole word masking):
the words are shuffled and taken one by one; one that would exceed the budget is left out, and later ones are tried.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genai_hf.collators.counter import Bits

NONE = np.uint64(2**64 - 1)
PLACE = np.uint64(2**20 - 1)  # the lowest bits of a draw make room for its place in the row, by which it is found again


@dataclass(frozen=True)
class Words:
    """The words of a batch that may be hidden, one row after the other.

    Args:
        first: int64 (N,), where each begins in the flattened batch, ascending.
        length: int64 (N,), tokens of each.
        shape: Of the batch, (B, T).
    """

    first: NDArray[np.int64]
    length: NDArray[np.int64]
    shape: tuple[int, int]


def free_words(starts: NDArray[np.bool_], ordinary: NDArray[np.bool_]) -> Words:
    """The words of which every token is ordinary.

    Args:
        starts: bool (B, T), where words begin; each token that is no text is a word of its own.
        ordinary: bool (B, T), which tokens may be hidden.
    """
    first = np.flatnonzero(starts)
    length = np.diff(first, append=starts.size)
    free = np.ones(len(first), dtype=bool)
    free[np.searchsorted(first, np.flatnonzero(~ordinary), side="right") - 1] = False
    return Words(first[free], length[free], (starts.shape[0], starts.shape[1]))


def within_budget(words: Words, draws: Bits, budget: NDArray[np.int64]) -> NDArray[np.int64]:
    """Take each row's words in the order of their draws, those that still fit when their turn comes.

    Args:
        words: Of B rows.
        draws: uint64 (B, T), of which each word has the one at its beginning.
        budget: int64 (B,), tokens that may be taken of each row.

    Returns:
        Where the tokens of the words that are taken stand in the flattened batch, ascending.
    """
    lengths = np.zeros(words.shape, dtype=np.int64)
    lengths.ravel()[words.first] = words.length
    ranked = np.where(lengths > 0, draws & ~PLACE | np.arange(words.shape[1], dtype=np.uint64), NONE)
    taken = np.zeros(words.shape, dtype=bool)
    rows, tried = np.arange(len(budget)), 2 * int(budget.max(initial=1))
    while len(rows):  # few rows need to try more than twice as many words as would fill their budget
        tried = min(tried, words.shape[1])
        order = np.sort(np.partition(ranked[rows], tried - 1, axis=1)[:, :tried], axis=1)
        place = np.where(order == NONE, 0, order & PLACE).astype(np.int64)
        sizes = np.where(order == NONE, 0, lengths[rows[:, None], place])
        fits = fitting(sizes, budget[rows])
        taken[np.broadcast_to(rows[:, None], fits.shape)[fits], place[fits]] = True
        has_room = (sizes * fits).sum(axis=1) < budget[rows]
        rows, tried = rows[has_room & (tried < words.shape[1])], 2 * tried
    first = np.flatnonzero(taken)
    return ranges(first, lengths.ravel()[first])


def fitting(lengths: NDArray[np.int64], budget: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of the things in a row are taken, one after the other, where each must fit into what is left of the budget.

    What does not fit once never fits again. So all of a row is taken up to the first thing that does not fit, all that
    is too long for what is left then is struck out, and so on with the rest: few rounds, however many the things.

    Args:
        lengths: int64 (B, N), in the order in which they are tried; 0 is nothing.
        budget: int64 (B,).

    Returns:
        bool (B, N).
    """
    kept = lengths.copy()
    rows = np.arange(len(kept))
    while len(rows):
        here = kept[rows]
        total = here.cumsum(axis=1)
        beyond = total > budget[rows, None]
        stop = np.where(beyond.any(axis=1), beyond.argmax(axis=1), here.shape[1])[:, None]
        is_before = np.arange(here.shape[1]) < stop
        room = budget[rows] - (here * is_before).sum(axis=1)
        kept[rows] = here * (is_before | (here <= room[:, None]))
        rows = rows[(room > 0) & (stop[:, 0] < here.shape[1])]
    return kept > 0


def ranges(first: NDArray[np.int64], length: NDArray[np.int64]) -> NDArray[np.int64]:
    """The whole numbers from each first one on, `length` of them, one range after the other."""
    ends = np.cumsum(length)
    return np.repeat(first - ends + length, length) + np.arange(int(ends[-1]) if len(ends) else 0)
