"""A mistake, the command that makes it, and what the command must answer. docs/errors.md is made of the same cases."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from genai_hf import cli

MENDABLE = 2


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
    """What came of a command: its exit code, what it said on standard error, what it printed, and the seconds."""

    code: int
    said: str
    printed: str
    seconds: float


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
