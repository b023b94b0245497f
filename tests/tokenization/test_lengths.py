"""How many bytes of text each token stands for."""

import pytest

from genai_hf.tokenization import byte_lengths, train

TEXTS = ["The café is open, naïve as it sounds.", "A thread reads the lock; ünïcode ☃ snow 123."] * 20


@pytest.mark.parametrize(("algorithm", "family"), [("byte_bpe", "gpt2"), ("byte_bpe", "roberta")])
def test_a_byte_level_vocabulary_counts_every_byte(algorithm, family):
    tokenizer = train(TEXTS, algorithm=algorithm, family=family, vocab_size=300, lowercase=False)
    lengths = byte_lengths(tokenizer)
    assert len(lengths) == len(tokenizer)
    for text in TEXTS[:2]:
        assert lengths[tokenizer(text, add_special_tokens=False)["input_ids"]].sum() == len(text.encode())
    assert (lengths[tokenizer.all_special_ids] == 0).all()


def test_the_others_count_the_text_as_it_was_normalised():
    wordpiece = train(TEXTS, algorithm="wordpiece", family="bert", vocab_size=120, lowercase=False)
    words = "The café is open"
    assert byte_lengths(wordpiece)[wordpiece(words, add_special_tokens=False)["input_ids"]].sum() == len(
        (" " + words).encode()
    )
    unigram = train(TEXTS, algorithm="unigram", family="t5", vocab_size=180, lowercase=False)
    assert byte_lengths(unigram)[unigram(words, add_special_tokens=False)["input_ids"]].sum() == len(
        (" " + words).encode()
    )
