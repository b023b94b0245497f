"""Texts with their answers from files: what is read, what is refused with its row, what is held out."""

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

import datasets
import pytest

from genai_hf.data.pairs import Pairs, read_inputs
from genai_hf.data.text_pairs import text_pairs
from genai_hf.errors import ConfigError, DataError

ROWS = [{"question": f"who is number {n}?", "answers": [f"N{n}", f"number {n}"]} for n in range(20)]


def write(file: Path, rows: list[Any]) -> str:
    text = "\n".join(json.dumps(row) for row in rows).encode()
    file.write_bytes(gzip.compress(text) if file.suffix == ".gz" else text)
    return str(file)


def copied(file: Path | str) -> str:
    """The path of a copy, for another split."""
    return str(shutil.copy(file, Path(file).with_name(f"copied-{Path(file).name}")))


def read(path: Any = None, **settings: Any) -> Any:
    return text_pairs(**{"source": "files", "path": None if path is None else str(path)} | settings)


def refused(path: Any, **settings: Any) -> list[str]:
    with pytest.raises(DataError) as caught:
        read(path, **settings)
    return str(caught.value).splitlines()


def test_answers_are_a_text_or_a_list_of_texts_and_the_prefix_stands_before_each_input(tmp_path):
    file = write(tmp_path / "t.jsonl", [{"question": "q?", "answers": "x "}, {"question": "r?", "answers": ["y", "z"]}])
    read_in = read(file, prefix="question: ", files={"validation": copied(file)})
    assert read_in.splits["train"] == Pairs(["question: q?", "question: r?"], [["x"], ["y", "z"]])
    assert list(read_in.corpus().read()) == ["question: q?", "x", "question: r?", "y", "z"]


def test_answers_may_lie_as_the_hub_has_those_of_squad_and_brackets_may_be_meant(tmp_path):
    rows = [
        {"question": "q?", "answers": {"text": ["x", "y"], "answer_start": [1, 2]}},
        {"question": "r?", "answers": ["['z']"]},
    ]
    file = write(tmp_path / "t.jsonl", rows)
    train = read(file, prefix=None, files={"validation": copied(file)}).splits["train"]
    assert train == Pairs(["q?", "r?"], [["x", "y"], ["['z']"]])


@pytest.mark.parametrize("name", ["t.jsonl", "t.jsonl.gz", "t.json", "t.csv", "t.tsv", "t.parquet"])
def test_every_kind_of_file_gives_the_same(name, tmp_path):
    file, rows = tmp_path / name, [("who?", "A, B"), ("where?", "C")]
    if ".jsonl" in name:
        write(file, [{"q": text, "a": answer} for text, answer in rows])
    elif name == "t.json":
        file.write_text(json.dumps([{"q": text, "a": [answer]} for text, answer in rows]))
    elif name == "t.parquet":
        lists = [[answer] for _, answer in rows]
        datasets.Dataset.from_dict({"q": [text for text, _ in rows], "a": lists}).to_parquet(str(file))
    else:
        mark = "," if name == "t.csv" else "\t"
        quoted = [(text, f'"{answer}"' if mark == "," else answer) for text, answer in rows]
        file.write_text("\n".join(mark.join(row) for row in [("q", "a"), *quoted]))
    found = read(file, input="q", answers="a", files={"validation": copied(file)})
    assert found.splits["train"] == Pairs(["who?", "where?"], [["A, B"], ["C"]])


def test_a_folder_has_a_file_a_split_and_single_files_go_before_it(tmp_path):
    for number, name in enumerate(("train.jsonl", "dev.jsonl", "test.jsonl", "other.jsonl", "more.jsonl")):
        write(tmp_path / name, ROWS[number : number + 1])
    splits = read(tmp_path).splits
    assert {name: split.inputs for name, split in splits.items()} == {
        "train": ["who is number 0?"], "validation": ["who is number 1?"], "test": ["who is number 2?"],
    }  # fmt: skip
    several = [str(tmp_path / "other.jsonl"), str(tmp_path / "m*.jsonl")]
    splits = read(tmp_path, files={"train": several, "test": None}).splits
    assert splits["train"].inputs == ["who is number 3?", "who is number 4?"]
    assert len(splits["test"]) == 1


def test_a_glob_is_all_its_files_in_their_order(tmp_path):
    for number in (2, 0, 1):
        write(tmp_path / f"part-{number}.jsonl", ROWS[number : number + 1])
    splits = read(tmp_path / "part-*.jsonl", files={"validation": copied(tmp_path / "part-0.jsonl")}).splits
    assert splits["train"].inputs == [f"who is number {n}?" for n in range(3)]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"question": " ", "answers": "x"}, "'question' is empty; leave the row out"),
        ({"question": 3, "answers": "x"}, "'question' is 3; write it as a string"),
        ({"question": "q?", "answers": ""}, "'answers' is empty; leave the row out"),
        ({"question": "q?", "answers": None}, "'answers' is null; leave the row out"),
        ({"question": "q?", "answers": 7}, "'answers' is 7; write it as a string"),
        ({"question": "q?", "answers": []}, "'answers' is an empty list; write an answer, or leave the row out"),
        ({"question": "q?", "answers": ["x", ""]}, "'answers' has an answer that is empty; leave the row out"),
        ({"question": "q?", "answers": {"text": "x"}}, "'answers' is {'text': 'x'}; write it as a string"),
        ({"question": "q?"}, "no column 'answers' among question; name others: data.input=… data.answers=…"),
        ({"answer": "x", "question": "q?"}, "no column 'answers' among answer, question; did you mean 'answer'? "
         "name others: data.input=… data.answers=…"),
    ],
)  # fmt: skip
def test_a_wrong_row_is_refused_by_its_number_or_left_out(row, said, tmp_path):
    file = write(tmp_path / "t.jsonl", [*ROWS[:2], row, *ROWS[2:4]])
    assert refused(file) == [f"{file}:3: {said}"]
    kept = read(file, faulty_rows="skip", files={"validation": write(tmp_path / "v.jsonl", ROWS[:1])})
    assert (len(kept.splits["train"]), kept.splits["train"].left_out) == (4, 1)


