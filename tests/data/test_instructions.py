"""Instructions from files: what is read, what is refused with its row, and what is held out."""

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

import datasets
import pytest

from genai_hf.data import docs_instructions
from genai_hf.data.instructions import instructions
from genai_hf.data.wording import Shown
from genai_hf.errors import ConfigError, DataError

ROWS = [{"instruction": f"add {n}", "input": f"{n} and {n}" if n % 2 else "", "output": str(2 * n)} for n in range(20)]


def task(name: str, category: str | None = None, **fields: Any) -> dict[str, Any]:
    """A task as Super-NaturalInstructions has it."""
    instances = [{"id": f"{name}-{n}", "input": f"{name} {n}", "output": [f"out {n}", "or"]} for n in range(12)]
    return {
        "Categories": [category] if category else None,
        "Definition": [f"Do {name}."],
        "Positive Examples": [{"input": "a", "output": "b", "explanation": "c"}],
        "Negative Examples": [],
        "Instances": instances,
    } | fields


def write(file: Path, rows: list[Any]) -> str:
    text = "\n".join(json.dumps(row) for row in rows).encode()
    file.write_bytes(gzip.compress(text) if file.suffix == ".gz" else text)
    return str(file)


def write_tasks(folder: Path, tasks: dict[str, dict[str, Any]]) -> str:
    for name, fields in tasks.items():
        (folder / f"{name}.json").write_text(json.dumps(fields, indent=4))
    return str(folder)


def told(split: Any) -> list[tuple[str, str, list[str]]]:
    return [(one.instruction.fields["definition"], one.input, one.references) for one in split]


def copied(file: Path | str) -> str:
    """The path of a copy, for another split."""
    return str(shutil.copy(file, Path(file).with_name(f"copied-{Path(file).name}")))


def refused(**settings: Any) -> list[str]:
    with pytest.raises(DataError) as caught:
        instructions(**settings)
    return str(caught.value).splitlines()


@pytest.mark.parametrize("name", ["t.jsonl", "t.jsonl.gz", "t.json", "t.csv", "t.parquet"])
def test_rows_of_every_kind_of_file_are_the_same(name, tmp_path):
    file, rows = tmp_path / name, [{"instruction": "add", "input": "1, 2", "output": "3"}, *ROWS[:2]]
    if ".jsonl" in name:
        write(file, rows)
    elif name == "t.json":
        file.write_text(json.dumps(rows, indent=2))
    elif name == "t.csv":
        file.write_text("instruction,input,output\n" + "\n".join(
            ",".join(f'"{row[key]}"' for key in ("instruction", "input", "output")) for row in rows
        ))  # fmt: skip
    else:
        datasets.Dataset.from_list(rows).to_parquet(str(file))
    found = instructions(format="alpaca", path=str(file), files={"validation": copied(file)})
    expected = [("add", "1, 2", ["3"]), ("add 0", "", ["0"]), ("add 1", "1 and 1", ["2"])]
    assert told(found.splits["train"]) == told(found.splits["validation"]) == expected


def test_columns_have_other_names_and_several_answers(tmp_path):
    rows = [{"question": f"q{n}", "answers": [f"a{n}", "b"], "kind": "xy"[n % 2]} for n in range(4)]
    names = {"question": "instruction", "answers": "output", "kind": "category"}
    file = write(tmp_path / "t.jsonl", rows)
    found = instructions(format="alpaca", path=file, rename=names, validation_categories=["y"])
    assert told(found.splits["train"]) == [("q0", "", ["a0", "b"]), ("q2", "", ["a2", "b"])]
    assert {one.instruction.category for one in found.splits["validation"]} == {"y"}


def test_a_row_that_is_wrong_is_named_with_its_file_and_row_or_left_out_and_counted(tmp_path, capsys):
    bad = [
        {"instruction": "add", "output": ""},
        {"instruction": None, "output": "1"},
        {"instruction": "x", "output": []},
    ]
    file = write(tmp_path / "t.jsonl", [ROWS[0], *bad, *ROWS[1:]])
    odd = write(tmp_path / "odd.jsonl", [{"instruction": "add", "input": 5, "output": "1"}])
    assert refused(format="alpaca", path=odd) == [f"{odd}:1: 'input' is 5; write it as a string"]
    assert refused(format="alpaca", path=file) == [
        f"{file}:2: 'output' is empty; leave the row out",
        f"{file}:3: 'instruction' is null; leave the row out",
        f"{file}:4: 'output' is an empty list; leave the row out",
    ]
    found = instructions(format="alpaca", path=file, faulty_rows="skip")
    assert sum(map(len, found.splits.values())) == 20
    assert found.left_out == [f"{file}:{number}" for number in (2, 3, 4)]
    assert "3 rows are left out as faulty: " in capsys.readouterr().err
    other = write(tmp_path / "o.jsonl", [{"prompt": "x", "output": "y"}])
    assert refused(format="alpaca", path=other)[0].startswith(
        f"{other}:1: no column 'instruction' among prompt, output"
    )


