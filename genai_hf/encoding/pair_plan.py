"""Which two segments of text make an example of next-sentence prediction.

Devlin et al. 2018, arXiv:1810.04805, appendix A.2, after the authors' code: sentences of a document are gathered up to
the length of an example and cut in two at a sentence's end; half of the second parts are replaced by text from another
document, and what they would have been comes again in the next example. A single sentence has no second part and always
gets one from elsewhere.
"""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

import numpy as np
from numpy.typing import NDArray

FIRST, FIRST_LENGTH, SECOND, SECOND_LENGTH, IS_RANDOM, IS_DRAWN = range(6)  # columns of a plan


@dataclass(frozen=True, kw_only=True)
class PairPlan:
    """The rule by which pairs are drawn.

    Args:
        room: Tokens of both segments together at most, at least 2.
        short_probability: Share of the examples for which sentences are gathered only up to a length drawn uniformly
            from 2 to `room`, in [0, 1]; the last sentence may go beyond. The authors' code draws once for a whole
            document, here it is for each example: a corpus may be a few long books.
        random_share: Share of the second segments from another document, where there is a choice, in [0, 1].

    Raises:
        ValueError: A value lies outside its range.
    """

    room: int
    short_probability: float = 0.1
    random_share: float = 0.5

    def __post_init__(self) -> None:
        if self.room < 2:
            raise ValueError(f"a length with room for {self.room} tokens of text holds no two segments")
        for name, share in (("short_probability", self.short_probability), ("random_share", self.random_share)):
            if not 0 <= share <= 1:
                raise ValueError(f"{name} must be in [0, 1], got {share}")

    def draw(self, documents: NDArray[np.int64], sentences: NDArray[np.int64], seed: str) -> NDArray[np.int64]:
        """All pairs of one pass over the documents.

        Args:
            documents: (documents + 1,) where each document starts, and at last where the last one ends; at least two.
            sentences: (sentences,) where each sentence starts, ascending; every document's start is among them.
            seed: Of everything that is drawn, such as a run's and the number of the pass.

        Returns:
            int64 (pairs, 6): where the first segment starts and how many tokens it has, the same of the second, whether
            the second is from another document, and whether there was a choice.
        """
        edges, bounds = [*sentences.tolist(), int(documents[-1])], documents.tolist()
        firsts = [bisect_left(edges, start) for start in bounds]  # number of the first sentence of each document
        rows = [
            pair
            for document in range(len(bounds) - 1)
            for pair in self._of_document(document, firsts, edges, Random(f"{seed} {document}"))
        ]
        return np.array(rows, dtype=np.int64).reshape(-1, 6)

    def _of_document(
        self, document: int, firsts: list[int], edges: list[int], random: Random
    ) -> Iterator[tuple[int, int, int, int, bool, bool]]:
        begin, end = firsts[document], firsts[document + 1]
        while begin < end:
            target = self._length(random)
            last = begin + 1
            while last < end and edges[last] - edges[begin] < target:
                last += 1
            is_drawn = last - begin > 1
            cut = random.randint(begin + 1, last - 1) if is_drawn else last
            first = (edges[begin], edges[cut])
            is_random = not is_drawn or random.random() < self.random_share
            if is_random:
                second = self._elsewhere(document, firsts, edges, target - (first[1] - first[0]), random)
            else:
                second = (edges[cut], edges[last])
            begin = cut if is_random else last
            first, second = self._cut(first, second, random)
            yield first[0], first[1] - first[0], second[0], second[1] - second[0], is_random, is_drawn

    def _length(self, random: Random) -> int:
        is_short = random.random() < self.short_probability
        return random.randint(2, self.room) if is_short else self.room

    @staticmethod
    def _elsewhere(document: int, firsts: list[int], edges: list[int], length: int, random: Random) -> tuple[int, int]:
        """Sentences of another document, from a random one on, up to `length` tokens or its end."""
        other = random.randrange(len(firsts) - 2)
        other += other >= document
        begin, end = random.randrange(firsts[other], firsts[other + 1]), firsts[other + 1]
        last = begin + 1
        while last < end and edges[last] - edges[begin] < length:
            last += 1
        return edges[begin], edges[last]

    def _cut(
        self, first: tuple[int, int], second: tuple[int, int], random: Random
    ) -> tuple[tuple[int, int], tuple[int, int]]:
        """Both segments, a token at a time taken from the longer one, from its front or back, until they have room."""
        parts = [list(first), list(second)]
        for _ in range(first[1] - first[0] + second[1] - second[0] - self.room):
            longer = parts[0] if parts[0][1] - parts[0][0] > parts[1][1] - parts[1][0] else parts[1]
            if random.random() < 0.5:
                longer[0] += 1
            else:
                longer[1] -= 1
        return (parts[0][0], parts[0][1]), (parts[1][0], parts[1][1])
