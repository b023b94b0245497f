"""The one style of every picture: pale rules, names above and below the axes, colours for light and for dark pages.

The same picture gives the same bytes: identifiers are salted with its title, and no date is written.
"""

import io
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure
    from matplotlib.typing import RcKeyType

INK = "#7d8590"  # a grey with the same contrast to white as to black
# Blue, vermilion, bluish green, reddish purple, amber, slate: told apart with every common colour blindness.
PALETTE = ("#2f7ec0", "#d55e00", "#009e73", "#b8629a", "#b8860b", "#64748b")
STYLE: "dict[RcKeyType, Any]" = {
    "axes.edgecolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.left": False,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.unicode_minus": True,
    "axes.xmargin": 0.01,
    "font.family": "DejaVu Sans",
    "font.size": 11,
    "lines.linewidth": 1.8,
    "lines.markersize": 4.5,
    "svg.fonttype": "none",
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": INK,
    "ytick.color": INK,
}
DASHES: tuple[Literal["solid", "dashed", "dotted"], ...] = ("solid", "dashed", "dotted")
NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))
WIDE, NARROW = 640, 430  # px
EDGE = 2.0  # px, where names above the axes begin
LINE = 18  # px from one line of text to the next
LETTER = 6.6  # px, mean width of a letter


@dataclass(frozen=True)
class Canvas:
    """A picture of so many px with one pair of axes on a transparent ground."""

    width: float
    height: float
    figure: "Figure"
    axes: "Axes"

    def margins(self, left: float, top: float, bottom: float, right: float = 16) -> None:
        """Leave so many px around the axes."""
        size = ((self.width - left - right) / self.width, (self.height - top - bottom) / self.height)
        self.axes.set_position((left / self.width, bottom / self.height, *size))

    def write(self, x: float, y: float, text: str, align: Literal["left", "right"] = "left") -> None:
        """Put `text` at so many px from the left and from the top (negative: from the right and the bottom)."""
        across, down = x if x >= 0 else self.width + x, y if y >= 0 else self.height + y
        self.figure.text(across / self.width, 1 - down / self.height, text, ha=align, va="center")

    def write_legend(self, names: Sequence[str], top: float) -> None:
        """Name the series, the first line `top` px below the upper edge."""
        from matplotlib.lines import Line2D

        for index, (x, line) in enumerate(legend_places(names, self.width)):
            down = top + line * LINE
            across, up = [x / self.width, (x + 14) / self.width], [1 - down / self.height] * 2
            self.figure.add_artist(Line2D(across, up, color=colour(index), linestyle=dashes(index), linewidth=3))
            self.write(x + 20, down, names[index])


@contextmanager
def canvas(salt: str, width: float, height: float) -> Iterator[tuple[Canvas, io.StringIO]]:
    """A canvas to draw on; its SVG document is in the buffer once the block is left."""
    import matplotlib
    from matplotlib.figure import Figure

    document, style = io.StringIO(), STYLE.copy()
    style["svg.hashsalt"] = ascii(salt)
    with matplotlib.rc_context(style), warnings.catch_warnings():
        # The reader's own fonts draw the text; these here only estimate its width.
        warnings.filterwarnings("ignore", message="Glyph .* missing", category=UserWarning)
        figure = Figure(figsize=(width / 72, height / 72))
        yield Canvas(width, height, figure, figure.add_subplot()), document
        figure.savefig(document, format="svg", transparent=True, metadata=NO_METADATA)


def legend_places(names: Sequence[str], width: float) -> list[tuple[float, int]]:
    """Px from the left and line of each name, as many to a line as fit into `width` px."""
    places: list[tuple[float, int]] = []
    x, line = EDGE, 0
    for name in names:
        needed = 36 + 1.3 * LETTER * len(name)  # pages may set the letters larger
        if x + needed > width and x > EDGE:
            x, line = EDGE, line + 1
        places.append((x, line))
        x += needed
    return places


def rule(axes: "Axes", logarithmic: tuple[bool, bool], whole_x: bool) -> list[str]:
    """Scale both axes, draw pale lines across, name the ticks; the names of the vertical ones, from below."""
    from matplotlib.ticker import LogLocator, MaxNLocator

    axes.set(xscale="log" if logarithmic[0] else "linear", yscale="log" if logarithmic[1] else "linear")
    for axis, is_log in zip((axes.xaxis, axes.yaxis), logarithmic, strict=True):
        whole = axis is axes.xaxis and whole_x
        low, high = axis.get_view_interval()
        steps = (1.0,) if is_log and high > 100 * low else (1.0, 2.0, 5.0)
        linear = MaxNLocator(6, steps=[1, 2, 2.5, 5, 10], integer=whole)
        axis.set_major_locator(LogLocator(subs=steps, numticks=7) if is_log else linear)
    axes.minorticks_off()
    axes.tick_params(length=0, pad=6)
    axes.grid(axis="y", color=INK, alpha=0.25, linewidth=0.8)
    axes.set_axisbelow(True)
    _name_ticks(axes.xaxis)
    return _name_ticks(axes.yaxis)


def tick_names(ticks: Sequence[float]) -> list[str]:
    """Numbers with the same decimals, as few as tell neighbours apart."""
    gap = min((abs(b - a) for a, b in pairwise(ticks)), default=1.0)
    if max(map(abs, ticks), default=0) < 1e-3:
        return [f"{tick:g}".replace("e-0", "e-") for tick in ticks]
    decimals = next((digits for digits in range(7) if abs(round(gap, digits) - gap) < gap * 1e-3), 7)
    return [f"{tick:,.{decimals}f}" for tick in ticks]


def colour(index: int) -> str:
    """Colour of a series by its place."""
    return PALETTE[index % len(PALETTE)]


def dashes(index: int) -> Literal["solid", "dashed", "dotted"]:
    """Line style of a series: where the colours repeat, dashes tell them apart."""
    return DASHES[index // len(PALETTE) % 3]


def tidy(text: str, longest: int = 60) -> str:
    """A label on one line: what cannot be printed becomes a space, what is too long is cut."""
    line = "".join(letter if letter.isprintable() else " " for letter in text).strip()
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def _name_ticks(axis: "Axis") -> list[str]:
    low, high = sorted(axis.get_view_interval())
    slack = (high - low) * 1e-6
    ticks = [float(tick) for tick in axis.get_majorticklocs() if low - slack <= tick <= high + slack]
    log = axis.get_scale() == "log"
    names = [_power_name(tick) for tick in ticks] if log else tick_names(ticks)
    axis.set_ticks(ticks, names)
    return names


def _power_name(tick: float) -> str:
    return f"{tick:,.10g}" if tick >= 0.01 else f"{tick:.0e}".replace("e-0", "e-")
