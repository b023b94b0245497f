import math
from decimal import Decimal
from pathlib import Path

import pytest

from genai_hf.data import labels
from genai_hf.data.task import Task
from genai_hf.errors import DataError

FILE = Path("f.csv")


def task(**changed):
    problem = changed.get("problem", "classification")
    metric = "accuracy" if problem == "classification" else "spearman"
    return Task(**{"name": "t", "text": "text", "label": "label", "problem": problem, "metrics": [metric],
                   "metric": metric, "validation": ["validation"]} | changed)  # fmt: skip


NAMED = task(labels=["bad", "good"])
SCALED = task(problem="regression", scale=[0, 5])


def read(of, given):
    return labels.value(of, labels.numbering(of), given)


@pytest.mark.parametrize("given", ["good", " good ", "1", 1, 1.0, Decimal(1)])
def test_a_label_is_its_name_or_its_number(given):
    assert read(NAMED, given) == (1, None)


def test_where_a_name_is_a_number_a_number_is_a_name():
    stars = task(labels=["1", "2", "3"])
    assert labels.numbering(stars) == {"1": 0, "2": 1, "3": 2}
    assert read(stars, 3) == (2, None)
    assert read(stars, "0") == (None, "is '0', none of 1, 2, 3; write one of them, or leave the row out")
    assert read(task(labels=["0", "other"]), "1")[0] is None


def test_minus_one_stands_for_no_label_unless_the_task_names_it():
    wrong = "is -1, which stands for no label; leave the row out, or list it in task.labels"
    assert [read(NAMED, given) for given in (-1, "-1", -1.0)] == [(None, wrong)] * 3
    assert [read(task(labels=[-1, 0, 1]), given) for given in (-1, "0", 1.0)] == [(0, None), (1, None), (2, None)]


CLASSIFICATION_FAULTS = [
    (None, "is null; leave the row out"),
    ("", "is empty; leave the row out"),
    (" \t", "is empty; leave the row out"),
    (math.nan, "is nan, which stands for no label; leave the row out, or list it in task.labels"),
    ("NaN", "is NaN, which stands for no label; leave the row out, or list it in task.labels"),
    ("Good", "is 'Good', none of bad, good; write one of them, or leave the row out"),
    ("2", "is '2', none of bad, good; write one of them, or leave the row out"),
    (2, "is 2, none of bad, good; write one of them, or leave the row out"),
    (0.5, "is 0.5, none of bad, good; write one of them, or leave the row out"),
    ("1.0", "is '1.0', none of bad, good; write one of them, or leave the row out"),
    (True, "is True, none of bad, good; write one of them, or leave the row out"),
    (math.inf, "is inf, none of bad, good; write one of them, or leave the row out"),
    (["good"], "is ['good']; write it as a string or a number"),
    ({"good": 1}, "is {'good': 1}; write it as a string or a number"),
    (b"good", "is b'good'; write it as a string or a number"),
    ("go\0od", "holds a NUL character; take it out"),
    ("\udce9", "holds half a character (a lone surrogate); write it as UTF-8"),
    ("two\nlines of a text " * 9,
     "is 'two\\nlines of a text two\\nlines of a t…, none of bad, good; write one of them, or leave the row out"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "wrong"), CLASSIFICATION_FAULTS)
def test_what_is_no_label_is_refused_in_one_line(given, wrong):
    assert read(NAMED, given) == (None, wrong)


def test_of_many_labels_twelve_are_listed():
    many = task(labels=[f"l{number}" for number in range(20)])
    listed = ", ".join(f"l{number}" for number in range(12))
    assert read(many, "x")[1] == f"is 'x', none of {listed} and 8 more; write one of them, or leave the row out"


@pytest.mark.parametrize(
    ("given", "number"), [("3.5", 3.5), (" 5 ", 5.0), (0, 0.0), ("0e0", 0.0), (Decimal("2.5"), 2.5)]
)
def test_a_regression_takes_numbers_to_the_ends_of_its_scale(given, number):
    assert read(SCALED, given) == (number, None)


def test_without_a_scale_minus_one_is_a_number():
    free = task(problem="regression")
    assert [read(free, given) for given in (-1, "-1", "-1.0")] == [(-1.0, None)] * 3


