"""Tables and figures that a recipe leaves in its run folder, for the report to show in the order they were left."""

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from genai_hf import files
from genai_hf.errors import DataError

FILE = "sections.json"


@dataclass(frozen=True)
class Table:
    """Rows under named columns.

    Args:
        title: Heading; a section saved under the title of another replaces it.
        columns: One heading a column.
        rows: One cell a column; None where there is nothing to say.
        note: A sentence below the table.

    Raises:
        ValueError: A row has more or fewer cells than there are columns.
    """

    title: str
    columns: list[str]
    rows: list[list[str | int | float | None]]
    note: str = ""

    def __post_init__(self) -> None:
        for index, row in enumerate(self.rows):
            if len(row) != len(self.columns):
                wanted, given = len(self.columns), len(row)
                raise ValueError(f"table {self.title!r}: row {index} has {given} cells, there are {wanted} columns")


@dataclass(frozen=True)
class Figure:
    """Named series of points over one pair of axes.

    Args:
        title: Heading; a section saved under the title of another replaces it.
        x_label: What runs along the horizontal axis, with its unit.
        y_label: What runs along the vertical axis, with its unit.
        series: Name to points (x, y); points that are not finite are not drawn.
        note: A sentence below the figure.
        log_x: Logarithmic horizontal axis; points with x <= 0 are not drawn.
        log_y: Logarithmic vertical axis; points with y <= 0 are not drawn.
        kind: `bar` with one point a series draws one labelled bar a series, else bars stand at their x.
    """

    title: str
    x_label: str
    y_label: str
    series: dict[str, list[tuple[float, float]]]
    note: str = ""
    log_x: bool = False
    log_y: bool = False
    kind: Literal["line", "scatter", "bar"] = "line"


def save(folder: Path, section: Table | Figure) -> None:
    """Add `section` to the folder's sections, or put it where the one of the same title stood.

    Raises:
        DataError: The sections already there cannot be read.
    """
    stored = _stored(folder)
    entry = finite({"section": "table" if isinstance(section, Table) else "figure", **asdict(section)})
    places = [index for index, other in enumerate(stored) if other["title"] == section.title]
    if places:
        stored[places[0]] = entry
    else:
        stored.append(entry)
    folder.mkdir(parents=True, exist_ok=True)
    files.write_text(folder / FILE, json.dumps(stored, indent=1, allow_nan=False) + "\n")


def load(folder: Path) -> list[Table | Figure]:
    """Sections of the folder in order; none where none were left.

    Raises:
        DataError: The file is not what `save` writes.
    """
    try:
        return [_section(entry) for entry in _stored(folder)]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"{folder / FILE}: not a list of tables and figures ({error}); delete it") from error


def finite(value: Any) -> Any:
    """The same JSON value with None for every number that is infinite or not a number."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    return value


def _stored(folder: Path) -> list[dict[str, Any]]:
    path = folder / FILE
    if not path.exists():
        return []
    try:
        stored = finite(json.loads(path.read_text(encoding="utf-8")))
    except ValueError as error:
        raise DataError(f"{path}: not JSON ({error}); delete it") from error
    if not isinstance(stored, list) or not all(isinstance(entry, dict) and "title" in entry for entry in stored):
        raise DataError(f"{path}: not a list of tables and figures; delete it")
    return stored


def _section(entry: dict[str, Any]) -> Table | Figure:
    fields = {key: value for key, value in entry.items() if key != "section"}
    if entry["section"] == "table":
        return Table(**fields)
    points = {
        name: [(float(x), float(y)) for x, y in pairs if x is not None and y is not None]
        for name, pairs in fields.pop("series").items()
    }
    return Figure(**fields, series=points)
