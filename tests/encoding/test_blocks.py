import pickle

import numpy as np
import pytest
from tokenizers import Tokenizer, models, trainers
from torch.utils.data import DataLoader
from transformers import PreTrainedTokenizerFast

from genai_hf.encoding.blocks import Blocks, lm_blocks, special_ids
from genai_hf.encoding.tokens import Tokens
from genai_hf.errors import ConfigError, DataError


def tokens_of(folder, documents, split="train", words=None):
    np.save(folder / f"{split}.npy", np.concatenate(documents).astype(np.uint16))
    np.save(folder / f"{split}_starts.npy", np.cumsum([0, *map(len, documents)]))
    if words is not None:
        np.save(folder / f"{split}_words.npy", np.packbits(np.concatenate(words).astype(bool), bitorder="little"))
    return Tokens(folder, split)


@pytest.fixture
def toy(tmp_path):
    return tokens_of(tmp_path, [[10, 11, 12], [20, 21], [30, 31, 32, 33, 34]])


def rows(blocks):
    return [row["input_ids"].tolist() for row in blocks]


def test_blocks_are_cut_from_the_stream_of_documents_with_separators_between(toy):
    blocks = Blocks(toy, length=6, prefix=[1], suffix=[2], separator=[3])
    assert rows(blocks) == [[1, 10, 11, 12, 3, 2], [1, 20, 21, 3, 30, 2], [1, 31, 32, 33, 34, 2]]
    assert len(blocks) == 3


@pytest.mark.parametrize(
    ("length", "separator", "expected"),
    [
        (4, [], [[10, 11, 12, 20], [21, 30, 31, 32]]),  # 33 and 34 are left over
        (7, [3, 4], [[10, 11, 12, 3, 4, 20, 21], [3, 4, 30, 31, 32, 33, 34]]),
        (3, [3, 4], [[10, 11, 12], [3, 4, 20], [21, 3, 4], [30, 31, 32]]),
        (12, [3], [[10, 11, 12, 3, 20, 21, 3, 30, 31, 32, 33, 34]]),
    ],
)
def test_separators_of_any_length_may_stand_anywhere(toy, length, separator, expected):
    assert rows(Blocks(toy, length=length, prefix=[], suffix=[], separator=separator)) == expected


@pytest.mark.parametrize("separator", [[], [900], [900, 901, 902]])
def test_blocks_put_together_are_the_stream(tmp_path, separator):
    random = np.random.default_rng(0)
    documents = [random.integers(0, 900, size).tolist() for size in random.integers(0, 12, 200)]
    stream = [token for document in documents for token in [*document, *separator]]
    stream = stream[: len(stream) - len(separator)]
    blocks = Blocks(tokens_of(tmp_path, documents), length=10, prefix=[7, 8], suffix=[9], separator=separator)
    bodies = [token for row in rows(blocks) for token in row[2:-1]]
    assert bodies == stream[: len(stream) // 7 * 7]
    assert all(row[:2] == [7, 8] and row[-1] == 9 for row in rows(blocks))


WORDS = [[1, 0, 0], [1, 1], [1, 0, 1, 0, 0]]


def test_rows_say_where_words_begin_and_special_tokens_are_words(tmp_path):
    tokens = tokens_of(tmp_path, [[10, 11, 12], [20, 21], [30, 31, 32, 33, 34]], words=WORDS)
    blocks = Blocks(tokens, length=6, prefix=[1], suffix=[2], separator=[3], words=True)
    assert rows(blocks) == [[1, 10, 11, 12, 3, 2], [1, 20, 21, 3, 30, 2], [1, 31, 32, 33, 34, 2]]
    assert [row["word_starts"].astype(int).tolist() for row in blocks] == [
        [1, 1, 0, 0, 1, 1],
        [1, 1, 1, 1, 1, 1],
        [1, 1, 1, 0, 0, 1],  # of the word 30 31 the block sees the end
    ]
    assert blocks[0]["word_starts"].dtype == np.bool_
    bare = Blocks(tokens, length=4, prefix=[], suffix=[], separator=[], words=True)
    assert [row["word_starts"].astype(int).tolist() for row in bare] == [[1, 0, 0, 1], [1, 1, 0, 1]]


def test_documents_never_share_a_word_with_or_without_separators(tmp_path):
    random = np.random.default_rng(0)
    documents = [[number % 900] * size for number, size in enumerate(random.integers(1, 12, 200))]
    words = [[1] + [0] * (len(document) - 1) for document in documents]  # each is one word
    tokens = tokens_of(tmp_path, documents, words=words)
    for separator in ([], [950], [950, 951]):
        for row in Blocks(tokens, length=9, prefix=[940], suffix=[941], separator=separator, words=True):
            changes = np.diff(row["input_ids"], prepend=-1) != 0
            assert row["word_starts"].tolist() == changes.tolist()


def test_rows_without_words_have_no_such_column(toy):
    assert set(Blocks(toy, length=6, prefix=[1], suffix=[2], separator=[3])[0]) == {"input_ids", "example_id", "epoch"}


def test_a_tokenizer_without_words_is_refused_where_they_are_needed(tmp_path):
    tokens = {split: tokens_of(tmp_path, [[1] * 20], split) for split in ("train", "validation")}
    backend = Tokenizer(models.BPE())
    backend.train_from_iterator(["one two"], trainers.BpeTrainer(show_progress=False))
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="</s>")
    assert len(lm_blocks(tokens, tokenizer, length=5)["train"]) == 4
    with pytest.raises(ConfigError, match=r"'masking.unit': the tokenizer takes a whole text for one word; take"):
        lm_blocks(tokens, tokenizer, length=5, words=True)


