import hashlib
import sys
from functools import partial

import numpy as np
import pytest
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from genai_hf.data.corpus import Corpus
from genai_hf.encoding.tokenise import held_out_count, pieces, tokenise
from genai_hf.errors import DataError

module = sys.modules["genai_hf.encoding.tokenise"]  # whose name in the package is the function's
TEXTS = [f"w{number} w{number + 1} w{number + 2}" for number in range(0, 55, 3)] + ["w1", "w2 w3"]  # 21 documents


def corpus(texts, share=0.05, most=None):
    digest = hashlib.sha256("\n\n".join(texts).encode()).hexdigest()
    return Corpus("toy", digest, lambda: iter(texts), {"documents": len(texts)}, share, most)


def documents(tokens):
    return [tokens.ids[first:last].tolist() for first, last in zip(tokens.starts, tokens.starts[1:], strict=False)]


def ids(text):
    return [5 + int(word[1:]) for word in text.split()]


def smallest(texts, count):
    return sorted(texts, key=lambda text: hashlib.sha256(text.encode()).digest())[:count]


def test_the_documents_with_the_smallest_sha256_are_held_out(tokenizer, tmp_path):
    splits = tokenise(corpus(TEXTS), tokenizer, cache=tmp_path)
    held_out = smallest(TEXTS, 2)  # 5 % of 21, rounded up
    assert documents(splits["validation"]) == [ids(text) for text in TEXTS if text in held_out]
    assert documents(splits["train"]) == [ids(text) for text in TEXTS if text not in held_out]
    assert (splits["train"].first_document, splits["validation"].first_document) == (0, 19)
    assert [splits[split].note for split in splits] == ["", ""]


def test_the_split_does_not_depend_on_the_order_of_documents(tokenizer, tmp_path):
    shuffled = [TEXTS[place] for place in np.random.default_rng(0).permutation(len(TEXTS))]
    splits = [tokenise(corpus(texts, 0.3), tokenizer, cache=tmp_path) for texts in (TEXTS, shuffled)]
    for split in ("train", "validation"):
        assert sorted(documents(splits[0][split])) == sorted(documents(splits[1][split]))


@pytest.mark.parametrize(
    ("total", "share", "count"),
    [(2, 0.05, 1), (2, 0.99, 1), (20, 0.05, 1), (21, 0.05, 2), (100, 0.07, 7), (100, 0.0001, 1), (10, 0.95, 9)],
)
def test_the_share_is_rounded_up_and_leaves_one_on_each_side(total, share, count):
    assert held_out_count(total, share) == count


def test_one_document_is_cut_at_its_end(tokenizer, tmp_path):
    text = " ".join(f"w{number}" for number in range(50))
    splits = tokenise(corpus([" ", text], 0.05), tokenizer, cache=tmp_path)
    assert documents(splits["train"]) == [list(range(5, 52))]
    assert documents(splits["validation"]) == [[52, 53, 54]]
    assert splits["train"].note == "the corpus is one document: its last 5.0% is the validation split"


@pytest.mark.parametrize("texts", [[], ["  "], ["w1"]])
def test_a_corpus_of_fewer_than_two_tokens_is_refused(tokenizer, tmp_path, texts):
    with pytest.raises(DataError, match=r"toy: [01] tokens cannot be split into two parts; give more text"):
        tokenise(corpus(texts), tokenizer, cache=tmp_path)
    assert list((tmp_path / "tokens").iterdir()) == []


def test_documents_without_tokens_are_left_out(tokenizer, tmp_path):
    splits = tokenise(corpus(["w1 w2", " ", "w3", "\n"], 0.5), tokenizer, cache=tmp_path)
    assert sorted(documents(splits["train"]) + documents(splits["validation"])) == [[6, 7], [8]]


@pytest.mark.parametrize("most", [1, 5, 6, 7, 61, 1000])
def test_max_tokens_is_kept_exactly(tokenizer, tmp_path, most):
    read = []
    texts = Corpus("toy", str(most), lambda: (read.append(text) or text for text in TEXTS), {}, 0.05, most)
    if most == 1:
        with pytest.raises(DataError, match="1 tokens"):
            tokenise(texts, tokenizer, cache=tmp_path)
        return
    splits = tokenise(texts, tokenizer, cache=tmp_path)
    assert sum(map(len, splits.values())) == min(most, sum(len(text.split()) for text in TEXTS))


def test_reading_stops_after_the_batch_that_reaches_max_tokens(tokenizer, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "BATCH", 10)
    read = []
    texts = Corpus("toy", "abc", lambda: (read.append(text) or text for text in TEXTS), {}, 0.05, 7)
    tokenise(texts, tokenizer, cache=tmp_path)
    assert read == TEXTS[: len(read)]
    assert len(read) < 6


