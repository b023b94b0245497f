"""A choice between texts, read from files: a list or a column for each, the right one by its text or its place."""

import json

import pytest
from omegaconf import OmegaConf
from test_labelled import task

import genai_hf
from genai_hf import data
from genai_hf.data import cache, choices, docs_task
from genai_hf.data.splits import Split, read_texts
from genai_hf.errors import ConfigError, DataError

STORIES = [
    {"context": "It rained.", "choices": ["We got wet.", "We got a tan."], "label": 0},
    {"context": "It was late.", "choices": ["a", "b", "c"], "label": "c"},
    {"context": "So what?", "choices": ["1", "0"], "label": "1"},  # a text goes before a place
    {"context": "So?", "choices": ["1", "0"], "label": 1},
]


def put(file, rows):
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(file)


def local(**changed):
    return task("local_choice", **changed)


def refused(path, **changed):
    with pytest.raises(DataError) as caught:
        data.labelled(task=local(**changed), path=path)
    return str(caught.value).removeprefix(f"{path}:")


def test_a_list_of_texts_and_the_right_one_by_its_place_or_its_text(tmp_path):
    put(tmp_path / "train.jsonl", STORIES)
    put(tmp_path / "validation.jsonl", STORIES[:1])
    found = data.labelled(task=local(), path=str(tmp_path))
    assert found.splits["train"] == Split(
        [row["context"] for row in STORIES], None, [0, 2, 0, 1], choices=[row["choices"] for row in STORIES]
    )
    assert found.task.names == ["0", "1", "2"]  # as many as any row has
    assert found.shares() == {"0": 0.5, "1": 0.25, "2": 0.25}
    assert "We got a tan." in list(found.corpus().read())


def test_a_column_for_each_of_which_the_last_may_be_empty(tmp_path):
    file = tmp_path / "train.csv"
    file.write_text("q,A,B,C,right\nfirst,x,y,,0\nsecond,x,y,z,z\nthird,u,v,w,1\nfourth,k,l,,k\n")
    named = local(text="q", choices=["A", "B", "C"], label="right")
    found = data.labelled(task=named, path=str(file), validation_share=0.25)
    everything = found.splits["train"] + found.splits["validation"]
    offers = dict(zip(everything.texts, zip(everything.choices, everything.labels, strict=True), strict=True))
    assert offers == {
        "first": (["x", "y"], 0),
        "second": (["x", "y", "z"], 2),
        "third": (["u", "v", "w"], 1),
        "fourth": (["k", "l"], 0),
    }
    assert len(found.splits["validation"]) == 1


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"choices": "a, b"}, "1: 'choices' is 'a, b'; write a list of texts, or name a column for each"),
        ({"choices": ["a"]}, "1: 'choices' offers 1 to choose from; give two or more, or leave the row out"),
        ({"choices": ["a", ""]}, "1: 'choices' holds a choice that is empty; leave the row out"),
        ({"choices": ["a", 7]}, "1: 'choices' holds a choice that is 7; write it as a string"),
        ({"choices": ["a", " a"]}, "1: 'choices' offers the same twice; leave the row out"),
        ({"label": 2}, "1: 'label' is 2, none of the 2 choices; write one of them, or its place from 0 to 1"),
        ({"label": "We"}, "1: 'label' is 'We', none of the 2 choices"),
        ({"label": -1}, "1: 'label' is -1, none of the 2 choices"),
        ({"label": True}, "1: 'label' is True, none of the 2 choices"),
        ({"context": ""}, "1: 'context' is empty; leave the row out"),
    ],
)
def test_a_row_that_is_wrong_is_named(tmp_path, changed, said):
    path = put(tmp_path / "train.jsonl", [STORIES[0] | changed, *STORIES])
    assert refused(path).startswith(said)


def test_faulty_rows_can_be_left_out(tmp_path):
    path = put(tmp_path / "train.jsonl", [STORIES[0] | {"label": 9}, *STORIES])
    found = data.labelled(task=local(faulty_rows="skip"), path=path, validation_share=0.25)
    assert sum(map(len, found.splits.values())) == 4
    assert found.splits["train"].left_out == 1


def test_a_column_that_is_not_there_is_named(tmp_path):
    path = put(tmp_path / "train.jsonl", STORIES)
    assert "no column 'endings' among context, choices, label" in refused(path, choices="endings")
    with pytest.raises(ConfigError, match="has no column 'x'; rename to context, label, choices"):
        data.labelled(task=local(), path=path, rename={"choices": "x"})


