"""What the tests are told: every message to the user that is raised while they run, for docs/errors.md.

GENAI_HF_ERRORS=messages.jsonl python -m pytest && python tests/refusals/explain.py messages.jsonl
"""

import atexit
import json
import os
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

import genai_hf
from genai_hf.data.problems import Problems
from genai_hf.errors import NoRoomError, UserError

PACKAGE = Path(genai_hf.__file__).parent


_noted: list[str] = []


def begin(file: Path) -> None:
    """Note each message to the user that is made from now on in this process, and write them down when it ends."""
    atexit.register(_write, file)  # no sooner: tests of what writes files would see it
    for kind in (UserError, NoRoomError):
        kind.__init__ = _noting(kind.__init__)  # type: ignore[method-assign]
    add = Problems.add

    def adding(problems: Problems, place: Path, row: int | None, what: str) -> None:
        _note(_caller(), f"{place.name}: {what}" if row is None else f"{place.name}:{row}: {what}")
        add(problems, place, row, what)

    Problems.add = adding  # type: ignore[method-assign]


def _noting(init: Any) -> Any:
    def noting(error: BaseException, *given: Any) -> None:
        init(error, *given)
        if given:
            _note(_of_part(sys.exception()) or _caller(), str(given[0]))

    return noting


def _note(where: str | None, said: str) -> None:
    test = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" (")[0].partition("::")[2].partition("[")[0]
    if where is not None:
        _noted.append(json.dumps({"where": where, "said": said, "test": test}))


def _write(file: Path) -> None:
    with file.open("a", encoding="utf-8") as stream:  # of each process at once
        stream.write("".join(f"{line}\n" for line in _noted))


def _of_part(error: BaseException | None) -> str | None:
    """Where a part refused a value, which the door from settings to parts says again with the key before it."""
    last: TracebackType | None = error.__traceback__ if type(error) is ValueError else None
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    return _named(last.tb_frame) if last is not None else None


def _caller() -> str | None:
    frame = sys._getframe(2)
    while frame is not None and _named(frame) is None and frame.f_back is not None:
        frame = frame.f_back
    return _named(frame)


def _named(frame: Any) -> str | None:
    """``data.files.find`` for a function of the package, None for any other."""
    code = frame.f_code
    path = Path(code.co_filename)
    if not path.is_relative_to(PACKAGE):
        return None
    module = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
    return f"{module}.{code.co_qualname.replace('<locals>.', '')}:{frame.f_lineno}"