def test_tokenising_happens_once_for_each_text_tokenizer_and_setting(tokenizer, tmp_path):
    read = []

    def counted(texts, share=0.05, most=None):
        inner = corpus(texts, share, most)
        return Corpus("toy", inner.fingerprint, lambda: read.append(1) or iter(texts), {}, share, most)

    first = tokenise(counted(TEXTS), tokenizer, cache=tmp_path)
    again = tokenise(counted(TEXTS), tokenizer, cache=tmp_path)
    assert (len(read), documents(first["train"])) == (1, documents(again["train"]))
    for number, other in enumerate([counted(TEXTS[1:]), counted(TEXTS, 0.3), counted(TEXTS, most=20)]):
        tokenise(other, tokenizer, cache=tmp_path)
        assert len(read) == 2 + number
    tokenise(counted(TEXTS), word_tokenizer(70), cache=tmp_path)
    assert len(read) == 5


def test_how_a_tokenizer_was_used_before_makes_no_difference(tmp_path):
    tokenizer = word_tokenizer(64)
    plain = tokenise(corpus(TEXTS), tokenizer, cache=tmp_path)
    tokenizer("w1 w2 w3", truncation=True, max_length=2, padding="max_length")
    assert tokenizer.backend_tokenizer.truncation is not None
    assert (
        tokenise(corpus(TEXTS), tokenizer, cache=tmp_path / "other")["train"].ids.tolist()
        == plain["train"].ids.tolist()
    )
    assert tokenise(corpus(TEXTS), tokenizer, cache=tmp_path)["train"].folder == plain["train"].folder


def test_a_special_token_that_stands_in_the_text_is_text(tmp_path):
    tokenizer = word_tokenizer(64)
    tokenizer.add_special_tokens({"sep_token": "w7"})
    assert tokenizer("w7x", add_special_tokens=False)["input_ids"] == [7, 0]
    splits = tokenise(corpus(["w6 w7x", "w5 w8"]), tokenizer, cache=tmp_path)
    assert sorted(documents(splits["train"]) + documents(splits["validation"])) == [[5, 8], [6, 0]]


@pytest.mark.parametrize(("size", "dtype"), [(2**16, np.uint16), (2**16 + 1, np.uint32)])
def test_ids_take_two_bytes_where_the_vocabulary_allows_it(tmp_path, size, dtype):
    splits = tokenise(corpus([f"w1 w{size - 1}", "w2"]), word_tokenizer(size), cache=tmp_path)
    assert {tokens.ids.dtype.type for tokens in splits.values()} == {dtype}
    assert [1, size - 1] in documents(splits["train"]) + documents(splits["validation"])


def test_a_vocabulary_with_gaps_is_measured_by_its_largest_id(tmp_path):
    backend = Tokenizer(models.WordLevel({"[UNK]": 0, "w1": 70_000}, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    splits = tokenise(corpus(["w1 x w1", "x"]), PreTrainedTokenizerFast(tokenizer_object=backend), cache=tmp_path)
    assert sorted(documents(splits["train"]) + documents(splits["validation"])) == [[0], [70_000, 0, 70_000]]


def test_what_fails_half_way_leaves_nothing_that_looks_complete(tokenizer, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "BATCH", 10)

    def broken():
        yield from TEXTS[:5]
        raise KeyboardInterrupt

    whole = corpus(TEXTS)
    with pytest.raises(KeyboardInterrupt):
        tokenise(Corpus("toy", whole.fingerprint, broken, {}), tokenizer, cache=tmp_path)
    assert list((tmp_path / "tokens").iterdir()) == []
    assert len(tokenise(whole, tokenizer, cache=tmp_path)["train"].starts) == 20


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("one two three four five, six\n\nseven  eight nine",
         ["one two three", " four five, six", "\n\nseven  eight", " nine"]),
        ("一二三四五六七。\n八九\n\n十一十二十三十四。", ["一二三四五六七。", "\n八九\n\n十一十二十三十四。"]),
        ("one-and-only-one-word", ["one-and-only-one-word"]),
        ("", [""]),
    ],
)  # fmt: skip
def test_long_documents_are_cut_between_words_or_else_before_newlines(monkeypatch, text, cut):
    monkeypatch.setattr(module, "PIECE", 8)
    assert list(pieces(text)) == cut


