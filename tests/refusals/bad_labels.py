"""Labelled texts that are wrong: classification, regression, GLUE's own files and choices between texts."""

import io
import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pyarrow.parquet
from asking import Case

NAME = "name another with task.text, task.text_pair, task.label, or data.rename={theirs:ours}"
TABS = "a tab too many or too few, or a line that is broken"
NONE = "none of no, yes; write one of them, or leave the row out"
UNSAID = "which stands for no label; leave the row out, or list it in task.labels"
PLACE = "none of the 2 choices; write one of them, or its place from 0 to 1"
UTF8 = "save the file as UTF-8 (iconv -f CP1252 -t UTF-8 if it is Windows' or Latin-1)"
GOOD = "text,label\none,no\ntwo,yes\n"
SCORES = "one,two,score\n" + "".join(f"a {number},b,{number}\n" for number in range(5))
OFFER = {"context": "I ate", "choices": ["soup", "a fork"], "label": 0}
REGRESSION = ["task=local_regression", "task.text=one", "task.text_pair=two", "task.label=score", "task.scale=[0,5]"]
RTE = "index\tsentence1\tsentence2\tlabel\n" + "0\ta\tb\tentailment\n1\tc\td\tnot_entailment\n" * 2
PARTS = {"train": RTE, "dev": RTE, "test": "index\tsentence1\tsentence2\n0\ta\tb\n"}


def labelled(cause: str, rows: str | bytes, said: str, *more: str, head: str = GOOD, name: str = "a.csv") -> Case:
    """Rows behind two good ones that are refused."""
    content = head.encode() + (rows.encode() if isinstance(rows, str) else rows)
    words = ["glue", "task=local", f"data.path={name}", "task.labels=[no,yes]", *more]
    return Case(cause=cause, words=words, said=said, files={name: content})


def unnamed(cause: str, content: str | bytes, said: str, name: str = "a.csv") -> Case:
    """A file whose labels are not named beforehand."""
    return Case(cause=cause, words=["glue", "task=local", f"data.path={name}"], said=said, files={name: content})


def parquet(**columns: Sequence[Any]) -> bytes:
    """A Parquet file of these columns."""
    sink = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(columns), sink)
    return sink.getvalue()


def objects(cause: str, row: Mapping[str, Any], said: str) -> Case:
    """A JSON object behind two good ones."""
    rows = [{"text": "one", "label": "no"}, {"text": "two", "label": "yes"}, row]
    return labelled(cause, "\n".join(map(json.dumps, rows)), said, head="", name="a.jsonl")


def scored(cause: str, rows: str, said: str) -> Case:
    """Rows of pairs with a number, behind five good ones."""
    return Case(cause=cause, words=["glue", *REGRESSION, "data.path=a.csv"], said=said, files={"a.csv": SCORES + rows})


def glue(cause: str, said: str, **other: str | None) -> Case:
    """GLUE's own folder of RTE, in which a file is another one or is not there."""
    files = {f"g/RTE/{name}.tsv": content for name, content in (PARTS | other).items() if content is not None}
    return Case(cause=cause, words=["glue", "task=rte", "data.path=g"], said=said, files=files)


def offering(cause: str, changed: Mapping[str, Any], said: str) -> Case:
    """A row of choices behind a good one."""
    rows = [OFFER, {key: value for key, value in {**OFFER, **changed}.items() if value is not ...}]
    words = ["gpt_extract", "task=local_choice", "data.path=a.jsonl"]
    return Case(cause=cause, words=words, said=said, files={"a.jsonl": "\n".join(map(json.dumps, rows))})


