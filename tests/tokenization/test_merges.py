"""Byte pair encoding on the nursery rhyme goes as the textbook's figure shows it."""

import pytest

from genai_hf.tokenization.merges import Merge, first_merges, tokens_over_merges

RHYME = """
a sailor went to sea sea sea
to see what he could see see see
but all that he could see see see
was the bottom of the deep blue sea sea sea
"""


def test_the_first_merge_is_s_and_e_and_the_second_e_and_the_space():
    assert first_merges(RHYME, 2) == [
        Merge(pair=("s", "e"), count=13, distinct=20),
        Merge(pair=("e", "_"), count=12, distinct=21),
    ]
    assert [merge.token for merge in first_merges(RHYME, 2)] == ["se", "e_"]


def test_after_22_merges_there_are_letters_fragments_and_words():
    merges = first_merges(RHYME, 22)
    assert [(merge.token, merge.count, merge.distinct) for merge in merges] == [
        ("se", 13, 20), ("e_", 12, 21), ("a_", 7, 22), ("see_", 7, 23), ("sea_", 6, 23), ("t_", 4, 24), ("he_", 4, 25),
        ("to", 3, 26), ("to_", 2, 27), ("ha", 2, 27), ("hat_", 2, 27), ("co", 2, 27), ("cou", 2, 27), ("coul", 2, 27),
        ("could", 2, 27), ("could_", 2, 27), ("the_", 2, 28), ("sa", 1, 29), ("sai", 1, 28), ("sail", 1, 28),
        ("sailo", 1, 28), ("sailor", 1, 27),
    ]  # fmt: skip


def test_the_number_of_tokens_rises_from_the_letters_and_falls_to_the_words():
    points = tokens_over_merges(RHYME)
    assert [merges for merges, _ in points] == list(range(51))
    assert points[0] == (0, 19)
    assert points[-1] == (50, len(set(RHYME.split())))
    assert max(tokens for _, tokens in points) == 29


def test_merging_on_ends_when_every_word_is_one_token():
    merges = first_merges("ab abc", 99)
    assert [merge.token for merge in merges] == ["ab", "ab_", "abc", "abc_"]


def test_no_token_reaches_into_the_next_word():
    assert all("_" not in merge.token[:-1] for merge in first_merges("b b b b ab", 99))


def test_of_equally_common_pairs_the_first_in_the_passage_is_merged():
    assert first_merges("yz ab", 1)[0].pair == ("y", "z")


def test_a_pair_of_equal_letters_is_merged_from_left_to_right():
    assert [merge.token for merge in first_merges("aaa", 9)] == ["aa", "aaa", "aaa_"]


def test_white_space_of_any_kind_is_one_token():
    assert tokens_over_merges(" a\n\n b\t") == tokens_over_merges("a b")


def test_a_passage_without_words_is_refused():
    with pytest.raises(ValueError, match=r"^the passage has no words$"):
        tokens_over_merges(" \n")


def test_a_negative_number_of_merges_is_refused():
    with pytest.raises(ValueError, match=r"^the number of merges must not be negative, got -1$"):
        first_merges(RHYME, -1)
