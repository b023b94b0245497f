"""Where sentences end, and where they begin among the tokens."""

import numpy as np
import pytest

from genai_hf.data.corpus import Corpus
from genai_hf.data.sentences import sentence_ends
from genai_hf.encoding import tokenise
from genai_hf.tokenization import train

DOCUMENTS = [
    'The cat sleeps. "Why?" asks the dog! Nobody knows…  It is 3.14 o\'clock',
    "One line\n\nand another\n  \nthe end.",
    "A single one",
]


def cut(text: str) -> list[str]:
    ends = sentence_ends(text)
    return [text[first:last] for first, last in zip([0, *ends], [*ends, None], strict=True)]


def test_sentences_end_behind_their_mark_and_before_empty_lines():
    assert cut(DOCUMENTS[0]) == [
        "The cat sleeps.",
        ' "Why?"',
        " asks the dog!",
        " Nobody knows…",
        "  It is 3.14 o'clock",
    ]
    assert cut(DOCUMENTS[1]) == ["One line", "\n\nand another", "\n  \nthe end."]
    assert cut(DOCUMENTS[2]) == ["A single one"]
    assert cut("没有人知道。为什么？") == ["没有人知道。", "为什么？"]
    assert sentence_ends("") == sentence_ends(" . ") == []


@pytest.mark.parametrize(
    ("algorithm", "family"), [("wordpiece", "bert"), ("byte_bpe", "gpt2"), ("unigram", "t5"), ("bpe", "bert")]
)
def test_each_sentence_begins_with_its_own_first_token(tmp_path, algorithm, family):
    texts = DOCUMENTS * 10
    tokenizer = train(texts, algorithm=algorithm, family=family, vocab_size=300, lowercase=False)
    corpus = Corpus("texts", algorithm, lambda: iter(texts), {})
    tokens = tokenise(corpus, tokenizer, sentences=True, cache=tmp_path)["train"]
    starts = tokens.sentences
    assert np.isin(tokens.starts[:-1], starts).all()
    found = [tokenizer.decode(ids).strip() for ids in np.split(tokens.ids, starts[1:])]
    expected = {
        tokenizer.decode(tokenizer(sentence, add_special_tokens=False)["input_ids"]).strip()
        for text in DOCUMENTS
        for sentence in cut(text)
    }
    assert set(found) <= expected
    assert len(found) > 20


def test_sentences_are_not_kept_unless_asked_for(tmp_path, tokenizer):
    corpus = Corpus("texts", "x", lambda: iter(["w1. w2", "w3 w4"]), {})
    plain, asked = (tokenise(corpus, tokenizer, sentences=value, cache=tmp_path) for value in (False, True))
    assert plain["train"].folder != asked["train"].folder
    assert (plain["train"].ids == asked["train"].ids).all()
    with pytest.raises(FileNotFoundError):
        _ = plain["train"].sentences
