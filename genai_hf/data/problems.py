"""What is wrong with data files, gathered so that all of it is said at once."""

import difflib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from genai_hf.errors import DataError

SHOWN = 20  # problems
NO_COLUMN = "no column"
LISTED = 8  # columns, where the right one is missing


class Problems:
    """Gathers one line a problem, ``path:row: problem; remedy``, and raises them together.

    Of several problems of the same row only the first is kept, since the others usually follow from it.
    """

    def __init__(self) -> None:
        self.count = 0
        self.whole_files = 0  # of which not a row is wrong, but all
        self._lines: list[str] = []
        self._lacking: Counter[tuple[Path, str]] = Counter()
        self._last: tuple[Path, int | None] | None = None

    def add(self, file: Path, row: int | None, what: str) -> None:
        """Note that `what` is wrong in a row (counted from 1) of `file`, or in the file as a whole (None)."""
        if (file, row) == self._last:
            return
        self._last = (file, row)
        self.count += 1
        if what.startswith(NO_COLUMN):  # the same in every row: said once
            self._lacking[file, what] += 1
            if self._lacking[file, what] > 1:
                return
        self.whole_files += row is None
        if len(self._lines) < SHOWN:
            self._lines.append(f"{file}: {what}" if row is None else f"{file}:{row}: {what}")

    def raise_any(self) -> None:
        """Raise what was gathered, if anything was.

        Raises:
            DataError: The first problems, a line each, and the number of the others.
        """
        if self.count:
            again = sum(self._lacking.values()) - len(self._lacking)
            others = [f"… and {self.count - again - SHOWN:,} more"] if self.count - again > SHOWN else []
            raise DataError("\n".join([*self._lines, *others]))


def fault(value: object) -> str | None:
    """What is wrong with a value that should be text, and what to do; None where nothing is."""
    if value is None:
        return "is null; leave the row out"
    if not isinstance(value, str):
        return f"is {value!r:.40}; write it as a string"
    if not value.strip("\ufeff \t\r\n"):
        return "is empty; leave the row out"
    if "\0" in value:
        return "holds a NUL character; take it out"
    try:
        value.encode()
    except UnicodeEncodeError:
        return "holds half a character (a lone surrogate); write it as UTF-8"
    return None


def column_fault(column: str, columns: Sequence[str], remedy: str = "name another: data.column=…") -> str | None:
    """What is wrong if `column` does not stand once among `columns`, and what to do."""
    count = columns.count(column)
    if count == 1:
        return None
    listed = ", ".join(columns[:LISTED]) + (", …" if len(columns) > LISTED else "")
    found = f"{count} columns" if count else NO_COLUMN
    near = difflib.get_close_matches(column, columns, n=1, cutoff=0.6) if not count else []
    remedy = f"did you mean '{near[0]}'? {remedy}" if near else remedy
    return f"{found} '{column}' among {listed or 'none'}; {remedy}"


def clean(text: str) -> str:
    """Text without a byte order mark, its lines ending in a newline."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n")
