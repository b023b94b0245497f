"""What is wrong with data files, gathered so that all of it is said at once."""

from pathlib import Path

from genai_hf.errors import DataError

SHOWN = 20


class Problems:
    """Gathers one line a problem, ``path:row: problem; remedy``, and raises them together.

    Of several problems of the same row only the first is kept, since the others usually follow from it.
    """

    def __init__(self) -> None:
        self.count = 0
        self._lines: list[str] = []
        self._last: tuple[Path, int | None] | None = None

    def add(self, file: Path, row: int | None, what: str) -> None:
        """Note that `what` is wrong in a row (counted from 1) of `file`, or in the file as a whole (None)."""
        if (file, row) == self._last:
            return
        self._last = (file, row)
        self.count += 1
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