def test_rows_without_categories_are_held_out_by_instruction(tmp_path, capsys):
    rows = [{"instruction": f"add {n % 10}", "input": str(n), "output": "x"} for n in range(40)]
    found = instructions(format="alpaca", path=write(tmp_path / "t.jsonl", rows), validation_share=0.3)
    sides = [{one.instruction.fields["definition"] for one in split} for split in found.splits.values()]
    assert [len(side) for side in sides] == [7, 3]
    assert not sides[0] & sides[1]
    single = [{"instruction": "add", "input": str(n % 20), "output": "x"} for n in range(40)]
    found = instructions(format="alpaca", path=write(tmp_path / "s.jsonl", single))
    sides = [{one.input for one in split} for split in found.splits.values()]
    assert [len(side) for side in sides] == [18, 2]
    assert not sides[0] & sides[1]
    assert capsys.readouterr().err == "validation: 4 of 40 rows, for there is a single instruction\n"
    one = write(tmp_path / "o.jsonl", single[:1])
    assert "there is a single row, so that none can be held out" in refused(format="alpaca", path=one)[0]


def test_tasks_of_super_natural_instructions_are_held_out_by_category(tmp_path):
    kinds = {"task1_a": "X", "task2_b": "Y", "task3_c": "Y", "task4_d": "Z", "task5_e": "W"}
    path = write_tasks(tmp_path, {name: task(name, kind) for name, kind in kinds.items()})
    found = instructions(format="natural_instructions", path=path, validation_categories=["Y"])
    train, held = found.splits.values()
    assert {one.instruction.category for one in train} == {"X", "Z", "W"}
    assert {one.instruction.name for one in held} == {"task2_b", "task3_c"}
    assert told(held)[0] == ("Do task2_b.", "task2_b 0", ["out 0", "or"])
    assert held[0].instruction.positive == [Shown("a", "b", "c")]
    assert held[0].place == f"{tmp_path / 'task2_b.json'}:1"
    for share, count in ((0.01, 1), (0.5, 2), (0.99, 3)):
        split = instructions(format="natural_instructions", path=path, validation_share=share).splits
        sides = [{one.instruction.category for one in side} for side in split.values()]
        assert not sides[0] & sides[1]
        assert sides[0] | sides[1] == set("XYZW")
        assert len(sides[1]) == count
    with pytest.raises(ConfigError, match=r"no task is of 'V'; there are W, X, Y, Z"):
        instructions(format="natural_instructions", path=path, validation_categories=["V"])
    with pytest.raises(ConfigError, match="must be some categories, and not all"):
        instructions(format="natural_instructions", path=path, validation_categories=list("XYZW"))


def test_a_task_gives_so_many_rows_and_the_same_ones_every_time(tmp_path):
    path = write_tasks(tmp_path, {name: task(name, kind) for name, kind in (("a", "X"), ("b", "Y"), ("c", "Z"))})
    given = {"format": "natural_instructions", "path": path, "validation_categories": ["Y"]}
    found = instructions(**given, max_per_task=5, max_validation_per_task=3).splits
    assert [len(split) for split in found.values()] == [10, 3]
    again = instructions(**given, max_per_task=5, max_validation_per_task=3).splits
    assert found == again
    fewer = instructions(**given, max_per_task=2, max_train_rows=3).splits
    assert len(fewer["train"]) == 3
    assert {one.place for one in fewer["train"]} < {one.place for one in found["train"]}
    with pytest.raises(ValueError, match="max_per_task must be at least 1"):
        instructions(**given, max_per_task=0)


def test_a_task_of_version_1_has_its_own_fields_and_a_category_by_its_files_name(tmp_path):
    shown = {
        "Positive Examples": [{"input": "a", "output": "b", "reason": "c"}],
        "Negative Examples": [{"input": "d", "output": "e", "reason": "f", "suggestion": "-"}],
    }
    own = {"Title": "T", "Prompt": "P", "Definition": "D", "Things to Avoid": "-", "Emphasis & Caution": "E"}
    one = task("x") | own | {"Examples": shown}
    two = one | {"Examples": {"Positive Examples": shown["Positive Examples"], "Negative Examples": ["-"]}}
    for fields in (one, two):
        for key in ("Categories", "Positive Examples", "Negative Examples"):
            del fields[key]
    path = write_tasks(tmp_path, {"subtask1_question_generation": one, "subtask2_other": two})
    categories = {"*question*": "question generation", "*": "the rest"}
    given = {"format": "natural_instructions", "path": path, "validation_categories": ["the rest"]}
    train, held = instructions(**given, categories=categories).splits.values()
    assert train[0].instruction.category == "question generation"
    assert train[0].instruction.fields == {"title": "T", "prompt": "P", "definition": "D", "emphasis": "E"}
    assert train[0].instruction.positive == [Shown("a", "b", "c")]
    assert train[0].instruction.negative == [Shown("d", "e", "f", "")]
    assert held[0].instruction.negative == []


