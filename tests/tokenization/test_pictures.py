"""Tables and figures say what the tokenizer does."""

import pytest

from genai_hf.tokenization.pictures import (
    merges_figure,
    merges_table,
    ranks_figure,
    samples_table,
    special_tokens_table,
)
from genai_hf.tokenization.training import train
from genai_hf.tokenization.usage import Usage


def test_the_table_of_merges_starts_from_the_letters():
    table = merges_table("sea see\nsea", merges=2)
    assert table.columns == ["merge", "pair", "new token", "times", "different tokens"]
    assert table.rows == [
        [0, "", "", None, 4],
        [1, "s + e", "se", 3, 4],
        [2, "se + a", "sea", 2, 4],
    ]
    assert table.note == "The passage: sea see sea. White space is _; ties go to the pair that comes first."


def test_the_figure_of_merges_goes_on_to_whole_words():
    figure = merges_figure("sea see sea")
    assert figure.series == {"passage": [(0, 4), (1, 4), (2, 4), (3, 4), (4, 3), (5, 2)]}


def test_special_tokens_stand_with_every_role_in_the_order_of_their_ids():
    table = special_tokens_table(train(["a b"], family="roberta", algorithm="byte_bpe", vocab_size=300))
    assert table.rows == [
        ["<s>", 0, "bos, cls"],
        ["<pad>", 1, "pad"],
        ["</s>", 2, "eos, sep"],
        ["<unk>", 3, "unk"],
        ["<mask>", 260, "mask"],
    ]


def test_sentinels_are_named_as_such():
    table = special_tokens_table(train(["a b"], family="t5", algorithm="bpe", vocab_size=130))
    assert len(table.rows) == 103
    assert table.rows[-1] == ["<extra_id_0>", 105, "sentinel"]


def test_sentences_are_shown_with_their_tokens():
    table = samples_table(train(["ab ab abc"], vocab_size=30), ["abc ab", ""])
    assert table.rows == [["abc ab", "[CLS] ab ##c ab [SEP]", 5], ["", "[CLS] [SEP]", 2]]


def usage(counts):
    return Usage(len(counts), dict(enumerate(counts)), characters=1, size=1, words=1, unknown=0)


def test_a_few_pieces_are_all_drawn():
    figure = ranks_figure(usage([1, 5, 3]))
    assert figure.series == {"pieces": [(1, 5), (2, 3), (3, 1)]}
    assert (figure.log_x, figure.log_y) == (True, True)


@pytest.mark.parametrize("number", [201, 30_000])
def test_of_many_pieces_a_spread_is_drawn_with_both_ends(number):
    points = ranks_figure(usage(list(range(1, number + 1)))).series["pieces"]
    assert len(points) <= 201
    assert points[:3] == [(1, number), (2, number - 1), (3, number - 2)]
    assert points[-1] == (number, 1)