def test_a_file_that_holds_nothing_or_nothing_right_is_refused_even_where_rows_are_left_out(tmp_path):
    empty = write(tmp_path / "empty.jsonl", [])
    wrong = write(tmp_path / "wrong.jsonl", [{"question": "", "answers": "x"}] * 2)
    for faulty in ("refuse", "skip"):
        assert refused(empty, faulty_rows=faulty) == [f"{empty}: holds no row; fill it, or leave it out"]
        assert len(refused(wrong, faulty_rows=faulty)) == 2


def test_all_problems_of_all_files_are_said_at_once(tmp_path):
    train = write(tmp_path / "train.jsonl", [{"question": "", "answers": "x"}, ROWS[0]])
    dev = write(tmp_path / "dev.jsonl", [ROWS[0], {"question": "q?", "answers": []}])
    assert [line.split(": ")[0] for line in refused(tmp_path)] == [f"{train}:1", f"{dev}:2"]


def test_the_share_held_out_is_the_same_every_time_and_takes_every_row_of_a_question(tmp_path):
    doubled = write(tmp_path / "t.jsonl", [*ROWS, *({**row, "answers": "other"} for row in ROWS)])
    splits = read(doubled, validation_share=0.2).splits
    assert splits == read(doubled, validation_share=0.2).splits
    assert len(splits["validation"]) == 8  # four questions, twice
    assert not set(splits["train"].inputs) & set(splits["validation"].inputs)
    assert sorted(splits["train"].inputs + splits["validation"].inputs) == sorted(2 * [row["question"] for row in ROWS])
    turned = write(tmp_path / "turned.jsonl", [*ROWS, *ROWS][::-1])
    assert set(read(turned, validation_share=0.2).splits["validation"].inputs) == set(splits["validation"].inputs)


def test_so_many_rows_are_trained_on_and_as_many_evaluated_as_ever(tmp_path):
    file = write(tmp_path / "t.jsonl", ROWS)
    whole, some = read(file).splits, read(file, max_train_rows=5).splits
    assert len(some["train"]) == 5
    assert set(some["train"].inputs) <= set(whole["train"].inputs)
    assert some["validation"] == whole["validation"]


def test_the_commonest_answer_is_counted_once_a_row_and_by_its_meaning():
    answers = [["the Nile", "Nile"], ["Paris"], ["nile!"], ["Paris", "Rome"], ["Nile"]]
    assert Pairs(["?"] * 5, answers).commonest() == "the Nile"
    assert Pairs(["?"] * 2, [["b"], ["c"]]).commonest() == "b"


def test_what_says_nothing_or_two_things_of_where_the_data_is_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"'data\.path' must be given: the training file"):
        read()
    with pytest.raises(ConfigError, match="python_questions brings its own text; for files say pairs=questions"):
        text_pairs(source="python_questions", path=str(tmp_path))
    assert "no file for train" in refused(tmp_path)[0]
    text = tmp_path / "t.txt"
    text.write_text("x")
    assert "pairs are read from .tsv" in refused(text)[0]
    assert "no such file" in refused(tmp_path / "none.csv")[0]


@pytest.mark.parametrize("where", [3, True, ["t.jsonl", 3], {"a": "t.jsonl"}])
def test_what_is_no_path_is_refused(where):
    with pytest.raises(
        ConfigError, match=r"'data\.files\.train' must be a path, got (3|True|\{'a': 't.jsonl'\}); name"
    ):
        read(files={"train": where})


@pytest.mark.parametrize(("name", "value"), [("validation_share", 0.0), ("validation_share", 1), ("max_train_rows", 0)])
def test_values_out_of_range_are_refused(name, value, tmp_path):
    with pytest.raises(ValueError, match=f"{name} must"):
        read(write(tmp_path / "t.jsonl", ROWS), **{name: value})


def test_inputs_alone_are_read_from_a_table_or_a_text_file(tmp_path):
    table, text, empty = tmp_path / "t.csv", tmp_path / "t.txt", tmp_path / "e.txt"
    table.write_text("question,more\nwho?,1\n")
    text.write_text("who?\n\n where? \n")
    empty.write_text("\n")
    assert read_inputs(table, "question") == ["who?"]
    assert read_inputs(text, "question") == ["who?", "where?"]
    with pytest.raises(DataError, match="holds no text; fill it"):
        read_inputs(empty, "question")
    with pytest.raises(DataError, match="no column 'text'"):
        read_inputs(table, "text")
