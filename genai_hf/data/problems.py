"""What is wrong with data files, gathered so that all of it is said at once."""

from collections.abc import Sequence
from pathlib import Path

from genai_hf.errors import DataError

SHOWN = 20  # problems
LISTED = 8  # columns, where the right one is missing


class Problems:
    """Gathers one line a problem, ``path:row: problem; remedy``, and raises them together.

    Of several problems of the same row only the first is kept, since the others usually follow from it.
    """

    def __init__(self) -> None:
        self.count = 0
        self.whole_files = 0  # of which not a row is wrong, but all
        self._lines: list[str] = []
        self._last: tuple[Path, int | None] | None = None

    def add(self, file: Path, row: int | None, what: str) -> None:
        """Note that `what` is wrong in a row (counted from 1) of `file`, or in the file as a whole (None)."""
        if (file, row) == self._last:
            return
        self._last = (file, row)
        self.count += 1
        self.whole_files += row is None
        if self.count <= SHOWN:
            self._lines.append(f"{file}: {what}" if row is None else f"{file}:{row}: {what}")

    def raise_any(self) -> None:
        """Raise what was gathered, if anything was.

        Raises:
            DataError: The first problems, a line each, and the number of the others.
        """
        if self.count:
            others = [f"… and {self.count - SHOWN:,} more"] if self.count > SHOWN else []
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
    found = f"{count} columns" if count else "no column"
    return f"{found} '{column}' among {listed or 'none'}; {remedy}"


def clean(text: str) -> str:
    """Text without a byte order mark, its lines ending in a newline."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n")
