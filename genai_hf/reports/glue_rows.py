"""Runs of a GLUE sweep by their settings: one row each, with the scores of all tasks over seeds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from genai_hf.metrics.averages import AVERAGES, Score
from genai_hf.metrics.repeats import Repeats
from genai_hf.reports.run_folder import final_metrics
from genai_hf.reports.sweep import SweepCell

COLUMNS: dict[str, Score] = {
    "MNLI-m": ("mnli", "accuracy"),
    "MNLI-mm": ("mnli", "mismatched_accuracy"),
    "QQP": ("qqp", "f1"),
    "QNLI": ("qnli", "accuracy"),
    "SST-2": ("sst2", "accuracy"),
    "CoLA": ("cola", "matthews"),
    "STS-B": ("stsb", "spearman"),
    "MRPC": ("mrpc", "f1"),
    "RTE": ("rte", "accuracy"),
    "WNLI": ("wnli", "accuracy"),
}


@dataclass(frozen=True)
class Row:
    """Runs of one setting.

    Attributes:
        name: What sets it apart from the others, in words.
        runs: Finished runs by task: seed, folder and numbers of each.
    """

    name: str
    runs: dict[str, list[tuple[str, Path, dict[str, float]]]] = field(default_factory=dict)

    def repeats(self, score: Score) -> Repeats | None:
        """Scores over seeds in points of 100; None where no run has finished."""
        task, metric = score
        found = [100 * m[f"eval_{metric}"] for _, _, m in self.runs.get(task, []) if f"eval_{metric}" in m]
        return Repeats(found) if found else None

    def means(self) -> dict[Score, float]:
        """The mean of every score that any average asks for and that as many runs have as any other."""
        asked = {score for groups in AVERAGES.values() for group in groups for score in group}
        found = {score: repeats for score in asked if (repeats := self.repeats(score))}
        most = max((len(repeats.scores) for repeats in found.values()), default=0)
        return {score: repeats.mean for score, repeats in found.items() if len(repeats.scores) == most}


def rows_of(cells: Sequence[SweepCell]) -> list[Row]:
    """The finished runs by their settings but for task and seed, in the order of the command."""
    varying = [
        name
        for name in dict.fromkeys(name for cell in cells for name in cell.overrides)
        if name.rpartition(".")[2] not in {"seed", "task"} and len({cell.overrides.get(name) for cell in cells}) > 1
    ]
    found: dict[str, Row] = {}
    for cell in cells:
        name = ", ".join(f"{key}={_value(cell.overrides.get(key))}" for key in varying) or "this sweep"
        row = found.setdefault(name, Row(name))
        metrics, settings = None if cell.error else final_metrics(cell.folder), _settings(cell.folder)
        if metrics is not None and settings.get("task"):
            row.runs.setdefault(settings["task"]["name"], []).append((str(settings["seed"]), cell.folder, metrics))
    return list(found.values())


def columns_of(found: Sequence[Row]) -> dict[str, Score]:
    """Of GLUE's columns those that are there, and one for each other task."""
    tasks = {task for row in found for task in row.runs}
    columns = {column: score for column, score in COLUMNS.items() if score[0] in tasks}
    others = sorted(tasks - {score[0] for score in columns.values()})
    return columns | {task: (task, _deciding(found, task)) for task in others}


def _value(given: str | None) -> str:
    """An override's value as the command has it: Hydra writes true and false as Python does."""
    return "as shipped" if given is None else given.lower() if given in {"True", "False"} else given


def _deciding(found: Sequence[Row], task: str) -> str:
    folder = next(runs[0][1] for row in found if (runs := row.runs.get(task)))
    return str(_settings(folder)["task"]["metric"])


def _settings(folder: Path) -> Mapping[str, Any]:
    path = folder / "config.yaml"
    known = yaml.safe_load(path.read_text(encoding="utf-8")) if path.is_file() else None
    return known if isinstance(known, dict) else {}
