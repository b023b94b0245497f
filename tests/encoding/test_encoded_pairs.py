"""Texts with their answers as rows of token ids."""

from typing import Any

import numpy as np
import pytest
from conftest import make_tokenizer
from tokenizers.processors import TemplateProcessing

from genai_hf.collators.text_to_text import TextToTextCollator
from genai_hf.data.pairs import Pairs
from genai_hf.data.text_pairs import TextPairs
from genai_hf.encoding.encoded_pairs import encode_pairs
from genai_hf.errors import ConfigError
from genai_hf.training.batches import TrainingBatches


def t5_like() -> Any:
    """The tests' tokenizer, with [SEP] (id 3) ending a text; w0 has id 5."""
    tokenizer = make_tokenizer()
    tokenizer.eos_token = "[SEP]"
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single="$A [SEP]", pair="$A [SEP] $B [SEP]", special_tokens=[("[SEP]", 3)]
    )
    return tokenizer


def encoded(train: Pairs, validation: Pairs | None = None, length: int = 8, target_length: int = 6) -> Any:
    splits = {"train": train, "validation": validation or train}
    examples = TextPairs("own", "", splits)
    return encode_pairs(examples=examples, tokenizer=t5_like(), sequence_length=length, target_length=target_length)


def test_a_row_is_exactly_this():
    rows = encoded(Pairs(["w0 w1 w2", "w3"], [["w4"], ["w5 w6", "w7"]]))
    first, second = rows["train"][4, 0], rows["train"][4, 1]
    assert first["input_ids"].tolist() == [5, 6, 7, 3]
    assert [ids.tolist() for ids in second["targets"]] == [[10, 11, 3], [12, 3]]
    assert (first["cut"], first["example_id"], first["epoch"]) == ((False, False), 0, 4)
    assert rows["train"][1]["epoch"] == 0
    evaluated = rows["validation"][4, 1]
    assert (evaluated["example_id"], evaluated["epoch"]) == (3, -1)


def test_both_sides_are_cut_from_the_end_and_keep_their_end_token():
    long = " ".join(f"w{n}" for n in range(12))
    rows = encoded(Pairs([long, "w0"], [["w1"], [long, "w2"]]))["train"]
    assert rows[0]["input_ids"].tolist() == [5, 6, 7, 8, 9, 10, 11, 3]
    assert rows[1]["targets"][0].tolist() == [5, 6, 7, 8, 9, 3]
    assert rows.cut.tolist() == [[True, False], [False, True]]
    assert rows.lengths.tolist() == [[8, 2], [2, 6]]
    assert rows.shares() == {
        "input tokens, of room": 5 / 8,
        "answer tokens, of room": 4 / 6,
        "inputs cut": 0.5,
        "answers cut": 0.5,
    }


def test_frequencies_are_those_of_first_targets():
    rows = encoded(Pairs(["w0", "w0"], [["w1 w1"], ["w2", "w9"]]))["train"]
    found = rows.frequencies(64)
    assert (len(found), found[3], found[6], found[7], found.sum()) == (64, 2, 2, 1, 5)


def test_the_fingerprint_is_that_of_texts_and_answers():
    one, other = Pairs(["w0"], [["w1"]]), Pairs(["w0"], [["w2"]])
    assert encoded(one)["train"].fingerprint == encoded(one)["validation"].fingerprint
    assert encoded(one)["train"].fingerprint != encoded(other)["train"].fingerprint


def test_a_length_without_room_and_a_tokenizer_that_ends_nothing_are_refused():
    pairs = Pairs(["w0"], [["w1"]])
    with pytest.raises(ValueError, match="sequence_length must be at least 6, got 5"):
        encoded(pairs, length=5)
    with pytest.raises(ValueError, match="target_length must be at least 6, got 2"):
        encoded(pairs, target_length=2)
    examples = TextPairs("own", "", {"train": pairs})
    with pytest.raises(ConfigError, match="ends no text"):
        encode_pairs(examples=examples, tokenizer=make_tokenizer(), sequence_length=8, target_length=8)


@pytest.mark.parametrize("target", ["first", "any"])
@pytest.mark.parametrize("multiple", [1, 8])
def test_by_tokens_inputs_and_answers_are_both_counted_as_they_are_padded(target, multiple):
    random = np.random.default_rng(0)
    texts, *answers = (["w1 " * int(count) for count in random.integers(1, 40, 300)] for _ in range(3))
    examples = TextPairs("own", "", {"train": Pairs(texts, list(map(list, zip(*answers, strict=True))))})
    lengths = {"sequence_length": 48, "target_length": 48, "target": target}
    rows = encode_pairs(examples=examples, tokenizer=t5_like(), **lengths)["train"]
    padding = {"pad_token_id": 0, "pad_to_multiple_of": multiple}
    collator = TextToTextCollator(decoder_start_token_id=0, target=target, **padding)
    batches = TrainingBatches(300, 0, 1, 1, 1, 0, rows.lengths, tokens=512, multiple=multiple)
    for batches.epoch in (0, 1):
        made = [collator([rows[row] for row in part]) for part in batches]
        sizes = [batch["input_ids"].numel() + batch["labels"].numel() for batch in made]
        assert sum(len(batch["labels"]) for batch in made) == 300
        assert max(sizes) <= 512
        assert np.mean(sizes) > 0.8 * 512
    if target == "first":  # one more would have been too many
        largest = [batch["input_ids"].shape[1] + batch["labels"].shape[1] for batch in made]
        assert max(size + width for size, width in zip(sizes, largest, strict=True)) > 512
