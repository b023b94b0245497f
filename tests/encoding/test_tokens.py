import pickle

import numpy as np
import pytest

from genai_hf.encoding import tokens
from genai_hf.encoding.tokens import Bits, Tokens


@pytest.fixture
def toy(tmp_path):
    np.save(tmp_path / "train.npy", np.array([5, 7, 5, 6, 5, 7], dtype=np.uint16))
    np.save(tmp_path / "train_starts.npy", np.array([0, 4, 6]))
    np.save(tmp_path / "train_words.npy", np.array([0b011001], dtype=np.uint8))
    return Tokens(tmp_path, "train", 3, "a note")


def test_ids_are_mapped_and_cannot_be_changed(toy):
    assert (toy.ids.tolist(), toy.starts.tolist(), len(toy)) == ([5, 7, 5, 6, 5, 7], [0, 4, 6], 6)
    assert isinstance(toy.ids.base, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        toy.ids[0] = 1


@pytest.mark.parametrize("chunk", [1, 4, 2**24])
def test_frequencies_count_every_id(toy, monkeypatch, chunk):
    monkeypatch.setattr(tokens, "CHUNK", chunk)
    counted = toy.frequencies(10)
    assert (counted.tolist(), counted.dtype) == ([0, 0, 0, 0, 0, 3, 1, 2, 0, 0], np.int64)


def test_an_id_beyond_the_vocabulary_is_refused(toy):
    with pytest.raises(ValueError, match="vocab_size must be above the largest token id 7, got 7"):
        toy.frequencies(7)


def test_pickled_tokens_are_opened_again(toy):
    assert toy.ids.sum() == 35
    again = pickle.loads(pickle.dumps(toy))
    assert (again.folder, again.split, again.first_document, again.note) == (toy.folder, "train", 3, "a note")
    assert again.ids.tolist() == toy.ids.tolist()
    assert len(pickle.dumps(toy)) < 400


def test_where_words_begin_is_read_bit_by_bit(toy):
    assert toy.words[:].tolist() == [True, False, False, True, True, False]
    assert toy.words[np.array([[4, 1], [0, 5]])].tolist() == [[True, False], [True, False]]
    assert isinstance(toy.words.packed.base, np.memmap)


@pytest.mark.parametrize("part", [slice(None), slice(3, 8), slice(7, 9), slice(15, 21), slice(2, 20, 5), slice(5, 5)])
def test_any_slice_of_packed_bits_is_that_of_the_values(part):
    values = np.random.default_rng(0).integers(0, 2, 21).astype(bool)
    bits = Bits(np.packbits(values, bitorder="little"), 21)
    assert bits[part].tolist() == values[part].tolist()
    assert (bits[part].dtype, len(bits)) == (np.bool_, 21)
