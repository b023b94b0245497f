"""Byte pair encoding on a short passage, step by step.

Sennrich et al. 2016, arXiv:1508.07909, section 3.2 and algorithm 1; here the mark of a word's end is the white space
after it. Written to be read; for training see `genai_hf.tokenization.training`.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, pairwise

SPACE = "_"


@dataclass(frozen=True)
class Merge:
    """One step: the commonest pair of neighbours becomes one token.

    Args:
        pair: The two tokens.
        count: How often they stood side by side.
        distinct: How many different tokens the passage consists of afterwards.
    """

    pair: tuple[str, str]
    count: int
    distinct: int

    @property
    def token(self) -> str:
        """The new token."""
        return "".join(self.pair)


def first_merges(passage: str, steps: int) -> list[Merge]:
    """The first `steps` merges, or all where fewer make every word one token.

    White space is the token ``_`` and every word is followed by one. A token that ends on it is not merged with what
    follows, so no token reaches across words. Of equally common pairs the one that comes first in the passage is taken.

    Raises:
        ValueError: The passage has no words, or `steps` is negative.
    """
    if steps < 0:
        raise ValueError(f"the number of merges must not be negative, got {steps}")
    return list(islice(_merges(characters(passage)), steps))


def tokens_over_merges(passage: str) -> list[tuple[int, int]]:
    """Number of merges and of different tokens after them, from the bare characters until every word is one token.

    Raises:
        ValueError: The passage has no words.
    """
    tokens = characters(passage)
    counts = [len(set(tokens)), *(merge.distinct for merge in _merges(tokens))]
    return list(enumerate(counts))


def characters(passage: str) -> list[str]:
    """The passage as single characters, white space of any kind and length as one ``_``.

    Raises:
        ValueError: The passage has no words.
    """
    words = passage.split()
    if not words:
        raise ValueError("the passage has no words")
    return list("".join(word + SPACE for word in words))


def _merges(tokens: list[str]) -> Iterator[Merge]:
    while pairs := Counter(pair for pair in pairwise(tokens) if not pair[0].endswith(SPACE)):
        pair, count = max(pairs.items(), key=lambda item: item[1])  # of equals the first, and a Counter keeps the order
        tokens = _joined(tokens, pair)
        yield Merge(pair, count, len(set(tokens)))


def _joined(tokens: list[str], pair: tuple[str, str]) -> list[str]:
    """The tokens with every occurrence of the pair, from left to right, made one."""
    joined: list[str] = []
    for token in tokens:
        if joined and (joined[-1], token) == pair:
            joined[-1] += token
        else:
            joined.append(token)
    return joined
