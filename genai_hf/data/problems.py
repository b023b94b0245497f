"""What is wrong with data files, gathered so that all of it is said at once."""

import difflib
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from genai_hf.errors import ConfigError, DataError

SHOWN = 20  # problems
NO_COLUMN = "no column"
WIDTH = 40  # letters of a value
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


def shown(value: object) -> str:
    """A value as Python writes it, cut to what one line has room for."""
    text = f"{value!r:.{WIDTH + 1}}"
    return text if len(text) <= WIDTH else f"{text[: WIDTH - 1]}…"


def fault(value: object) -> str | None:
    """What is wrong with a value that should be text, and what to do; None where nothing is."""
    if value is None:
        return "is null; leave the row out"
    if not isinstance(value, str):
        return f"is {shown(value)}; write it as a string"
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
    near = difflib.get_close_matches(column, columns, n=1, cutoff=0.7) if not count else []
    remedy = f"did you mean '{near[0]}'? {remedy}" if near else remedy
    return f"{found} '{column}' among {listed or 'none'}; {remedy}"


def require_seen(rename: Iterable[str], seen: Iterable[str]) -> None:
    """See that each name that stands for another is of a column of some file.

    Raises:
        ConfigError: One is not.
    """
    columns = sorted(set(seen))
    for name in rename:
        if name not in columns:
            raise ConfigError(f"'data.rename': {column_fault(name, columns, 'leave it out, or mend it')}")


def clean(text: str) -> str:
    """Text without a byte order mark, its lines ending in a newline."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n")
