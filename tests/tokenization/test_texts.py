"""What is read for training and for measuring."""

from collections.abc import Sequence

import pytest

from genai_hf.data.corpus import Corpus
from genai_hf.encoding.tokenise import tokenise
from genai_hf.tokenization.texts import Documents, characters, held_out, readable
from genai_hf.tokenization.training import train


def corpus(documents: Sequence[str], share: float = 0.25, max_tokens: int | None = None) -> Corpus:
    return Corpus("rhymes", "0", lambda: iter(documents), {}, validation_share=share, max_tokens=max_tokens)


def test_documents_can_be_read_twice():
    documents = Documents(corpus(["sea", "see"]))
    assert [list(documents), list(documents)] == [["sea", "see"], ["sea", "see"]]


def test_documents_stop_after_as_many_words_as_tokens_are_wanted():
    assert list(Documents(corpus(["a b", "c", "d e", "f"], max_tokens=3))) == ["a b", "c"]


def test_what_is_held_out_is_the_validation_split(tmp_path):
    documents = [f"w{number} sea" for number in range(12)]
    chosen = list(held_out(corpus(documents)))
    assert len(chosen) == 3
    assert chosen == [document for document in documents if document in chosen]
    tokenizer = train(documents, vocab_size=60)
    split = tokenise(corpus(documents), tokenizer, cache=tmp_path)["validation"]
    ids = [token for document in chosen for token in tokenizer(document, add_special_tokens=False)["input_ids"]]
    assert split.ids.tolist() == ids


def test_of_a_single_document_the_end_is_held_out():
    assert list(held_out(corpus(["0123456789"], share=0.3))) == ["789"]


def test_characters_come_by_frequency_then_code_point():
    assert characters(["bab", "c\n"]) == ["b", "\n", "a", "c"]


def test_rare_characters_become_spaces():
    assert list(readable(["a☃b", "c"], ["☃"])) == ["a b", "c"]


@pytest.mark.parametrize(("length", "spaces"), [(999, 0), (1000, 1), (2500, 2)])
def test_endless_words_are_cut(length, spaces):
    (text,) = readable(["x" * length], [])
    assert text.count(" ") == spaces
    assert text.count("x") == length
