"""Every bad data file is answered word for word, line by line in one form, and leaves nothing behind."""

import re
from collections.abc import Iterator, Sequence

import bad_labels
import bad_pairs
import bad_places
import bad_prompts
import bad_texts
import pytest
from asking import Case, Process, ask, process, require

from genai_hf import models, tokenization
from genai_hf.data import files

TABLES = [bad_texts, bad_labels, bad_pairs, bad_places, bad_prompts]
CASES: Sequence[Case] = [case for table in TABLES for case in table.CASES]
LINE = re.compile(
    r"('[\w.]+'|(\w+://)?[^:]+(:\d+)?:) [^;].*[^;]; \S.*\S"
)  # file:row: problem; remedy (or a setting's key)


@pytest.fixture(scope="module")
def answers() -> Iterator[Process]:
    """What answers the cases."""
    with process() as started:
        yield started


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, marks=pytest.mark.slow) if number % 3 else case for number, case in enumerate(CASES)],
    ids=lambda case: case.cause,
)
def test_a_bad_file_is_refused_before_torch_is_imported(case, answers, tmp_path):
    case.lay_out(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    answer = answers.ask(case, tmp_path)
    require(case, answer)
    assert not {"torch", "transformers"} & set(answer.imported)
    *lines, last = answer.said.removeprefix(f"genai-hf {case.words[0]}: ").split("\n")
    assert all(LINE.fullmatch(line) for line in [*lines, *([] if last.startswith("… and ") else [last])])
    assert answer.printed == ""
    assert [path for path in sorted(tmp_path.rglob("*")) if path not in before and path.is_file()] == []


MANY = {
    "bert_mlm": (["data=json"], '{"text": "fine"}\n', '{"text": ""}\n', "'text' is empty; leave the row out"),
    "glue": (
        ["task=local", "task.labels=[no,yes]"],
        '{"text": "fine", "label": "no"}\n',
        '{"text": "fine", "label": null}\n',
        "'label' is null; leave the row out",
    ),
    "instruct": (
        ["instructions=alpaca", "sequence_length=256"],
        '{"instruction": "do", "output": "done"}\n',
        '{"instruction": "do", "output": 3}\n',
        "'output' is 3; write it as a string",
    ),
    "t5_qa": (
        ["pairs=questions"],
        '{"question": "q", "answers": "a"}\n',
        '{"question": "q", "answers": [""]}\n',
        "'answers' has an answer that is empty; leave the row out",
    ),
}
ROWS = 10_000


@pytest.mark.parametrize("recipe", MANY)
def test_a_fault_at_the_end_costs_one_reading_and_nothing_that_comes_after(recipe, tmp_path, monkeypatch, capsys):
    words, good, bad, fault = MANY[recipe]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.jsonl").write_text(good * ROWS + bad * 30, encoding="utf-8")
    decoded, seen = files._decoded, list[int]()
    monkeypatch.setattr(files, "_decoded", lambda *given: (seen.append(given[1]), decoded(*given))[1])
    for part in ("load", "load_classifier"):
        monkeypatch.delattr(models, part)
    monkeypatch.delattr(tokenization, "load_or_train")
    answer = ask([recipe, *words, "data.path=a.jsonl"], capsys)
    lines = [f"a.jsonl:{row}: {fault}" for row in range(ROWS + 1, ROWS + 21)]
    assert (answer.code, answer.said.split("\n")) == (
        2,
        [f"genai-hf {recipe}: {lines[0]}", *lines[1:], "… and 10 more"],
    )
    assert seen == list(range(1, ROWS + 31))