def test_a_row_says_which_example_it_is_and_of_which_epoch(toy):
    blocks = Blocks(toy, length=6, prefix=[1], suffix=[2], separator=[3], first_example_id=100)
    row = blocks[4, 1]
    assert row["input_ids"].dtype == np.int64
    assert (row["input_ids"].tolist(), row["example_id"], row["epoch"]) == ([1, 20, 21, 3, 30, 2], 101, 4)
    assert (blocks[2]["example_id"], blocks[2]["epoch"]) == (102, 0)
    assert [(r["example_id"], r["epoch"]) for r in blocks.__getitems__([(1, 2), 0, (5, 1)])] == [
        (102, 1),
        (100, 0),
        (101, 5),
    ]


def test_evaluation_rows_are_of_epoch_minus_one(toy):
    blocks = Blocks(toy, length=6, prefix=[], suffix=[], separator=[], evaluation=True)
    assert [blocks[index]["epoch"] for index in (0, (0, 0), (7, 0))] == [-1, -1, -1]


@pytest.mark.parametrize("index", [3, -1, (0, 3)])
def test_there_is_no_row_beyond_the_last(toy, index):
    with pytest.raises(IndexError):
        Blocks(toy, length=6, prefix=[1], suffix=[2], separator=[3])[index]


def test_too_few_tokens_are_refused(toy):
    with pytest.raises(DataError) as caught:
        Blocks(toy, length=16, prefix=[1], suffix=[2], separator=[3])
    assert str(caught.value) == (
        "train: 10 tokens make no block of length 16, which takes 14 beside its special tokens; "
        "give more text, or ask for shorter blocks (sequence_length)"
    )


def test_a_length_without_room_for_text_is_refused(toy):
    with pytest.raises(ValueError, match="a length of 2 leaves no room for text beside 2 special tokens"):
        Blocks(toy, length=2, prefix=[1], suffix=[2], separator=[3])


def test_workers_get_paths_and_not_the_tokens(tmp_path):
    blocks = Blocks(tokens_of(tmp_path, [[5] * 9, [6] * 11] * 500), length=8, prefix=[1], suffix=[2], separator=[3])
    expected = rows(blocks)
    pickled = pickle.dumps(blocks)
    assert len(pickled) < 600
    assert rows(pickle.loads(pickled)) == expected


def test_a_loader_asks_for_whole_batches(toy, monkeypatch):
    blocks = Blocks(toy, length=6, prefix=[1], suffix=[2], separator=[3])
    monkeypatch.setattr(Blocks, "__getitem__", None)
    loader = DataLoader(blocks, batch_sampler=[[(3, 2), (3, 0)], [(3, 1)]], collate_fn=list)
    seen = [(row["input_ids"].tolist(), row["example_id"], row["epoch"]) for batch in loader for row in batch]
    assert seen == [
        ([1, 31, 32, 33, 34, 2], 2, 3),
        ([1, 10, 11, 12, 3, 2], 0, 3),
        ([1, 20, 21, 3, 30, 2], 1, 3),
    ]


def test_the_splits_share_no_example_id_and_only_validation_is_fixed(tmp_path, tokenizer):
    documents = [[10, 11, 12], [20, 21], [30, 31, 32, 33, 34]]
    tokens = {split: tokens_of(tmp_path, documents, split) for split in ("train", "validation")}
    blocks = lm_blocks(tokens, tokenizer, length=6)
    assert rows(blocks["train"]) == rows(blocks["validation"])
    assert rows(blocks["train"])[1] == [2, 20, 21, 3, 30, 3]  # [CLS] … [SEP] … [SEP]
    assert [row["example_id"] for row in blocks["train"]] == [0, 1, 2]
    assert [row["example_id"] for row in blocks["validation"]] == [3, 4, 5]
    assert [row["epoch"] for split in blocks.values() for row in split] == [0, 0, 0, -1, -1, -1]


def test_bare_blocks_are_text_alone(tmp_path, tokenizer):
    tokens = {split: tokens_of(tmp_path, [[10, 11, 12], [20, 21]], split) for split in ("train", "validation")}
    assert rows(lm_blocks(tokens, tokenizer, length=4, bare=True)["train"]) == [[10, 11, 12, 20]]


class Special:
    """As much of a tokenizer as its special ids."""

    def __init__(self, cls=None, sep=None, eos=None):
        self.cls_token_id, self.sep_token_id, self.eos_token_id = cls, sep, eos


@pytest.mark.parametrize(
    ("tokenizer", "expected"),
    [
        (Special(cls=101, sep=102), ([101], [102], [102])),  # BERT
        (Special(cls=0, sep=2, eos=2), ([0], [2], [2])),  # RoBERTa
        (Special(eos=50256), ([], [], [50256])),  # GPT-2
        (Special(eos=0), ([], [], [0])),
    ],
)
def test_special_tokens_follow_the_tokenizers_family(tokenizer, expected):
    assert special_ids(tokenizer) == expected


def test_a_tokenizer_without_any_end_is_refused():
    with pytest.raises(ValueError, match="neither a separator nor an end-of-text token"):
        special_ids(Special())