def test_splits_of_choices_are_joined_taken_and_told_apart():
    one, two = Split(["a"], None, [0], choices=[["x", "y"]]), Split(["b"], None, [1], choices=[["u", "v", "w"]])
    assert (one + two).choices == [["x", "y"], ["u", "v", "w"]]
    assert (one + two).take([1]) == two
    assert one.digest(0) != Split(["a"], None, [0], choices=[["x", "z"]]).digest(0)
    assert one.keys() == [("a", "x\ny")]


def test_rows_to_be_answered_need_no_label(tmp_path):
    path = tmp_path / "ask.jsonl"
    put(path, [{"context": "c", "choices": ["x", "y", "z"]}])
    assert read_texts(path, local()) == Split(["c"], None, None, choices=[["x", "y", "z"]])
    (tmp_path / "ask.txt").write_text("c\n")
    with pytest.raises(DataError, match="and local_choice has choices; give a table with their columns"):
        read_texts(tmp_path / "ask.txt", local())


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"choices": None}, "choices are given where problem=choice, and nowhere else"),
        ({"text_pair": "b"}, "of a choice the second texts are its choices; leave text_pair out"),
        ({"choices": []}, "choices must be two or more columns, or one name without brackets, got []"),
        ({"choices": ["a"]}, "choices must be two or more columns, or one name without brackets, got [a]"),
        ({"choices": ["a", "a"]}, "choices must be two or more columns, or one name without brackets, got [a, a]"),
        ({"symmetric": True}, "symmetric=true is for pairs; name the second text by text_pair"),
        ({"metrics": ["f1"], "metric": "f1"}, "metric f1 is not for choice: accuracy"),
    ],
)
def test_settings_that_do_not_suit_each_other_are_refused(changed, said):
    with pytest.raises(ValueError) as caught:
        local(**changed)
    assert str(caught.value) == said
    with pytest.raises(ValueError, match="choices are given where problem=choice"):
        task("local", choices=["a", "b"])


def test_pairs_that_may_change_places_say_so():
    tasks = {"mrpc", "qqp", "stsb", "rte", "mnli", "qnli", "wnli"}
    assert {name for name in tasks if task(name).symmetric} == {"mrpc", "qqp", "stsb"}


def test_the_task_of_packages_offers_four_of_them_with_the_right_one_anywhere(tmp_path, monkeypatch):
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path))
    packages = ["asyncio", "email", "http", "importlib", "xml"]
    made = data.labelled(task=task("python_docs_choice", choices=packages))
    plain = docs_task.splits(packages, 0.1)
    for name, split in made.splits.items():
        assert split.texts == plain[name][0]
        owners = [offer[int(place)] for offer, place in zip(split.choices, split.labels, strict=True)]
        assert owners == [packages[int(owner)] for owner in plain[name][1]]
        assert all(len(set(offer)) == 4 for offer in split.choices)
    train = made.splits["train"]
    count = len(train)
    for place in range(4):  # within 3.9 deviations, one chance in ten thousand
        assert abs(train.labels.count(place) - count / 4) < 3.9 * (count * 3 / 16) ** 0.5
    assert made.splits["train"] == data.labelled(task=task("python_docs_choice", choices=packages)).splits["train"]


@pytest.mark.parametrize(
    ("packages", "said"),
    [
        (["asyncio", "xml"], "must be a list of 4 or more different packages, got [asyncio, xml]"),
        (["asyncio", "xml", "xml", "json"],
         "must be a list of 4 or more different packages, got [asyncio, xml, xml, json]"),
        ([], "must be a list of 4 or more different packages, got []"),
        ("asyncio", "must be a list of 4 or more different packages, got asyncio"),
    ],
)  # fmt: skip
def test_four_different_packages_are_needed(packages, said):
    with pytest.raises(ConfigError) as caught:
        data.labelled(task=task("python_docs_choice", choices=packages))
    assert str(caught.value) == f"'task.choices' {said}"


def test_a_package_that_is_not_there_is_named_with_its_key(tmp_path, monkeypatch):
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path))
    with pytest.raises(DataError, match=r"task\.choices: Python's library has no documented package 'nowhere'"):
        data.labelled(task=task("python_docs_choice", choices=["email", "json", "xml", "nowhere"]))


def test_the_shipped_settings_make_these_tasks():
    for name in ("local_choice", "python_docs_choice"):
        cfg = genai_hf.compose("gpt_extract", [f"task={name}"])
        node = OmegaConf.to_container(cfg.task)
        assert data.Task(**node).problem == "choice"
    assert choices.named(task("cola"), {}).names == ["unacceptable", "acceptable"]
