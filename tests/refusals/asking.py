"""A mistake, the command that makes it, and what the command must answer. docs/errors.md is made of the same cases."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from genai_hf import cli

MENDABLE = 2
HEAVY = {"torch", "transformers", "numpy", "peft", "bitsandbytes", "datasets"}
SCRIPT = f"""
import contextlib, io, json, os, sys, time
from genai_hf import cli
for line in sys.stdin:
    folder, words = json.loads(line)
    os.chdir(folder)
    said, printed, began = io.StringIO(), io.StringIO(), time.perf_counter()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(printed):
        code = cli.main(words)
    answer = [code, said.getvalue().rstrip("\\n"), printed.getvalue(), time.perf_counter() - began]
    print(json.dumps([*answer, sorted({HEAVY!r} & sys.modules.keys())]), flush=True)
"""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One mistake.

    Args:
        cause: What is wrong, as docs/errors.md tells it: a short sentence without a full stop.
        words: The command's words, given in a folder where `files` lie.
        said: All that is answered, after ``genai-hf RECIPE: ``; where a line cannot be foretold, its beginning and "…".
        files: Content by relative path; text is written as UTF-8.
        code: The exit code.
    """

    cause: str
    words: Sequence[str]
    said: str
    files: Mapping[str, str | bytes] = field(default_factory=dict)
    code: int = MENDABLE

    def lay_out(self, folder: Path) -> None:
        """Write the case's files into `folder`."""
        for name, content in self.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)


@dataclass(frozen=True)
class Answer:
    """What came of a command.

    Args:
        code: Its exit code.
        said: On standard error.
        printed: On standard output.
        seconds: That it took.
        imported: Which of `HEAVY` its process has imported by then, where it is a `Process`.
    """

    code: int
    said: str
    printed: str
    seconds: float
    imported: Sequence[str] = ()


class Process:
    """A process of its own that answers one command after the other: what the one imports, the next shows too."""

    def __init__(self, running: "subprocess.Popen[str]") -> None:
        self._running = running

    def ask(self, case: Case, folder: Path) -> Answer:
        """Give the case's command in a folder; what it raises is on standard error, and no answer."""
        assert self._running.stdin is not None and self._running.stdout is not None
        self._running.stdin.write(json.dumps([str(folder), list(case.words)]) + "\n")
        self._running.stdin.flush()
        return Answer(*json.loads(self._running.stdout.readline()))


@contextmanager
def process() -> Iterator[Process]:
    """One of them, whose runs and cache lie in the folders in which it is asked."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SLURM")}
    environment |= {"GENAI_HF_ROOT": "outputs", "GENAI_HF_CACHE": "cache"}
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as running:
        yield Process(running)
        running.stdin.close()  # type: ignore[union-attr]


def ask(words: Sequence[str], capsys: pytest.CaptureFixture[str]) -> Answer:
    """Give the command in this process; a traceback of ours is the caller's failure."""
    capsys.readouterr()
    began = time.perf_counter()
    code = cli.main(list(words))
    seconds = time.perf_counter() - began
    out = capsys.readouterr()
    return Answer(code, out.err.rstrip("\n"), out.out, seconds)


def require(case: Case, answer: Answer) -> None:
    """See that a case was answered as it says."""
    said = answer.said.removeprefix(f"genai-hf {case.words[0]}: ")
    assert answer.code == case.code, answer
    lines, expected = said.split("\n"), case.said.split("\n")
    assert len(lines) == len(expected), said
    for line, beginning in zip(lines, expected, strict=True):
        if beginning.endswith("…"):
            assert line.startswith(beginning.removesuffix("…")), line
        else:
            assert line == beginning