@pytest.mark.parametrize("kind", ["word_piece", "byte_bpe", "metaspace"])
def test_a_cut_changes_no_token(tmp_path, monkeypatch, kind):
    text = (
        "Call me Ishmael. Some years ago—never mind how long precisely—having  little\n\n\nor no money;\n\t(so) " * 20
    )
    tokenizer = trained(kind, text)
    whole = tokenizer.backend_tokenizer.encode(text, add_special_tokens=False).ids
    monkeypatch.setattr(module, "PIECE", 50)
    assert len(list(pieces(text))) > 20
    splits = tokenise(corpus([text]), tokenizer, cache=tmp_path)
    assert splits["train"].ids.tolist() + splits["validation"].ids.tolist() == whole


WORDS = "Call me Ishmael's friend.  Some—never mind,\n\nprecisely_how 日本語 (long) that'll don't be un-known " * 3


@pytest.mark.parametrize("kind", ["word_piece", "byte_bpe", "metaspace", "unigram"])
@pytest.mark.parametrize("piece", [20, 2**16], ids=["cut", "whole"])
def test_words_are_those_of_the_tokenizer(tmp_path, monkeypatch, kind, piece):
    monkeypatch.setattr(module, "PIECE", piece)
    tokenizer = trained(kind, WORDS, size=60)
    splits = tokenise(corpus([WORDS, "Call me", " "]), tokenizer, cache=tmp_path)
    found = {}
    for tokens in splits.values():
        starts = tokens.words[:].tolist()
        for first, last in zip(tokens.starts, tokens.starts[1:], strict=False):
            found[tuple(tokens.ids[first:last].tolist())] = starts[first:last]
    for text in (WORDS, "Call me"):
        encoding = tokenizer.backend_tokenizer.encode(text, add_special_tokens=False)
        words = [pair[0] != pair[1] for pair in zip(encoding.word_ids, [None, *encoding.word_ids], strict=False)]
        assert found[tuple(encoding.ids)] == words
    longest = max(found, key=len)
    assert 40 <= sum(found[longest]) < len(longest)  # 13 words or more a time, some of them in pieces


def test_a_word_is_not_what_touches_its_neighbour_or_bears_a_mark(tmp_path):
    tokenizer = trained("byte_bpe", "up running, up-running")
    splits = tokenise(corpus(["running, up-runningup", "running, up-runningup"], 0.5), tokenizer, cache=tmp_path)
    for tokens in splits.values():
        starts, backend = np.flatnonzero(tokens.words[:]), tokenizer.backend_tokenizer
        ends = [*starts[1:], len(tokens)]
        words = [backend.decode(tokens.ids[a:b].tolist()) for a, b in zip(starts, ends, strict=True)]
        assert words == ["running", ",", " up", "-", "runningup"]
        assert len(tokens) > 5


def test_a_document_that_was_cut_out_of_another_begins_with_a_word(tmp_path):
    splits = tokenise(corpus(["abcdefgh" * 20], 0.3), trained("byte_bpe", "ab"), cache=tmp_path)
    assert [np.flatnonzero(tokens.words[:]).tolist() for tokens in splits.values()] == [[0], [0]]


@pytest.mark.parametrize("batch", [1, 7, 40])
def test_batches_and_pieces_make_no_difference(tokenizer, tmp_path, monkeypatch, batch):
    texts = [" ".join(TEXTS), "w1", *TEXTS]
    expected = tokenise(corpus(texts), tokenizer, cache=tmp_path / "whole")
    monkeypatch.setattr(module, "BATCH", batch)
    monkeypatch.setattr(module, "PIECE", 5)
    cut = tokenise(corpus(texts), tokenizer, cache=tmp_path / "cut")
    for split in expected:
        assert documents(cut[split]) == documents(expected[split])
        assert cut[split].words[:].tolist() == expected[split].words[:].tolist()


def word_tokenizer(size):
    """Words w1 … up to `size` ids, a word's number being its id; [UNK] is 0."""
    words = {"[UNK]": 0} | {f"w{number}": number for number in range(1, size)}
    backend = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="[UNK]", pad_token="[UNK]")


def trained(kind, text, size=120):
    backend, trainer = {
        "word_piece": (Tokenizer(models.WordPiece(unk_token="[UNK]")), trainers.WordPieceTrainer),
        "byte_bpe": (Tokenizer(models.BPE()), trainers.BpeTrainer),
        "metaspace": (Tokenizer(models.BPE(unk_token="[UNK]")), trainers.BpeTrainer),
        "unigram": (Tokenizer(models.Unigram()), partial(trainers.UnigramTrainer, unk_token="[UNK]")),
    }[kind]
    if kind == "word_piece":
        backend.normalizer, backend.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    elif kind == "byte_bpe":
        backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        backend.decoder = decoders.ByteLevel()
    else:
        backend.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    backend.train_from_iterator([text], trainer(vocab_size=size, special_tokens=["[UNK]"], show_progress=False))
    return PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="[UNK]")
