"""One picture of a sweep: how its main metric depends on what varied."""

import re
import statistics

from genai_hf.reports.comparison import Comparison
from genai_hf.reports.curves import draw, heat_map, labelled_bars
from genai_hf.reports.sections import Figure
from genai_hf.reports.words import is_share, metric_name

NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
WIDE_RANGE = 30  # a setting whose values span more than this factor has a logarithmic axis


def picture(sweep: Comparison) -> str | None:
    """The main metric as an SVG document; None while no run has finished.

    A line over one numeric setting, a heat map over two settings, otherwise one bar a setting. Runs that differ
    only by seed are averaged; the line shows their lowest and highest too.
    """
    if sweep.main is None:
        return None
    scale = 100 if _in_percent(sweep) else 1
    groups = {values: [scale * score for score in scores] for values, scores in sweep.groups.items()}
    label = metric_name(sweep.main) + (", percent" if scale == 100 else "")
    if len(sweep.settings) == 1 and len(groups) > 1 and all(NUMBER.fullmatch(value) for (value,) in groups):
        return draw(_line(sweep.settings[0], label, {float(value): scores for (value,), scores in groups.items()}))
    means = {values: statistics.fmean(scores) for values, scores in groups.items()}
    if len(sweep.settings) == 2:
        return _heat_map(sweep, label, means)
    names = {values: ", ".join(map("=".join, zip(sweep.settings, values, strict=True))) for values in means}
    return labelled_bars("sweep", label, {names[values] or "run": mean for values, mean in means.items()})


def _line(setting: str, label: str, scores: dict[float, list[float]]) -> Figure:
    places = sorted(scores)
    repeated = any(len(values) > 1 for values in scores.values())
    series = {"mean": [(place, statistics.fmean(scores[place])) for place in places]}
    if repeated:
        series["lowest"] = [(place, min(scores[place])) for place in places]
        series["highest"] = [(place, max(scores[place])) for place in places]
    wide = places[0] > 0 and places[-1] / places[0] > WIDE_RANGE
    return Figure("sweep", setting, label, series, log_x=wide)


def _heat_map(sweep: Comparison, label: str, means: dict[tuple[str, ...], float]) -> str:
    rows, columns = (list(dict.fromkeys(values[axis] for values in means)) for axis in (0, 1))
    cells = [[means.get((row, column)) for column in columns] for row in rows]
    down, across = sweep.settings
    return heat_map("sweep", f"{label}; down: {down}, across: {across}", (rows, columns), cells)


def _in_percent(sweep: Comparison) -> bool:
    scores = [score for group in sweep.groups.values() for score in group]
    return is_share(sweep.main or "") and all(0 <= score <= 1 for score in scores)