CLASSES: Sequence[Case] = [
    labelled("A labelled file is empty", "", "a.csv: holds no row; fill it, or leave it out", head=""),
    labelled("A labelled file is a header alone", "", "a.csv: holds no row; fill it, or leave it out",
         head="text,label\n"),
    labelled("The column of the label is not there", "", f"a.csv:1: no column 'label' among text, stars; {NAME}",
         head="text,stars\none,5\n"),
    labelled("A label is empty", "three,\n", "a.csv:4: 'label' is empty; leave the row out"),
    labelled("A text beside a label is empty", ",yes\n", "a.csv:4: 'text' is empty; leave the row out"),
    labelled("A label is none of those that the task has", "three,maybe\n", f"a.csv:4: 'label' is 'maybe', {NONE}"),
    labelled("All rows have one of the labels that are named", "text,label\none,no\ntwo,no\n",
             "a.csv: 'label' is no in every row that is used; give rows of another, too", head=""),
    labelled("Labels count from one where the names that are given count from nought", "one,1\ntwo,2\nthree,3\n",
             "a.csv: 'label' has 2, which is no place among no, yes; name its labels as it does: task.labels=[1,2,3]",
             "task.faulty_rows=skip", head="text,label\n"),
    labelled("A column that is renamed is not there", "",
             "'data.rename': no column 'txet' among label, text; did you mean 'text'? leave it out, or mend it",
             "data.rename={txet: text}"),
    labelled("Rows of a .jsonl file are one array", '[{"text": "one", "label": "no"}, {"text": "two", "label": "yes"}]',
             "a.jsonl: is one JSON array; let its name end in .json, or write an object a line",
             head="", name="a.jsonl"),
    labelled("The label is read as a text, too", "",
             "task: text_pair and label are both 'label'; name a column for each",
             "task.text_pair=label"),
    labelled("A classification has a scale", "",
             "task: scale is of a regression; leave it out, or take task=local_regression", "task.scale=[0,5]"),
    labelled("A label is written with a capital", "three,Yes\n", f"a.csv:4: 'label' is 'Yes', {NONE}"),
    labelled("A label is a number out of range", "three,2\n", f"a.csv:4: 'label' is '2', {NONE}"),
    labelled("A label is -100", "three,-100\n", f"a.csv:4: 'label' is -100, {UNSAID}"),
    labelled("A label is -1", "three,-1\n", f"a.csv:4: 'label' is -1, {UNSAID}"),
    labelled("A label is the word nan", "three,nan\n", f"a.csv:4: 'label' is nan, {UNSAID}"),
    labelled("A label is the word NA", "three,NA\n", f"a.csv:4: 'label' is 'NA', {NONE}"),
    labelled("A number has a fraction where a label is expected", "three,0.5\n", f"a.csv:4: 'label' is '0.5', {NONE}"),
    labelled("A row has no label", "three\n", "a.csv:4: 1 field where the header has 2; quote fields with commas"),
    labelled("A text with a comma is not quoted", "one, two,no\n",
         "a.csv:4: 3 fields where the header has 2; quote fields with commas"),
    labelled("A quotation mark before a text is not closed", '"three,no\nfour,yes\n',
         "a.csv:4: quotes do not match (unexpected end of data); close them, and double those inside a field"),
    labelled("A labelled line is in Latin-1", b"caf\xe9,no\nfour,yes\n",
         f"a.csv:4: is not UTF-8 (byte 0xe9 at 4); {UTF8}"),
    labelled("A labelled line holds a NUL byte", b"a\0,no\n", "a.csv:4: holds a NUL byte; save the file as UTF-8 text"),
    labelled("A labelled file is a text file", "",
         "a.txt: a task is read from .tsv, .jsonl, .ndjson, .json, .csv, .parquet (also .gz); rename it, or convert "
         "it", name="a.txt"),
    labelled("Rows are broken and values are wrong", "three\n,yes\nfour,maybe\n",
         "a.csv:4: 1 field where the header has 2; quote fields with commas\na.csv:5: 'text' is empty; leave the "
         f"row out\na.csv:6: 'label' is 'maybe', {NONE}"),
    unnamed("All rows have one label", "text,label\none,no\ntwo,no\n",
         "a.csv: 'label' has 1 different labels ('no'); see that task.label names them"),
    unnamed("Labels are as many as texts", "text,label\n" + "".join(f"a {n},{n}\n" for n in range(300)),
         "a.csv: 'label' has 300 different labels ('0', '1', '10', …); task=local_regression predicts numbers"),
    unnamed("One number is written in two ways", "text,label\none,0\ntwo,1\nthree,1.0\n",
         "a.csv: 'label' has 1 and 1.0, which are one number; write it one way"),
    unnamed("A label that none was named for is -100", "text,label\none,0\ntwo,1\nthree,-100\n",
         f"a.csv:4: 'label' is -100, {UNSAID}"),
    unnamed("All labels are lists", "".join(f'{{"text": "one", "label": ["{label}"]}}\n' for label in ("no", "yes")),
         "a.jsonl:1: 'label' is ['no']; write it as a string or a number\n"
         "a.jsonl:2: 'label' is ['yes']; write it as a string or a number", name="a.jsonl"),
    unnamed("Labels are dates", parquet(text=["one", "two"], label=[date(2024, 2, 29), None]),
         "a.parquet:1: 'label' is datetime.date(2024, 2, 29); write it as a string or a number", name="a.parquet"),
    objects("An object lacks the label", {"text": "three"}, f"a.jsonl:3: no column 'label' among text; {NAME}"),
    objects("A label is null", {"text": "three", "label": None}, "a.jsonl:3: 'label' is null; leave the row out"),
    objects("A label is a list", {"text": "three", "label": ["no"]},
         "a.jsonl:3: 'label' is ['no']; write it as a string or a number"),
    objects("A label is true", {"text": "three", "label": True}, f"a.jsonl:3: 'label' is True, {NONE}"),
    objects("A label is a number between two", {"text": "three", "label": 0.5}, f"a.jsonl:3: 'label' is 0.5, {NONE}"),
    objects("A text beside a label is a list", {"text": ["three"], "label": "no"},
         "a.jsonl:3: 'text' is ['three']; write it as a string"),
    objects("A text beside a label is a number", {"text": 3, "label": "no"},
         "a.jsonl:3: 'text' is 3; write it as a string"),
]  # fmt: skip

