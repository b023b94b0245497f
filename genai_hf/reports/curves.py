"""Curves, points, bars and heat maps as SVG, for a page (`embed`) or as files of their own."""

import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from markupsafe import Markup

from genai_hf.reports.canvas import (
    EDGE,
    INK,
    LETTER,
    LINE,
    PALETTE,
    WIDE,
    canvas,
    colour,
    dashes,
    legend_places,
    rule,
    tidy,
)
from genai_hf.reports.sections import Figure
from genai_hf.reports.words import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_POINTS = 400
MOST_BARS = 40
PALE, DEEP = (0.34, 0.49, 0.64), (0.08, 0.19, 0.31)  # of a heat map: white text is readable on both
MARKED = 24  # a series of so few points shows each of them, unless it is a level

Points = list[tuple[float, float]]


def draw(figure: Figure, width: int = WIDE) -> str:
    """The figure, without its title and note, as an SVG document `width` px wide (430 or more)."""
    series = {tidy(name, 44): points for name, points in _drawable(figure).items() if points}
    if figure.kind == "bar" and all(len(points) == 1 for points in series.values()):
        return labelled_bars(
            figure.title, figure.y_label, {name: points[0][1] for name, points in series.items()}, width
        )
    lines = legend_places(list(series), width)[-1][1] + 1 if len(series) > 1 else 0
    top = 8 + LINE * (bool(figure.y_label) + lines) + 8
    with canvas(figure.title, width, round(width * (0.34 if width > 500 else 0.42)) + top + 44) as (sheet, document):
        for index, points in enumerate(series.values()):
            _draw_series(sheet.axes, figure.kind, points, index, len(series))
        whole = all(x == round(x) for points in series.values() for x, _ in points)
        names = rule(sheet.axes, (figure.log_x, figure.log_y), whole)
        sheet.margins(left=12 + LETTER * max(map(len, names), default=0), top=top, bottom=44)
        sheet.write(EDGE, 14, tidy(figure.y_label))
        sheet.write(-16, -12, tidy(figure.x_label), align="right")
        if lines:
            sheet.write_legend(list(series), 14 + LINE * bool(figure.y_label))
    return document.getvalue()


def labelled_bars(salt: str, label: str, bars: dict[str, float], width: int = WIDE) -> str:
    """One bar a name, its number at its end, as an SVG document; after forty the rest is left out."""
    shown = dict(list(bars.items())[:MOST_BARS])
    left_out = len(bars) - len(shown)
    top = 8 + LINE + 6
    with canvas(salt, width, top + 44 * len(shown) + 6 + LINE * bool(left_out)) as (sheet, document):
        places = range(len(shown))
        axes = sheet.axes
        axes.barh(list(places), list(shown.values()), height=0.32, color=PALETTE[0], alpha=0.85)
        axes.set(ylim=(len(shown) - 0.5, -0.7), xticks=[], yticks=[])
        axes.margins(x=0.12)
        axes.spines[:].set_visible(False)
        for place, (name, value) in enumerate(shown.items()):
            axes.annotate(name, (0, place), (0, 18), textcoords="offset pixels", va="center")
            axes.annotate(number(value), (value, place), (6, 0), textcoords="offset pixels", va="center")
        sheet.margins(left=EDGE, top=top, bottom=8 + LINE * bool(left_out))
        sheet.write(EDGE, 14, tidy(label))
        if left_out:
            sheet.write(EDGE, -12, f"and {left_out} more")
    return document.getvalue()


