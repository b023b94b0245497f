"""The four transformations, token by token: nothing special is lost, and no text becomes special."""

import numpy as np
import pytest
from conftest import make_tokenizer

from genai_hf import data, encoding
from genai_hf.collators.extract import ExtractCollator
from genai_hf.data.labelled import Labelled
from genai_hf.data.splits import Split
from genai_hf.encoding import layout as layouts
from genai_hf.encoding.layout import Example, Layout, transformation_of
from genai_hf.tokenization import append_marks
from genai_hf.training.batches import TrainingBatches

START, DELIM, EXTRACT = 64, 65, 66  # w0 … w58 are 5 … 63
KINDS = ("classification", "entailment", "similarity", "multiple_choice")


def words(count, first=0):
    return " ".join(f"w{number}" for number in range(first, first + count))


def layout(transformation, length=16):
    tokenizer = make_tokenizer()
    marks = append_marks(tokenizer, start="[START]", delimiter="[DELIM]", extract="[EXTRACT]")
    return Layout(tokenizer=tokenizer, marks=marks, transformation=transformation, length=length)


def task(**changed):
    settings = {"name": "t", "text": "a", "label": "label", "problem": "classification", "metrics": ["accuracy"],
                "metric": "accuracy", "labels": ["x", "y"], "validation": ["validation"]}  # fmt: skip
    return data.Task(**settings | {"test": {"T": "test"}} | changed)


def test_classification_is_a_text_between_start_and_extract():
    found = layout("classification")(Split(["w0 w1", "w2"], None, None))
    assert found == [Example([[START, 5, 6, EXTRACT]], [4], False), Example([[START, 7, EXTRACT]], [3], False)]


def test_entailment_is_two_texts_with_a_delimiter():
    (found,) = layout("entailment")(Split(["w0 w1"], ["w2"], None))
    assert found == Example([[START, 5, 6, DELIM, 7, EXTRACT]], [4], False)


def test_similarity_is_both_orders():
    (found,) = layout("similarity")(Split(["w0 w1"], ["w2"], None))
    assert found == Example([[START, 5, 6, DELIM, 7, EXTRACT], [START, 7, DELIM, 5, 6, EXTRACT]], [4, 3], False)


def test_multiple_choice_is_a_sequence_a_choice_however_many_there_are():
    found = layout("multiple_choice")(Split(["w0", "w1"], None, None, choices=[["w2", "w3 w4"], ["w5", "w6", "w7"]]))
    assert found == [
        Example([[START, 5, DELIM, 7, EXTRACT], [START, 5, DELIM, 8, 9, EXTRACT]], [3, 3], False),
        Example([[START, 6, DELIM, token, EXTRACT] for token in (10, 11, 12)], [3, 3, 3], False),
    ]


def test_a_text_that_spells_a_special_token_is_text():
    # [UNK] and [SEP] are words of this vocabulary, [EXTRACT] is none of it and unknown.
    (found,) = layout("entailment")(Split(["w0 [EXTRACT] w1"], ["[DELIM] [SEP] [START]"], None))
    assert found.sequences == [[START, 5, 1, 6, DELIM, 1, 3, 1, EXTRACT]]


