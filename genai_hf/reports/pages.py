"""Templates to text. What comes from a run is escaped wherever it is put in, in HTML and in Markdown alike."""

import functools
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from genai_hf.reports.sections import Figure, Table
from genai_hf.reports.words import number

LONGEST_CELL = 2000  # letters; a page stays a page whatever a sample holds
UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202d\u202e\ud800-\udfff]")
BLOCKS = "▁▂▃▄▅▆▇█"
Cell = str | int | float | None


class Markdown(str):
    """Text that is Markdown already and is not escaped again."""

    __slots__ = ()


def html(template: str, **values: object) -> str:
    """A page of `template`; every value is escaped unless it is `Markup`."""
    return _environment("html").get_template(template).render(**values)


def markdown(template: str, **values: object) -> str:
    """A text of `template`; every value is escaped unless it is `Markdown`."""
    return _environment("markdown").get_template(template).render(**values)


def cell(value: Cell) -> str:
    """A cell as text: numbers with few digits, nothing as a dash, long text cut."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return number(value)
    text = UNPRINTABLE.sub("\ufffd", str(value).replace("\r\n", "\n").replace("\r", "\n"))
    return text if len(text) <= LONGEST_CELL else f"{text[:LONGEST_CELL]}… ({len(text):,} letters)"


def numeric(table: Table) -> list[bool]:
    """Which columns hold numbers, or numbers made into text, and are read best flush right; the first names its row."""
    columns = [[row[place] for row in table.rows if row[place] is not None] for place in range(1, len(table.columns))]
    return [False, *(bool(column) and all(map(_looks_numeric, column)) for column in columns)]


def escape_markdown(text: object) -> Markdown:
    """`text` as Markdown that shows it letter by letter, on one line, so that it may stand in a table."""
    if isinstance(text, Markdown):
        return text
    escaped = re.sub(r"([\\`*\[\]|~])|((?<![^\W_])_|_(?![^\W_]))", r"\\\g<0>", cell(str(text)).strip())
    escaped = re.sub(r"^(#{1,6}(?=\s|$)|>|[-+=](?=[-+=\s]|$))", r"\\\1", escaped)
    escaped = re.sub(r"&(?=#?\w+;)", "&amp;", escaped).replace("<", "&lt;").replace("$", r"\$")
    return Markdown("<br>".join(escaped.splitlines()))


def fenced(text: str, language: str = "") -> Markdown:
    """`text` as a block of code, its fence longer than any run of backticks within."""
    body = UNPRINTABLE.sub("\ufffd", text).strip()
    fence = "`" * max(3, 1 + max(map(len, re.findall(r"`+", body)), default=0))
    return Markdown(f"{fence}{language}\n{body}\n{fence}")


def markdown_table(table: Table, links: Sequence[str] = (), linked: int = 0) -> Markdown:
    """The table with pipes, columns of numbers flush right; cell `linked` of row i leads to ``links[i]``."""
    rule = ["---:" if right else "---" for right in numeric(table)]
    body = [[escape_markdown(cell(value)) for value in row] for row in table.rows]
    for row, link in zip(body, links, strict=bool(links)):
        row[linked] = Markdown(f"[{row[linked]}]({link})") if link else row[linked]
    lines: list[Sequence[str]] = [[escape_markdown(name) for name in table.columns], rule, *body]
    return Markdown("\n".join("| " + " | ".join(line) + " |" for line in lines))


def markdown_figure(figure: Figure) -> Markdown:
    """What a figure shows, in letters: each series' ends, extremes and shape, or its one value."""
    series = {name: [y for _, y in points if math.isfinite(y)] for name, points in figure.series.items()}
    series = {name: values for name, values in series.items() if values}
    if all(len(values) == 1 for values in series.values()):
        single: list[list[Cell]] = [[name, values[0]] for name, values in series.items()]
        return markdown_table(Table(figure.title, [figure.x_label, figure.y_label or "value"], single))
    rows: list[list[Cell]] = [
        [name, values[0], min(values), max(values), values[-1], sparkline(values, figure.log_y)]
        for name, values in series.items()
    ]
    unit = f" ({figure.y_label})" if figure.y_label else ""
    columns = [f"over {figure.x_label or 'x'}{unit}", "first", "lowest", "highest", "last", "shape"]
    return markdown_table(Table(figure.title, columns, rows))


def sparkline(values: Sequence[float], logarithmic: bool = False, width: int = 24) -> str:
    """The values' shape in at most `width` letters, from ▁ (lowest) to █ (highest)."""
    heights = [math.log(value) for value in values if value > 0] if logarithmic else list(values)
    count = min(width, len(heights))
    slices = [heights[i * len(heights) // count : (i + 1) * len(heights) // count] for i in range(count)]
    means = [sum(part) / len(part) for part in slices]
    low, span = min(means, default=0), (max(means, default=0) - min(means, default=0)) or 1.0
    return "".join(BLOCKS[min(7, int(8 * (mean - low) / span))] for mean in means)


def _looks_numeric(value: Cell) -> bool:
    return not isinstance(value, str) or re.fullmatch(r"[-+]?[\d,.]+(e-?\d+)?%?|–", value) is not None


@functools.cache
def _environment(kind: str) -> Environment:
    finalize: dict[str, Any] = {} if kind == "html" else {"finalize": escape_markdown}
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=kind == "html",
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        **finalize,
    )
    environment.filters |= {
        "cell": cell,
        "numeric": numeric,
        "fenced": fenced,
        "markdown_table": markdown_table,
        "markdown_figure": markdown_figure,
        "markup": Markup,
    }
    return environment
