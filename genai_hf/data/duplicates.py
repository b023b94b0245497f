"""Near duplicates: passages most of whose words have stood, five at a time, in the passages before them.

A passage's runs of five words are its shingles; the share of them that were seen before is its containment (Broder
1997, "On the resemblance and containment of documents"). That duplicates harm a language model, and leak from training
into validation text, is shown in Lee et al. 2021, "Deduplicating training data makes language models better",
arXiv:2107.06499, whose near duplicates are found by five-word shingles too (appendix A).
"""

import re
from collections import Counter

SHINGLE = 5  # words
MOSTLY = 0.5  # a passage goes if a larger share of its shingles was seen

WORD = re.compile(r"\w+")


class Novelty:
    """Tells new passages from seen ones, in the order in which it is asked.

    Attributes:
        counts: How many passages were `exact_duplicates` or `near_duplicates`.
    """

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter(exact_duplicates=0, near_duplicates=0)
        self._numbers: dict[str, int] = {}  # of words: hashes of numbers are the same in every process
        self._texts: set[str] = set()
        self._shingles: set[int] = set()

    def is_new(self, passage: str) -> bool:
        """Whether `passage` differs from all new ones before it; case and punctuation make no difference."""
        if passage in self._texts:
            self.counts["exact_duplicates"] += 1
            return False
        self._texts.add(passage)
        shingles = self._cut(passage)
        if len(shingles & self._shingles) > MOSTLY * len(shingles):
            self.counts["near_duplicates"] += 1
            return False
        self._shingles |= shingles
        return True

    def _cut(self, passage: str) -> set[int]:
        """Hashes of the runs of `SHINGLE` words; a shorter passage is one run."""
        words = [self._numbers.setdefault(word, len(self._numbers)) for word in WORD.findall(passage.lower())]
        last = max(1, len(words) - SHINGLE + 1)
        return {hash(tuple(words[first : first + SHINGLE])) for first in range(last)}