def test_a_file_that_is_no_task_and_an_instance_without_an_answer_are_named(tmp_path):
    broken = task("b", "X")
    broken["Instances"][3]["output"] = [""]
    del broken["Instances"][5]["input"]
    path = write_tasks(tmp_path, {"a": {"Definition": "D"}, "b": broken, "c": task("c", "Y")})
    (tmp_path / "d.json").write_text("{")
    lines = refused(format="natural_instructions", path=path)
    assert lines[0] == f"{tmp_path / 'a.json'}: is no task with a Definition and Instances (Instances); leave it out"
    assert lines[1] == f"{tmp_path / 'b.json'}:4: 'output' is empty; leave the row out"
    assert lines[2] == f"{tmp_path / 'b.json'}:6: 'input' is null; leave the row out"
    assert lines[3].startswith(f"{tmp_path / 'd.json'}: not JSON")


def test_conversations_have_their_own_names_and_end_with_an_answer(tmp_path):
    chat = [{"from": "human", "value": "hi"}, {"from": "gpt", "value": "ho"}, {"from": "human", "value": "bye"}]
    rows = [{"conversations": [{"from": "human", "value": f"hi {n}"}, *chat[1:]]} for n in range(4)]
    names = {"conversations": "messages", "from": "role", "value": "content"}
    given = {"format": "messages", "rename": names, "roles": {"human": "user", "gpt": "assistant"}}
    file = write(tmp_path / "t.jsonl", rows)
    found = instructions(path=file, **given, files={"validation": copied(file)}).splits["train"]
    assert found[0].messages == ({"role": "user", "content": "hi 0"}, {"role": "assistant", "content": "ho"})
    assert found[0].references == ["ho"]
    parquet = tmp_path / "t.parquet"
    datasets.Dataset.from_list(rows).to_parquet(str(parquet))
    again = instructions(path=str(parquet), **given, files={"validation": file}).splits["train"]
    assert [one.messages for one in again] == [one.messages for one in found]
    bad = write(tmp_path / "b.jsonl", [
        {"messages": [{"role": "bot", "content": "x"}]},
        {"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": ""}]},
        {"messages": [{"role": "user", "content": "x"}]},
        {"messages": "x"},
        {"messages": ["x"]},
        {"messages": [{"role": ["user"], "content": "x"}]},
    ])  # fmt: skip
    assert [line.partition(": ")[2] for line in refused(format="messages", path=bad)] == [
        "'messages' has the role 'bot'; it takes system, user, assistant (data.roles)",
        "'messages' has a content that is empty; leave the row out",
        "'messages' has no answer of the assistant to anything; leave the row out",
        "'messages' holds 'x'; write a list of objects with a role and a content",
        "'messages' holds 'x'; write a list of objects with a role and a content",
        "'messages' has the role ['user']; it takes system, user, assistant (data.roles)",
    ]


def test_pythons_own_documentation_gives_three_tasks_of_each_module_and_no_docstring_stands_on_both_sides():
    found = instructions(format="python_docs", validation_categories=["http", "threading"])
    train, held = found.splits.values()
    assert len(train) > 3000
    assert {one.instruction.category for one in held} == {"http", "threading"}
    assert {one.instruction.name for one in held} == {
        f"{module}_{task}" for module in ("http", "threading") for task in docs_instructions.TASKS
    }
    assert not {one.input for one in train} & {one.input for one in held}
    assert all(one.references[0] for one in train)
    texts = list(found.corpus().read())
    assert all(one.instruction.fields["definition"] in texts for one in train[:50])


def test_where_data_are_is_said_once(tmp_path):
    with pytest.raises(ConfigError, match=r"'data.path' must be given"):
        instructions(format="alpaca")
    with pytest.raises(ConfigError, match=r"'data.name' is a data set of the Hub"):
        instructions(format="alpaca", name="owner/name", path=str(tmp_path))


def task_file(folder: Path, name: str, category: str) -> str:
    """A file with one task of three instances."""
    instances = [{"input": f"{name} {n}", "output": [str(n)]} for n in range(3)]
    content = {"Definition": [f"do {name}"], "Categories": [category], "Positive Examples": [], "Negative Examples": []}
    (folder / f"{name}.json").write_text(json.dumps(content | {"Instances": instances}))
    return str(folder / f"{name}.json")


def test_files_to_validate_on_are_none_to_train_on_and_may_be_several(tmp_path):
    files = [task_file(tmp_path, name, category) for name, category in (("t0", "a"), ("t1", "b"), ("t2", "a"))]
    held = [files[2], files[0]]
    found = instructions(format="natural_instructions", path=str(tmp_path), files={"validation": held})
    assert {one.instruction.fields["definition"] for one in found.splits["train"]} == {"do t1"}
    assert {one.instruction.fields["definition"] for one in found.splits["validation"]} == {"do t0", "do t2"}
    with pytest.raises(ConfigError, match=r"^'data.validation_categories': files are given to validate on; leave one"):
        instructions(
            format="natural_instructions",
            path=str(tmp_path),
            files={"validation": files[0]},
            validation_categories=["b"],
        )