@pytest.mark.parametrize("transformation", KINDS)
@pytest.mark.parametrize(
    ("one", "two"), [(0, 0), (3, 0), (0, 40), (40, 3), (3, 40), (40, 41), (41, 40), (7, 6), (6, 6)]
)
@pytest.mark.parametrize("length", [8, 16])
def test_truncation_takes_from_the_end_of_the_longer_text_and_never_a_special_token(transformation, one, two, length):
    split = Split([words(one)], [words(two, 10)], None, choices=[[words(two, 10), words(2, 20)]])
    (found,) = layout(transformation, length)(split)
    texts = list(range(5, 5 + one)), list(range(15, 15 + two))
    assert len(found.sequences) == {"similarity": 2, "multiple_choice": 2}.get(transformation, 1)
    if transformation == "classification":
        (ids,) = found.sequences
        assert ids == [START, *texts[0][: length - 2], EXTRACT]
        assert found.cut == (one > length - 2)
        return
    for order, (ids, second) in enumerate(zip(found.sequences, found.seconds, strict=True)):
        assert (ids[0], ids[second - 1], ids[-1], len(ids) <= length) == (START, DELIM, EXTRACT, True)
        parts = [ids[1 : second - 1], ids[second:-1]]
        if transformation == "similarity" and order:
            parts.reverse()
        given = (texts[0], list(range(25, 27))) if transformation == "multiple_choice" and order else texts
        assert all(part == text[: len(part)] for part, text in zip(parts, given, strict=True))
        lost = [len(text) - len(part) for part, text in zip(parts, given, strict=True)]
        room = length - 3
        assert sum(lost) == max(sum(map(len, given)) - room, 0)  # no more is lost than has to be
        shorter = min(map(len, given))
        assert min(map(len, parts)) >= min(shorter, room // 2)  # and of the shorter text only beyond a half


def test_a_length_without_room_is_refused():
    with pytest.raises(ValueError, match="7 leaves no room for text beside special tokens; take 8 or more"):
        layout("entailment", 7)


def test_more_texts_than_are_tokenised_at_a_time_come_in_their_order(monkeypatch):
    monkeypatch.setattr(layouts, "BATCH", 2)
    found = layout("multiple_choice")(Split(["w0"] * 3, None, None, choices=[["w1", "w2"], ["w3", "w4"], ["w5", "w6"]]))
    assert [ids[3] for example in found for ids in example.sequences] == [6, 7, 8, 9, 10, 11]
    assert layout("classification")(Split([], None, None)) == []


def test_a_task_takes_what_its_texts_ask_for():
    pair = {"text_pair": "b"}
    choice = {"problem": "choice", "choices": "c", "labels": None}
    assert transformation_of(task()) == "classification"
    assert transformation_of(task(**pair)) == "entailment"
    assert transformation_of(task(**pair, symmetric=True)) == "similarity"
    assert transformation_of(task(**choice)) == "multiple_choice"
    assert transformation_of(task(**pair, symmetric=True), "entailment") == "entailment"
    assert transformation_of(task(**pair), "similarity") == "similarity"
    for settings, asked in (
        (pair, "classification"),
        ({}, "entailment"),
        (choice, "classification"),
        (pair, "multiple_choice"),
    ):
        with pytest.raises(ValueError, match=f"{asked} does not suit task=t; take "):
            transformation_of(task(**settings), asked)


def test_rows_hold_their_sequences_one_after_another():
    split = Split(["w0 w1", "w2"], ["w3", "w4 w5"], [1, 0])
    examples = Labelled(task(text_pair="b"), {"train": split, "validation": split, "test": Split(["w6"], ["w7"], None)})
    rows = encoding.lay_out(examples=examples, layout=layout("similarity", 8), predict=True)
    row = rows["train"][7, 1]
    arrays = {name: row.pop(name).tolist() for name in ("input_ids", "lengths", "seconds")}
    assert arrays == {
        "input_ids": [START, 7, DELIM, 9, 10, EXTRACT, START, 9, 10, DELIM, 7, EXTRACT],
        "lengths": [6, 6],
        "seconds": [3, 4],
    }
    assert row == {"example_id": 1, "epoch": 7, "label": 0.0}
    assert [rows[name][3, 0]["example_id"] for name in rows] == [0, 2, 4]
    assert [rows[name][3, 0]["epoch"] for name in rows] == [3, -1, -1]
    assert "label" not in rows["T"][0]
    assert rows["train"][0]["input_ids"].dtype == np.int64
    assert (rows["train"].lengths.tolist(), rows["train"].cut.tolist(), len(rows["train"])) == (
        [[6, 6], [6, 6]],
        [False, False],
        2,
    )
    assert list(encoding.lay_out(examples=examples, layout=layout("similarity"))) == ["train", "validation"]


@pytest.mark.parametrize("multiple", [1, 8])
def test_by_tokens_every_sequence_is_counted_as_it_is_padded(multiple):
    random = np.random.default_rng(0)
    texts, others = (["w1 " * int(count) for count in random.integers(1, 30, 300)] for _ in range(2))
    split = Split(texts, others, [0, 1] * 150)
    examples = Labelled(task(text_pair="b"), {"train": split, "validation": split})
    rows = encoding.lay_out(examples=examples, layout=layout("similarity", 70))["train"]
    collator = ExtractCollator(transformation="similarity", pad_token_id=0, pad_to_multiple_of=multiple)
    batches = TrainingBatches(300, 0, 1, 1, 1, 0, rows.lengths, tokens=512, multiple=multiple)
    made = [collator([rows[row] for row in part])["input_ids"] for part in batches]
    assert sum(len(ids) for ids in made) == 2 * 300
    assert max(ids.numel() for ids in made) <= 512
    assert max(ids.numel() + 2 * ids.shape[1] for ids in made) > 512  # one more would have been too many