NUMBERS: Sequence[Case] = [
    scored("A number to predict is missing", "a,b,\n", "a.csv:7: 'score' is empty; leave the row out"),
    scored("A number to predict is a word", "a,b,high\n",
         "a.csv:7: 'score' is 'high', not a number; write one, or classify by names with task=local"),
    scored("A number to predict is nan", "a,b,nan\n",
         "a.csv:7: 'score' is 'nan', not a number; write one, or classify by names with task=local"),
    scored("A number to predict is infinite", "a,b,inf\n", "a.csv:7: 'score' is inf; write a finite number"),
    scored("A number to predict is too large for its kind", "a,b,1e39\n",
         "a.csv:7: 'score' is 1e39; write a smaller number"),
    scored("A number to predict lies beyond the scale", "a,b,7\n",
         "a.csv:7: 'score' is 7, beyond the scale from 0 to 5; correct it, or leave the row out"),
    scored("A number has a decimal comma", 'a,b,"3,5"\n',
         "a.csv:7: 'score' is '3,5', not a number; write one, or classify by names with task=local"),
    scored("A number is written as Python alone writes one", "a,b,1_0\n",
         "a.csv:7: 'score' is '1_0', not a number; write one, or classify by names with task=local"),
    Case(cause="All numbers to predict are one", words=["glue", *REGRESSION, "data.path=a.csv"],
         files={"a.csv": "one,two,score\n" + "a,b,3.0\n" * 5},
         said="a.csv: 'score' is 3 in every row that is used; give rows of another, too"),
    scored("The second text of a pair is empty", "a,,3\n", "a.csv:7: 'two' is empty; leave the row out"),
]  # fmt: skip

GLUE: Sequence[Case] = [
    glue("A label in GLUE's own file is none of the task's",
         "g/RTE/train.tsv:6: 'label' is 'maybe', none of entailment, not_entailment; write one of them, or leave the "
         "row out", train=RTE + "9\ta\tb\tmaybe\n"),
    glue("The last line of GLUE's own file breaks off",
         "g/RTE/train.tsv:6: 'label' is 'entail', none of entailment, not_entailment; write one of them, or leave "
         "the row out", train=RTE + "9\ta\tb\tentail"),
    glue("A tab is missing", f"g/RTE/train.tsv:6: 3 fields where the header has 4; {TABS}",
         train=RTE + "9\ta b\tentailment\n"),
    glue("Rows to validate on have no label",
         "g/RTE/dev.tsv:6: 'label' is -1, which stands for no label; leave the row out, or list it in task.labels",
         dev=RTE + "9\ta\tb\t-1\n"),
    glue("A row to predict has no second text", "g/RTE/test.tsv:3: 'sentence2' is empty; leave the row out",
         test=PARTS["test"] + "1\ta\t\n"),
    glue("GLUE's own file is empty", "g/RTE/train.tsv: holds no row; fill it, or leave it out", train=""),
    glue("Commas stand between the columns of a .tsv file",
         "g/RTE/dev.tsv:1: has ',' between its columns; set tabs, or let its name end in .csv",
         dev="index,sentence1,sentence2,label\n"),
    glue("The file to validate on is not there",
         "task=rte needs a file for validation (dev.tsv or validation.jsonl): g/RTE holds none; g/RTE/ holds "
         "test.tsv, train.tsv; name it: data.files.validation=…", dev=None),
]  # fmt: skip

CHOICES: Sequence[Case] = [
    offering("A row offers a single choice", {"choices": ["soup"]},
         "a.jsonl:2: 'choices' offers 1 to choose from; give two or more, or leave the row out"),
    offering("Choices are a text", {"choices": "soup, a fork"},
         "a.jsonl:2: 'choices' is 'soup, a fork'; write a list of texts, or name a column for each: "
         "task.choices=[a,b]"),
    offering("A choice is offered twice", {"choices": ["soup", "soup"]},
         "a.jsonl:2: 'choices' offers the same twice; leave the row out"),
    offering("A choice is null", {"choices": ["soup", None]},
         "a.jsonl:2: 'choices' holds a choice that is null; leave the row out"),
    offering("A choice is a number", {"choices": ["soup", 3]},
         "a.jsonl:2: 'choices' holds a choice that is 3; write it as a string"),
    offering("The right choice is none of those offered", {"label": 2}, f"a.jsonl:2: 'label' is 2, {PLACE}"),
    offering("The right choice is -100", {"label": -100}, f"a.jsonl:2: 'label' is -100, {PLACE}"),
    offering("The right choice is null", {"label": None}, f"a.jsonl:2: 'label' is None, {PLACE}"),
    offering("A row offers nothing", {"choices": ...}, f"a.jsonl:2: no column 'choices' among context, label; {NAME}"),
]  # fmt: skip

CASES: Sequence[Case] = [*CLASSES, *NUMBERS, *GLUE, *CHOICES]
