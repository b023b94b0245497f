import numpy as np
import pytest
from conftest import make_tokenizer
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from genai_hf import data, encoding
from genai_hf.data.labelled import Labelled
from genai_hf.data.splits import Split
from genai_hf.encoding import encoded
from genai_hf.encoding.encoded import Frame
from genai_hf.errors import ConfigError


def words(count, first=0):
    return " ".join(f"w{number}" for number in range(first, first + count))


def gpt2_like(template=None, **roles):
    """w0 … w58 are 1 … 59, and the end-of-text token, which has no place in any template, is 0."""
    vocabulary = {word: number for number, word in enumerate(["<|end|>", *words(59).split(), "<s>"])}
    backend = Tokenizer(models.WordLevel(vocabulary, unk_token="<|end|>"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    if template:
        backend.post_processor = processors.TemplateProcessing(
            single=template, pair=f"{template} $B:1", special_tokens=[("<|end|>", 0), ("<s>", 60)]
        )
    return PreTrainedTokenizerFast(tokenizer_object=backend, **{"eos_token": "<|end|>", **roles})


def task(**changed):
    settings = {"name": "t", "text": "a", "text_pair": "b", "label": "label", "problem": "classification",
                "metrics": ["accuracy"], "metric": "accuracy", "labels": ["x", "y"]}  # fmt: skip
    return data.Task(**settings | {"validation": ["validation"], "test": {"T": "test"}} | changed)


PAIRED = Labelled(
    task(validation=["one", "two"]),
    {
        "train": Split(["w0 w1", "w2"], ["w3", "w4 w5"], [1, 0]),
        "one": Split(["w0"], ["w1"], [0]),
        "two": Split(["w2", "w3"], ["w4", "w5"], [1, 1], left_out=3),
        "test": Split(["w6"], ["w7"], None),
    },
)


def test_a_pair_is_framed_as_the_tokenizer_frames_it():
    assert Frame(make_tokenizer(), 16)(["w0 w1"], ["w2"]) == [([2, 5, 6, 3, 7, 3], 4, False)]


def test_a_single_text_has_no_second_segment():
    assert Frame(make_tokenizer(), 16)(["w0 w1", "w2"], None) == [([2, 5, 6, 3], 4, False), ([2, 7, 3], 3, False)]


@pytest.mark.parametrize(
    ("one", "two", "expected"),
    [
        (5, 2, [2, 5, 6, 7, 8, 9, 3, 25, 26, 3]),  # fits
        (9, 2, [2, 5, 6, 7, 8, 9, 3, 25, 26, 3]),  # the longer text loses its end
        (2, 9, [2, 5, 6, 3, 25, 26, 27, 28, 29, 3]),
        (9, 10, [2, 5, 6, 7, 3, 25, 26, 27, 28, 3]),  # both do, and the one that was longer keeps one more
        (10, 9, [2, 5, 6, 7, 8, 3, 25, 26, 27, 3]),
    ],
)
def test_what_is_too_long_loses_tokens_of_the_longer_text(one, two, expected):
    ((ids, second, cut),) = Frame(make_tokenizer(), 10)([words(one)], [words(two, 20)])
    assert (ids, second, cut) == (expected, expected.index(3) + 1, one + two > 7)


def test_a_single_text_is_cut_at_its_end():
    assert Frame(make_tokenizer(), 8)([words(6), words(7)], None) == [
        ([2, 5, 6, 7, 8, 9, 10, 3], 8, False),
        ([2, 5, 6, 7, 8, 9, 10, 3], 8, True),
    ]


@pytest.mark.parametrize("one", range(0, 9))
@pytest.mark.parametrize("two", range(0, 9))
def test_a_pair_without_a_template_is_cut_as_one_with_it(one, two):
    ((framed, second, cut),) = Frame(make_tokenizer(), 10)([words(one)], [words(two, 20)])
    ((joined, second_joined, cut_joined),) = Frame(gpt2_like(), 8)([words(one)], [words(two, 20)])
    assert [token - 4 for token in framed if token > 4] == [token for token in joined if token]
    assert (second - 1, cut) == (second_joined, cut_joined)


def test_a_tokenizer_without_a_template_has_its_end_of_text_token_between():
    frame = Frame(gpt2_like(), 8)
    assert frame(["w0 w1", "", "w0"], ["w2", "w3", ""]) == [
        ([1, 2, 0, 3], 3, False),
        ([0, 4], 1, False),
        ([1, 0], 2, False),
    ]
    assert frame([words(9)], [words(9, 20)]) == [([1, 2, 3, 0, 21, 22, 23, 24], 4, True)]
    assert frame([words(9)], None) == [([1, 2, 3, 4, 5, 6, 7, 8], 8, True)]


@pytest.mark.parametrize(
    ("template", "roles", "expected"),
    [
        ("<s> $A", {"bos_token": "<s>"}, ([60, 1, 2, 0, 3], 4)),
        ("<|end|> $A", {"bos_token": "<|end|>"}, ([0, 1, 2, 0, 3], 4)),  # as OPT's, which begins and ends alike
    ],
)
def test_what_stands_before_a_text_stands_before_a_joined_pair(template, roles, expected):
    tokenizer = gpt2_like(template, **roles)
    assert Frame(tokenizer, 8)(["w0 w1"], ["w2"]) == [(*expected, False)]
    ((ids, second, cut),) = Frame(tokenizer, 8)([words(9)], [words(9, 20)])
    assert (len(ids), second, cut) == (8, 5, True)


def test_what_stands_behind_a_text_stands_behind_a_joined_pair():
    tokenizer = gpt2_like()
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="$A <|end|>", pair="$A $B:1 <|end|>:1", special_tokens=[("<|end|>", 0)]
    )
    assert Frame(tokenizer, 8)(["w0 w1"], ["w2"]) == [([1, 2, 0, 3, 0], 3, False)]


def test_a_tokenizer_with_nothing_to_set_between_is_refused():
    tokenizer = gpt2_like()
    tokenizer.eos_token = None
    assert Frame(tokenizer, 8)(["w0"], None) == [([1], 1, False)]
    with pytest.raises(ConfigError) as caught:
        Frame(tokenizer, 8)(["w0"], ["w1"])
    assert str(caught.value) == "'tokenizer': it has no token to set between the texts of a pair; take another"


def test_an_empty_text_is_its_special_tokens_or_an_end_of_text():
    assert Frame(make_tokenizer(), 8)([""], None) == [([2, 3], 2, False)]
    assert Frame(make_tokenizer(), 8)(["w0"], [""]) == [([2, 5, 3, 3], 3, False)]
    assert Frame(make_tokenizer(), 8)([""], ["w0"]) == [([2, 3, 5, 3], 2, False)]
    assert Frame(gpt2_like(), 8)([""], None) == [([0], 1, False)]


def test_more_texts_than_a_batch_come_in_their_order(monkeypatch):
    monkeypatch.setattr(encoded, "BATCH", 2)
    texts = [f"w{number}" for number in range(5)]
    assert [ids[1] for ids, _, _ in Frame(make_tokenizer(), 8)(texts, texts)] == [5, 6, 7, 8, 9]
    assert Frame(make_tokenizer(), 8)([], None) == []


def test_the_tokenizer_is_left_without_truncation():
    tokenizer = make_tokenizer()
    Frame(tokenizer, 8)([words(20)], None)
    assert tokenizer.backend_tokenizer.truncation is None
    assert len(tokenizer(words(20))["input_ids"]) == 22


@pytest.mark.parametrize("length", [6, 0, -1])
def test_a_length_without_room_for_text_is_refused(length):
    with pytest.raises(ValueError) as caught:
        Frame(make_tokenizer(), length)
    assert str(caught.value) == f"{length} leaves no room for text beside special tokens; raise it"


def test_a_row_has_its_ids_segment_label_and_number():
    rows = encoding.encode(examples=PAIRED, tokenizer=make_tokenizer(), length=16, predict=True)
    row = rows["train"][7, 1]
    assert row.pop("input_ids").tolist() == [2, 7, 3, 9, 10, 3]
    assert row == {"second": 3, "example_id": 1, "epoch": 7, "label": 0.0}
    assert rows["train"][0]["input_ids"].dtype == np.int64
    assert rows["train"].lengths.tolist() == [6, 6]
    assert rows["train"].labels.tolist() == [1.0, 0.0]


def test_validation_sets_follow_each_other_and_evaluation_rows_have_no_epoch():
    rows = encoding.encode(examples=PAIRED, tokenizer=make_tokenizer(), length=16, predict=True)
    assert rows.keys() == {"train", "validation", "T"}
    assert [row["input_ids"][1] for row in rows["validation"]] == [5, 7, 8]
    assert rows["validation"].labels.tolist() == [0.0, 1.0, 1.0]
    assert {rows[name][3, 0]["epoch"] for name in ("validation", "T")} == {-1}
    assert rows["T"].labels is None
    assert "label" not in rows["T"][0]


def test_no_two_examples_share_a_number():
    rows = encoding.encode(examples=PAIRED, tokenizer=make_tokenizer(), length=16, predict=True)
    assert [row["example_id"] for name in ("train", "validation", "T") for row in rows[name]] == [0, 1, 2, 3, 4, 5]


def test_rows_that_were_cut_are_marked():
    split = Split([words(3), words(30)], None, [0, 1])
    examples = Labelled(task(text_pair=None), {"train": split, "validation": split})
    assert encoding.encode(examples=examples, tokenizer=make_tokenizer(), length=8)["train"].cut.tolist() == [
        False,
        True,
    ]


def test_the_fingerprint_of_rows_is_that_of_their_examples():
    prints = {
        encoding.encode(
            examples=Labelled(task(text_pair=None), {"train": split, "validation": split}),
            tokenizer=make_tokenizer(),
            length=8,
        )["train"].fingerprint
        for split in (Split(["w0", "w1"], None, labels) for labels in ([0, 1], [1, 0], None))
    }
    assert len(prints) == 3


def test_test_sets_without_labels_are_left_alone_where_nobody_asks():
    rows = encoding.encode(examples=PAIRED, tokenizer=make_tokenizer(), length=16)
    assert list(rows) == ["train", "validation"]


def test_a_choice_between_texts_is_no_label_of_one():
    changed = {"problem": "choice", "choices": "c", "text_pair": None, "labels": None}
    examples = Labelled(task(**changed), {"train": Split(["w0"], None, [0], choices=[["w1", "w2"]])})
    with pytest.raises(ConfigError, match="'task': t chooses between texts; take the recipe gpt_extract"):
        encoding.encode(examples=examples, tokenizer=make_tokenizer(), length=16)
