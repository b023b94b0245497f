"""A mistake in the settings is answered in a line, before any library is imported, and by the name that was meant."""

import sys

import bad_combinations
import bad_idle_settings
import bad_late_settings
import bad_library_settings
import bad_numbers
import bad_own_recipes
import bad_setting_names
import bad_setting_ranges
import bad_setting_values
import bad_words
import pytest
from asking import Case, ask, process, require
from settings_parts import ROOM, case

from genai_hf.settings import limits

TABLES = (
    *(bad_setting_names, bad_setting_values, bad_setting_ranges, bad_library_settings),
    *(bad_combinations, bad_idle_settings, bad_numbers, bad_words),
)
CASES = [case for table in TABLES for case in table.CASES]
# All of them take more than a minute of composing: one in six is quick, and what transformers takes in silence.
SILENT = ("load_in_4bits", "quant_type=nf5", "num_hiden_layers", "max_new_token=", "learning_rate=fast", "seed=-1")
SLOW = [case for case in CASES if CASES.index(case) % 6 and not any(word in case.words[-1] for word in SILENT)]
FOLDERS = (
    "=gpt",
    "/gpt",
    " gpt",
)  # whose weights are looked at, by safetensors, which brings numpy: a process of their own answers


def of_folder(case):
    """Whether it names a folder with a model's weights."""
    return any(part in " ".join(case.words) for part in FOLDERS)


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """What answers a case: one process for those that name a model's folder, one for the others."""
    room = tmp_path_factory.mktemp("room")
    Case(cause="", words=(), said="", files=ROOM).lay_out(room)
    with process() as plain, process() as of_folders:
        yield lambda case: (of_folders if of_folder(case) else plain).ask(case, room)
    assert sorted(path.name for path in room.iterdir()) == sorted({name.partition("/")[0] for name in ROOM})


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, marks=pytest.mark.slow) if case in SLOW else case for case in CASES],
    ids=lambda case: case.cause,
)
def test_a_mistake_is_answered_in_a_line_before_anything_is_imported(case, answers):
    answer = answers(case)
    require(case, answer)
    assert answer.imported in ([], ["numpy"] if of_folder(case) else [])
    assert answer.printed == ""


def test_every_mistake_is_another_one():
    causes = [case.cause for case in [*CASES, *bad_late_settings.CASES, *bad_own_recipes.CASES]]
    assert len(set(causes)) == len(causes) > 200


@pytest.mark.parametrize("case", bad_own_recipes.CASES, ids=lambda case: case.cause)
def test_a_mistake_in_a_recipe_of_ones_own_is_answered_in_a_line_before_it_is_run(case, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    case.lay_out(tmp_path)
    require(case, ask(case.words, capsys))
    assert "mine" not in sys.modules


@pytest.mark.parametrize("case", bad_late_settings.CASES, ids=lambda case: case.cause)
def test_what_takes_a_library_to_know_is_answered_in_a_line_too(case, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    case.lay_out(tmp_path)
    require(case, ask(case.words, capsys))


@pytest.mark.parametrize(
    "case",
    [
        case("", "bert_mlm precision=fp16", "'precision': fp16 needs a CUDA GPU; leave it at auto"),
        case(
            "", "bert_mlm launch=gpus",
            "there is no GPU here to start a process on; launch=cpu2 starts two on the processor",
        ),
        case("", "bert_mlm trainer.tf32=true", "'trainer.tf32' is of a CUDA GPU; leave it out"),
        case("", "gpt_lm speed.documents=true", "'speed.documents' is for a CUDA GPU; leave it out"),
    ],
)  # fmt: skip
def test_what_takes_a_gpu_is_refused_where_there_is_certainly_none(case, monkeypatch, capsys):
    monkeypatch.setattr(limits, "DEVICES", ())
    require(case, ask(case.words, capsys))
