"""Every bad data file is answered word for word, line by line in one form, and leaves nothing behind."""

import re
from collections.abc import Sequence
from pathlib import Path

import bad_labels
import bad_pairs
import bad_places
import bad_prompts
import bad_texts
import pytest
from asking import Case, ask, require
from omegaconf import DictConfig

from genai_hf import composing, models, tokenization
from genai_hf.data import files
from genai_hf.recipe_files import RecipeFile

TABLES = [bad_texts, bad_labels, bad_pairs, bad_places, bad_prompts]
CASES: Sequence[Case] = [case for table in TABLES for case in table.CASES]
LINE = re.compile(r"('[\w.]+'|[^:]+(:\d+)?:) [^;].*[^;]; \S.*\S")  # file:row: problem; remedy (or a setting's key)


@pytest.fixture(scope="module")
def composed() -> dict[tuple[str, ...], DictConfig]:
    """What Hydra makes of a command's words, which is half the time of an answer: most cases differ in files alone."""
    return {}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, composed: dict[tuple[str, ...], DictConfig]) -> Path:
    """Where the command is given, and where everything lies that it may leave."""
    compose = composing.compose

    def once(recipe: RecipeFile, overrides: Sequence[str]) -> DictConfig:
        key = (recipe.name, *overrides)
        if key not in composed:
            composed[key] = compose(recipe, overrides)
        return composed[key].copy()

    monkeypatch.setattr(composing, "compose", once)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GENAI_HF_ROOT", "outputs")
    monkeypatch.setenv("GENAI_HF_CACHE", "cache")
    return tmp_path


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, marks=pytest.mark.slow) if number % 2 else case for number, case in enumerate(CASES)],
    ids=lambda case: case.cause,
)
def test_a_bad_file_is_refused(case, folder, capsys):
    case.lay_out(folder)
    before = sorted(folder.rglob("*"))
    answer = ask(case.words, capsys)
    require(case, answer)
    *lines, last = answer.said.removeprefix(f"genai-hf {case.words[0]}: ").split("\n")
    assert all(LINE.fullmatch(line) for line in [*lines, *([] if last.startswith("… and ") else [last])])
    assert answer.printed == ""
    assert [path for path in sorted(folder.rglob("*")) if path not in before and path.is_file()] == []


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
def test_a_fault_at_the_end_costs_one_reading_and_nothing_that_comes_after(recipe, folder, monkeypatch, capsys):
    words, good, bad, fault = MANY[recipe]
    (folder / "a.jsonl").write_text(good * ROWS + bad * 30, encoding="utf-8")
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