def heat_map(salt: str, label: str, names: tuple[list[str], list[str]], cells: Sequence[Sequence[float | None]]) -> str:
    """One cell a value, darker where it is higher, its number in it, as an SVG document.

    Args:
        salt: Makes its identifiers differ from another picture's.
        label: What the cells hold, what runs down and what across.
        names: Of the rows, of the columns.
        cells: Row by row; None stays empty.
    """
    rows, columns = ([tidy(name, 24) for name in part] for part in names)
    known = [value for line in cells for value in line if value is not None]
    low, span = min(known, default=0.0), (max(known, default=0.0) - min(known, default=0.0)) or 1.0
    with canvas(salt, WIDE, 2 * LINE + 36 * len(rows) + 32) as (sheet, document):
        for row, line in enumerate(cells):
            for column, value in enumerate(line):
                if value is not None:
                    _draw_cell(sheet.axes, column, row, (value - low) / span, number(value))
        axes = sheet.axes
        axes.set_xticks([place + 0.5 for place in range(len(columns))], columns)
        axes.set_yticks([place + 0.5 for place in range(len(rows))], rows)
        axes.set(xlim=(0, len(columns)), ylim=(len(rows), 0))
        axes.tick_params(length=0, pad=6)
        axes.spines[:].set_visible(False)
        sheet.margins(left=12 + LETTER * max(map(len, rows), default=0), top=2 * LINE, bottom=32)
        sheet.write(EDGE, 14, tidy(label, 100))
    return document.getvalue()


def embed(document: str) -> Markup:
    """An SVG document as an element of an HTML page whose style sheet chooses its font and colours.

    Text takes the page's colour; the colour of series i is the custom property ``--series-i``, counted from 0.
    """
    element = document[document.index("<svg") :]
    element = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>\s*", "", element, count=1, flags=re.DOTALL)
    element = re.sub(r"<svg[^>]*(viewBox=\"[^\"]*\")[^>]*>", r"<svg \1>", element, count=1)
    element = re.sub(r'<g id="[^"]*"', "<g", element).replace("xlink:href=", "href=")
    element = re.sub(r" transform=\"rotate\(-0 [^\"]*\"", "", element).replace(" font-family: 'DejaVu Sans';", "")
    element = element.replace(f": {INK}", ": currentColor")
    for index, tone in enumerate(PALETTE):
        element = element.replace(f": {tone}", f": var(--series-{index})")
    return Markup(element)


def thin(points: Points, most: int = MOST_POINTS) -> Points:
    """At most `most` of the points, keeping the ends and the extremes, so that a spike stays visible."""
    if len(points) <= most:
        return points
    buckets = most // 2 - 1
    kept = {0, len(points) - 1}
    for bucket in range(buckets):
        places = range(bucket * len(points) // buckets, (bucket + 1) * len(points) // buckets)
        kept |= {min(places, key=lambda place: points[place][1]), max(places, key=lambda place: points[place][1])}
    return [points[place] for place in sorted(kept)]


def _drawable(figure: Figure) -> dict[str, Points]:
    def fits(point: tuple[float, float]) -> bool:
        x, y = point
        return math.isfinite(x) and math.isfinite(y) and (x > 0 or not figure.log_x) and (y > 0 or not figure.log_y)

    return {name: thin([point for point in points if fits(point)]) for name, points in figure.series.items()}


def _draw_cell(axes: "Axes", column: int, row: int, share: float, text: str) -> None:
    from matplotlib.patches import Rectangle

    shade = [pale + share * (deep - pale) for pale, deep in zip(PALE, DEEP, strict=True)]
    axes.add_patch(Rectangle((column + 0.01, row + 0.04), 0.98, 0.92, facecolor=shade, linewidth=0))
    axes.text(column + 0.5, row + 0.5, text, ha="center", va="center", color="white")


def _draw_series(axes: "Axes", kind: str, points: Points, index: int, count: int) -> None:
    xs, ys = [x for x, _ in points], [y for _, y in points]
    if kind == "bar":
        gap = min((b - a for a, b in zip(sorted(set(xs)), sorted(set(xs))[1:], strict=False)), default=1.0)
        width = 0.8 * gap / count
        axes.bar([x + (index - (count - 1) / 2) * width for x in xs], ys, width, color=colour(index))
    else:
        level = len(points) > 1 and len(set(ys)) == 1
        marker = "o" if kind == "scatter" or (len(points) <= MARKED and not level) else ""
        line = dashes(index) if kind == "line" else ""
        width = 1.4 if len(points) > 100 else 1.9  # noise is drawn finer
        axes.plot(xs, ys, linestyle=line, linewidth=width, marker=marker, color=colour(index))
