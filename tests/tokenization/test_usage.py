"""The ratios are those of the text as it stands."""

import pytest

from genai_hf.tokenization.training import train
from genai_hf.tokenization.usage import measure


@pytest.fixture(scope="module")
def letters():
    return train(["ab ab é"], vocab_size=12, lowercase=False)  # , . no merges: a b é ##a ##b ##é and one word, ab


def test_every_ratio_is_counted_over_the_whole_text(letters):
    assert letters.convert_ids_to_tokens(range(5, 12)) == ["a", "b", "é", "##a", "##b", "##é", "ab"]
    usage = measure(letters, ["ab é", "abba ☃"])  # ab é | ab ##b ##a [UNK]
    assert usage.metrics() == {
        "vocabulary_size": 12.0,
        "vocabulary_used_share": 5 / 12,
        "characters_per_token": 10 / 6,
        "bytes_per_token": 13 / 6,
        "tokens_per_word": 6 / 4,
        "unknown_share": 1 / 6,
    }
    assert usage.tokens == 6
    assert usage.by_rank() == [(1, 2), (2, 1), (3, 1), (4, 1), (5, 1)]


def test_a_special_token_s_name_in_the_text_counts_as_text(letters):
    assert measure(letters, ["[MASK]"]).tokens == 3  # "[", "MASK" and "]", none of them known


def test_truncation_that_a_tokenizer_was_saved_with_does_not_shorten_the_text(letters):
    letters.backend_tokenizer.enable_truncation(max_length=2)
    try:
        assert measure(letters, ["ab ab ab ab"]).tokens == 4
    finally:
        letters.backend_tokenizer.no_truncation()


def test_text_without_words_cannot_be_measured(letters):
    with pytest.raises(ValueError, match=r"^there are no words to measure a tokenizer on$"):
        measure(letters, ["", " \n"])
