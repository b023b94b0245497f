"""Rows of two segments: their layout, their text, and what is refused."""

import numpy as np
import pytest

from genai_hf.data.corpus import Corpus
from genai_hf.encoding import segment_pairs, tokenise
from genai_hf.errors import ConfigError, DataError
from genai_hf.tokenization import train


@pytest.fixture
def tokens(tmp_path, tokenizer):
    texts = [" ".join(f"w{number % 59} w{line}." if number % 5 == 4 else f"w{number % 59}" for number in range(40))
             for line in range(30)]  # fmt: skip
    return tokenise(Corpus("texts", "1", lambda: iter(texts), {}, 0.1), tokenizer, sentences=True, cache=tmp_path)


def test_rows_are_two_segments_of_text_between_their_special_tokens(tokens, tokenizer):
    rows = segment_pairs(tokens, tokenizer, length=32)
    train = rows["train"]
    for number in range(len(train)):
        row = train[3, number]
        ids, plan = row["input_ids"], train.plan[number]
        assert (row["epoch"], row["example_id"]) == (3, number)
        assert len(ids) <= 32
        assert (ids[0], ids[row["second"] - 1], ids[-1]) == (2, 3, 3)
        assert ids[1 : row["second"] - 1].tolist() == tokens["train"].ids[plan[0] : plan[0] + plan[1]].tolist()
        assert ids[row["second"] : -1].tolist() == tokens["train"].ids[plan[2] : plan[2] + plan[3]].tolist()
    assert rows["validation"][0]["example_id"] == len(train)
    assert rows["validation"][5, 0]["epoch"] == -1
    with pytest.raises(IndexError):
        _ = train[len(train)]


def test_each_pass_cuts_otherwise_and_the_validation_pairs_know_no_seed(tokens, tokenizer):
    one, two, other = (
        segment_pairs(tokens, tokenizer, length=32, passes=passes, seed=seed)
        for passes, seed in ((1, 0), (2, 0), (1, 1))
    )
    first = len(one["train"])
    assert (two["train"].plan[:first] == one["train"].plan).all()
    assert len(two["train"]) > 1.5 * first
    assert not np.array_equal(two["train"].plan[first:][:20], one["train"].plan[:20])
    assert not np.array_equal(other["train"].plan[:20], one["train"].plan[:20])
    assert (other["validation"].plan == one["validation"].plan).all()


def test_words_begin_where_the_tokenizers_do_and_at_each_edge(tokens, tokenizer):
    rows = segment_pairs(tokens, tokenizer, length=32, words=True)["train"]
    for number in range(len(rows)):
        row, plan = rows[number], rows.plan[number]
        starts = row["word_starts"]
        assert len(starts) == len(row["input_ids"])
        assert starts[[0, 1, row["second"] - 1, row["second"], -1]].all()
        inner = tokens["train"].words[slice(plan[0] + 1, plan[0] + plan[1])]
        assert starts[2 : row["second"] - 1].tolist() == inner.tolist()


def test_a_corpus_of_one_document_is_refused(tmp_path, tokenizer):
    corpus = Corpus("book", "1", lambda: iter(["w1 w2. " * 50]), {}, 0.1)
    tokens = tokenise(corpus, tokenizer, sentences=True, cache=tmp_path)
    with pytest.raises(DataError, match="train: one document, and next-sentence prediction needs text of another"):
        segment_pairs(tokens, tokenizer, length=32)


def test_wrong_values_and_tokenizers_are_refused(tokens, tokenizer):
    with pytest.raises(ValueError, match="passes must be at least 1"):
        segment_pairs(tokens, tokenizer, length=32, passes=0)
    with pytest.raises(ValueError, match="holds no two segments"):
        segment_pairs(tokens, tokenizer, length=4)
    bytes_only = train(["a text"] * 3, algorithm="byte_bpe", family="gpt2", vocab_size=280, lowercase=False)
    with pytest.raises(ConfigError, match=r"take tokenizer\.family=bert"):
        segment_pairs(tokens, bytes_only, length=32)
