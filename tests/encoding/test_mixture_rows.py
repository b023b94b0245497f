"""Several sets of rows as one."""

from collections import Counter

import pytest

from genai_hf.encoding.mixture import Mixture


class Numbered:
    """`size` rows that say which they are."""

    def __init__(self, name: str, size: int) -> None:
        self.name, self.size, self.fingerprint = name, size, f"{name}{size}"

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index):
        return (self.name, *index)


def mixture(limit=None, **sizes):
    return Mixture({name: Numbered(name, size) for name, size in sizes.items()}, limit)


def test_without_a_limit_every_row_comes_once():
    rows = mixture(text=5, questions=2)
    assert len(rows) == 7
    assert [rows[3, number] for number in range(7)] == [
        *(("text", 3, number) for number in (0, 1, 2, 3, 4)),
        *(("questions", 3, number) for number in (0, 1)),
    ]
    assert rows.share == pytest.approx(2 / 7)
    assert rows[6] == ("questions", 0, 1)


def test_a_limit_gives_other_rows_in_other_epochs_until_all_have_come():
    rows = mixture(limit=2, text=6, questions=2, summaries=1)
    assert (len(rows), rows.sizes) == (5, {"text": 2, "questions": 2, "summaries": 1})
    seen = Counter(rows[epoch, number] for epoch in range(3) for number in range(len(rows)))
    assert max(seen.values()) == 1
    assert {row[2] for row in seen if row[0] == "text"} == {0, 1, 2, 3, 4, 5}
    assert [row[2] for row in map(rows.__getitem__, [(4, 0), (4, 1)])] == [2, 3]
    assert rows.share == pytest.approx(3 / 5)


def test_the_fingerprint_knows_sets_and_limit():
    prints = {mixture(**given).fingerprint for given in ({"text": 5}, {"text": 5, "limit": 2}, {"text": 5, "more": 1})}
    assert len(prints) == 3
    with pytest.raises(ValueError, match="limit must be at least 1"):
        mixture(limit=0, text=5)