REGRESSION_FAULTS = [
    (None, "is null; leave the row out"),
    ("", "is empty; leave the row out"),
    (-1, "is -1, beyond the scale from 0 to 5; correct it, or leave the row out"),
    ("5.001", "is 5.001, beyond the scale from 0 to 5; correct it, or leave the row out"),
    (math.nan, "is nan, not a number; write one, or classify by names with task=local"),
    ("nan", "is 'nan', not a number; write one, or classify by names with task=local"),
    ("3,5", "is '3,5', not a number; write one, or classify by names with task=local"),
    (True, "is True, not a number; write one, or classify by names with task=local"),
    ([3.5], "is [3.5]; write it as a string or a number"),
    (math.inf, "is inf; write a finite number"),
    ("-1e999", "is -1e999; write a finite number"),
]


@pytest.mark.parametrize(("given", "wrong"), REGRESSION_FAULTS)
def test_what_is_no_number_of_the_scale_is_refused_in_one_line(given, wrong):
    assert read(SCALED, given) == (None, wrong)


def test_without_names_those_that_occur_are_taken_and_sorted():
    assert labels.occurring(["b", "a", " b", None, "", "-1", -1.0], task(), FILE) == ["a", "b"]
    assert labels.occurring([10, 9.0, "2", "b", "1.5"], task(), FILE) == ["1.5", "2", "9", "10", "b"]
    assert labels.occurring([True, False], task(), FILE) == ["false", "true"]
    assert labels.occurring(["inf", "3", "-inf", "x"], task(), FILE) == ["-inf", "3", "inf", "x"]


def test_what_is_no_label_makes_no_name():
    given = ["a", "b", math.nan, "nan", "NaN", ["a"], {"a": 1}, b"a", "a\0", "\ud800"]
    assert labels.occurring(given, task(), FILE) == ["a", "b"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "f.csv: 'label' has 0 different labels (none); see that task.label names them"),
        ([None, -1], "f.csv: 'label' has 0 different labels (none); see that task.label names them"),
        (["a", "a"], "f.csv: 'label' has 1 different labels ('a'); see that task.label names them"),
        ([f"a long text\n{number}" for number in range(1000, 2201)],
         "f.csv: 'label' has 1,201 different labels ('a long text\\n1000', 'a long text\\n1001', 'a long text\\n1002', "
         "…); task=local_regression predicts numbers"),
    ],
)  # fmt: skip
def test_too_few_or_too_many_labels_are_refused_in_one_line(given, message):
    with pytest.raises(DataError) as caught:
        labels.occurring(given, task(), FILE)
    assert str(caught.value) == message


@pytest.mark.parametrize("value", [None, "", " ", -1, "-1", -1.0, "-1.0", math.nan, "NaN"])
def test_test_sets_say_in_many_ways_that_a_label_is_not_given(value):
    assert labels.is_unknown(value)
    assert not any(map(labels.is_unknown, [0, "0", False, 0.0, "none", "NA", -1.5]))


def test_names_that_yaml_reads_as_something_else_are_what_a_file_would_say():
    assert task(labels=[False, True]).names == ["false", "true"]
    assert task(labels=[1, 2.5, " x "]).names == ["1", "2.5", "x"]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"metric": "pearson"}, "metric pearson is not for classification: accuracy, f1, f1_macro, matthews"),
        ({"metrics": ["f1"]}, "metric=accuracy must be one of metrics=['f1']"),
        ({"labels": ["a"]}, "labels must be two or more different names, got ['a']"),
        ({"labels": ["a", " a"]}, "labels must be two or more different names, got ['a', ' a']"),
        ({"labels": [True, "true"]}, "labels must be two or more different names, got [True, 'true']"),
        ({"labels": ["a", "b", "c"], "metrics": ["f1"], "metric": "f1"},
         "f1 is for two labels; take f1_macro for these 3"),
        ({"labels": ["a", "b"], "answers": ["0"]}, "answers must be as many as labels, got ['0']"),
        ({"problem": "regression", "labels": ["a", "b"]},
         "the labels of a regression have no names; take problem=classification"),
        ({"problem": "regression", "scale": [5, 0]}, "scale must be a lowest and a highest number, got [5, 0]"),
        ({"problem": "regression", "scale": [5]}, "scale must be a lowest and a highest number, got [5]"),
        ({"problem": "regression", "metrics": ["mean_squared_error"], "metric": "mean_squared_error"},
         "metric=mean_squared_error is better where it is lower; take spearman or pearson"),
    ],
)  # fmt: skip
def test_a_task_whose_values_do_not_suit_each_other_is_refused(changed, message):
    with pytest.raises(ValueError) as caught:
        task(**changed)
    assert str(caught.value) == message


def test_the_metric_that_decides_comes_first():
    assert task(metrics=["f1_macro", "accuracy", "matthews"]).scores == ["accuracy", "f1_macro", "matthews"]
