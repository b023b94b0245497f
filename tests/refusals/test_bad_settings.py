"""A mistake in the settings is answered in a line, before any library is imported, and by the name that was meant."""

import contextlib
import json
import os
import subprocess
import sys

import bad_combinations
import bad_late_settings
import bad_library_settings
import bad_setting_names
import bad_setting_ranges
import bad_setting_values
import bad_words
import pytest
from asking import Answer, Case, ask, require
from settings_parts import ROOM, case

from genai_hf import limits

TABLES = (
    *(bad_setting_names, bad_setting_values, bad_setting_ranges, bad_library_settings),
    *(bad_combinations, bad_words),
)
CASES = [case for table in TABLES for case in table.CASES]
# All of them take more than half a minute of composing: one in three is quick, and what transformers takes in silence.
SILENT = ("load_in_4bits", "quant_type=nf5", "num_hiden_layers", "max_new_token=", "learning_rate=fast", "seed=-1")
SLOW = [case for case in CASES if CASES.index(case) % 3 and not any(word in case.words[-1] for word in SILENT)]
HEAVY = {"torch", "transformers", "numpy", "peft", "bitsandbytes", "datasets"}
FOLDERS = (
    "=gpt",
    "/gpt",
    " gpt",
)  # whose weights are looked at, by safetensors, which brings numpy: a process of their own answers
# One process answers many of them in turn: what the one imports, the next shows too.
SCRIPT = f"""
import contextlib, io, json, sys, time
from genai_hf import cli
for line in sys.stdin:
    said, printed, began = io.StringIO(), io.StringIO(), time.perf_counter()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(printed):
        code = cli.main(json.loads(line))
    answer = [code, said.getvalue().rstrip("\\n"), printed.getvalue(), time.perf_counter() - began]
    print(json.dumps([*answer, sorted({HEAVY!r} & sys.modules.keys())]), flush=True)
"""


def of_folder(case):
    """Whether it names a folder with a model's weights."""
    return any(part in " ".join(case.words) for part in FOLDERS)


@contextlib.contextmanager
def process(room):
    """A process of its own that answers one command after the other."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SLURM")}
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=room,
        env=environment | {"GENAI_HF_ROOT": "outputs"},
    ) as running:  # fmt: skip

        def answer(case):
            running.stdin.write(json.dumps(case.words) + "\n")
            running.stdin.flush()
            *found, imported = json.loads(running.stdout.readline())
            return Answer(*found), imported

        yield answer
        running.stdin.close()


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """By whether a case names a model's folder, what answers it."""
    room = tmp_path_factory.mktemp("room")
    Case(cause="", words=(), said="", files=ROOM).lay_out(room)
    with process(room) as plain, process(room) as of_folders:
        yield {False: plain, True: of_folders}
    assert sorted(path.name for path in room.iterdir()) == sorted({name.partition("/")[0] for name in ROOM})


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, marks=pytest.mark.slow) if case in SLOW else case for case in CASES],
    ids=lambda case: case.cause,
)
def test_a_mistake_is_answered_in_a_line_before_anything_is_imported(case, answers):
    answer, imported = answers[of_folder(case)](case)
    require(case, answer)
    assert imported in ([], ["numpy"] if of_folder(case) else [])
    assert answer.printed == ""


def test_every_mistake_is_another_one():
    causes = [case.cause for case in [*CASES, *bad_late_settings.CASES]]
    assert len(set(causes)) == len(causes) > 200


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
    ],
)  # fmt: skip
def test_what_takes_a_gpu_is_refused_where_there_is_certainly_none(case, monkeypatch, capsys):
    monkeypatch.setattr(limits, "DEVICES", ())
    require(case, ask(case.words, capsys))
