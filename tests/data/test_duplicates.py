import pytest

from genai_hf.data.duplicates import Novelty

FIRST = "one two three four five six seven eight nine ten"  # six shingles


@pytest.mark.parametrize(
    ("passage", "new"),
    [
        (FIRST, False),
        ("ONE two, three (four) five-six seven. Eight nine ten!", False),  # other case and punctuation
        ("zero one two three four five six seven eight nine", False),  # 5 of its 6 shingles were seen
        ("one two three four five six seven A B C", True),  # 3 of 6: half is not most
        ("two three four five six", False),  # its only one was
        ("two three four five A", True),
        ("three four", True),  # shorter than a shingle: compared as a whole
        ("ten nine eight seven six five four three two one", True),
    ],
)
def test_a_passage_is_old_if_most_of_its_five_word_shingles_were_seen(passage, new):
    novelty = Novelty()
    assert novelty.is_new(FIRST)
    assert novelty.is_new(passage) is new


def test_exact_and_near_duplicates_are_counted_apart():
    novelty = Novelty()
    passages = [FIRST, FIRST, FIRST.upper(), "three four", "Three four.", "three four", "Three four."]
    assert [novelty.is_new(passage) for passage in passages] == [True, False, False, True, False, False, False]
    assert novelty.counts == {"exact_duplicates": 3, "near_duplicates": 2}


def test_what_was_left_out_makes_nothing_after_it_old():
    novelty = Novelty()
    kept = "one two three four five six seven"
    near = "two three four five six seven A B"  # 2 of 4 shingles are new, so it stays
    nearer = "one two three four five six seven C D"  # 3 of 5 were seen, so it goes, and C and D are not remembered
    assert [novelty.is_new(passage) for passage in (kept, near, nearer, "five six seven C D")] == [
        True,
        True,
        False,
        True,
    ]
