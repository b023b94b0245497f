"""A sweep's runs side by side: one table, one picture, as a page and as files for other programs."""

import csv
import io
import json
import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from genai_hf.errors import UserError
from genai_hf.files import write_text
from genai_hf.reports import pages, sections
from genai_hf.reports.comparison import Comparison, Result
from genai_hf.reports.curves import embed
from genai_hf.reports.run_folder import deciding, final_metrics
from genai_hf.reports.sweep_picture import picture

FILE = "sweep.json"
PICTURE = "summary.svg"  # that a recipe's own summary has left; it stands in place of ours


@dataclass(frozen=True)
class SweepCell:
    """One run of a sweep.

    Args:
        overrides: Dotted key to value, as the command had them.
        folder: The run's folder, whether or not it is there yet.
        error: Why the run failed; None where it did not.
    """

    overrides: dict[str, str]
    folder: Path
    error: str | None = None


def write_sweep(folder: Path, title: str, runs: list[SweepCell]) -> Path:
    """Write ``sweep.json``, ``sweep.csv``, ``sweep.md``, ``sweep.svg`` and ``report.html`` into `folder`.

    The picture shows the main metric: the one that decides in the runs, ``eval_loss`` unless their settings name
    another, else the first metric of an evaluation, else the first. It is left out while no run has finished.

    Returns:
        Path of ``report.html``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    places = [_relative(run.folder, folder) for run in runs]
    cells = [
        {"overrides": run.overrides, "folder": place, "error": run.error}
        for run, place in zip(runs, places, strict=True)
    ]
    write_text(folder / FILE, json.dumps({"title": title, "cells": cells}, indent=1) + "\n")
    sweep = Comparison(
        [Result(run.overrides, _metrics(run), run.folder.is_dir(), run.error, deciding(run.folder)) for run in runs]
    )
    write_text(folder / "sweep.csv", _csv(sweep.results, places))
    return _write_pages(folder, title, sweep, [run.folder for run in runs])


def load_sweep(folder: Path) -> tuple[str, list[SweepCell]]:
    """Title and runs of a sweep that `write_sweep` wrote.

    Raises:
        UserError: The folder holds no sweep, or its ``sweep.json`` is damaged.
    """
    path = folder / FILE
    if not path.is_file():
        raise UserError(f"{folder}: not a sweep's folder (it has no {FILE})")
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        return stored["title"], [
            SweepCell(cell["overrides"], Path(os.path.normpath(folder / cell["folder"])), cell["error"])
            for cell in stored["cells"]
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path}: not a sweep's list of runs ({error}); run the sweep again") from error


def _metrics(run: SweepCell) -> dict[str, float] | None:
    """A run's final numbers; None where it failed, which may be because of them."""
    return None if run.error else final_metrics(run.folder)


def _write_pages(folder: Path, title: str, sweep: Comparison, runs: list[Path]) -> Path:
    own, path = folder / PICTURE, folder / "report.html"
    drawing = own.read_text(encoding="utf-8") if own.is_file() else picture(sweep)
    if drawing:
        write_text(folder / "sweep.svg", drawing)
    else:
        (folder / "sweep.svg").unlink(missing_ok=True)
    links = [_link(run, folder, "report.md") for run in runs]
    shared = {"title": title, "sweep": sweep, "summary": sections.load(folder), "pictured": drawing is not None}
    write_text(folder / "sweep.md", pages.markdown("sweep.md.jinja", links=links, **shared))
    links, svg = [_link(run, folder, "report.html") for run in runs], embed(drawing) if drawing else None
    write_text(path, pages.html("sweep.html.jinja", links=links, drawing=svg, **shared))
    return path


def _csv(results: list[Result], folders: list[str]) -> str:
    """All overrides and all metrics, unrounded, one row a run."""
    names = list(dict.fromkeys(name for result in results for name in result.overrides))
    metrics = list(dict.fromkeys(key for result in results for key in result.metrics or {}))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*names, "state", *metrics, "folder", "error"])
    for result, folder in zip(results, folders, strict=True):
        overrides = [result.overrides.get(name, "") for name in names]
        values = [(result.metrics or {}).get(key, "") for key in metrics]
        writer.writerow([*overrides, result.state, *values, folder, result.error or ""])
    return text.getvalue().encode("utf-8", errors="replace").decode("utf-8")


def _relative(path: Path, start: Path) -> str:
    return Path(os.path.relpath(path.resolve(), start.resolve())).as_posix()


def _link(run: Path, start: Path, page: str) -> str:
    """Relative address of a run's page; empty where it has none."""
    return quote(_relative(run / page, start)) if (run / page).is_file() else ""
