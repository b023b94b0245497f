"""A run folder as the report sees it: whatever of its files is there, and the names of those that are not."""

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from genai_hf import final_numbers
from genai_hf.errors import DataError, UserError
from genai_hf.reports import sections
from genai_hf.reports.sections import Figure, Table, finite
from genai_hf.settings.yaml_nodes import composed

MARKS = ("config.yaml", "command.txt", "fingerprint.json", "metrics.jsonl", "metrics.json", sections.FILE)
OWED = MARKS[:3]  # the others come with training, at the end, or only from some recipes


@dataclass
class Run:
    """What a run folder holds.

    Args:
        folder: Where it lies; its last two names are the recipe's and the run's.
        config: The resolved settings.
        config_text: The same as written.
        command: The command line that made it.
        fingerprint: Versions, data files and hardware, each by name.
        log: Log and evaluation lines in the order written.
        metrics: Final numbers; empty while the run is unfinished.
        sections: Tables and figures that the recipe left.
        problems: Files that are missing or damaged, one sentence each.
    """

    folder: Path
    config: dict[str, Any] = field(default_factory=dict)
    config_text: str = ""
    command: str = ""
    fingerprint: dict[str, Any] = field(default_factory=dict)
    log: list[dict[str, Any]] = field(default_factory=list)
    metrics: dict[str, float] = field(default_factory=dict)
    finished: bool = False
    sections: list[Table | Figure] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The run's name, which is its folder's."""
        return self.folder.resolve().name

    @property
    def recipe(self) -> str:
        """The recipe's name, from the settings or else from the folder above."""
        return Path(str(self.config.get("recipe") or self.folder.resolve().parent.name)).stem

    @property
    def before(self) -> dict[str, float]:
        """Numbers of the evaluation before the first step, where a later one can be compared with them."""
        if not any(line["step"] > 0 for line in self.log):
            return {}  # nothing was trained
        later = {key for line in self.log if line["step"] > 0 for key in line} | self.metrics.keys()
        first = {key: value for line in self.log if line["step"] == 0 for key, value in line.items()}
        return _numbers({key: value for key, value in first.items() if key in later})

    @property
    def latest(self) -> dict[str, float]:
        """Final numbers, or those last logged where the run is unfinished."""
        if self.finished:
            return self.metrics
        return _numbers(
            {key: value for line in self.log for key, value in line.items() if key not in ("step", "epoch")}
        )

    @property
    def steps(self) -> int:
        """The last step that was logged."""
        return max((int(line["step"]) for line in self.log), default=0)

    @property
    def epochs(self) -> float | None:
        """The last epoch that was logged, with its fraction."""
        return max(_series(self.log, "epoch").values(), default=None)

    def curve(self, key: str) -> list[tuple[float, float]]:
        """A metric over steps; what a resumed run logged twice counts once, the later time."""
        return sorted(_series(self.log, key).items())

    def setting(self, dotted: str) -> Any:
        """One setting by its dotted key; None where there is none."""
        node: Any = self.config
        for key in dotted.split("."):
            node = node.get(key) if isinstance(node, dict) else None
        return node


def read_run(folder: Path) -> Run:
    """Read what is there of a run folder.

    Raises:
        UserError: There is no such folder, nothing in it comes from a run, or its final numbers are none.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; give the folder of a run")
    if not any((folder / name).is_file() for name in MARKS):
        raise UserError(f"{folder}: not a run's folder (it has none of {', '.join(MARKS)})")
    numbers = final_metrics(folder)
    run = Run(folder, metrics=numbers or {}, finished=numbers is not None)
    run.problems += [f"{name} is missing" for name in OWED if not (folder / name).is_file()]
    run.config, run.config_text = _mapping(run, "config.yaml"), _text(run, "config.yaml")
    run.fingerprint = _mapping(run, "fingerprint.json")
    run.command = _text(run, "command.txt").strip()
    run.log = _log(run)
    try:
        run.sections = sections.load(folder)
    except DataError as error:
        run.problems.append(str(error).removeprefix(f"{folder}/"))
    return run


def final_metrics(folder: Path) -> dict[str, float] | None:
    """A finished run's numbers, of which a `UserError` says what is wrong; None where the run has not finished."""
    if not (folder / final_numbers.FILE).is_file():
        return None
    return {key: value for key, value in final_numbers.read(folder).items() if math.isfinite(value)}


def deciding(folder: Path) -> str:
    """The metric that decides which of a run's models is best: ``eval_loss`` unless its settings name another."""
    run = Run(folder)
    run.config = _mapping(run, "config.yaml")
    return f"eval_{str(run.setting('trainer.metric_for_best_model') or 'loss').removeprefix('eval_')}"


def _text(run: Run, name: str) -> str:
    path = run.folder / name
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def _mapping(run: Run, name: str) -> dict[str, Any]:
    text = _text(run, name)
    try:
        if name.endswith(".yaml"):
            composed(text, name)
        value = finite(json.loads(text or "{}") if name.endswith(".json") else yaml.safe_load(text) or {})
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        run.problems.append(f"{name} cannot be read: {' '.join(str(error).split())}")
        return {}
    if not isinstance(value, dict):
        run.problems.append(f"{name} holds no names and values")
        return {}
    return value


def _log(run: Run) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = []
    damaged: list[str] = []
    for row, text in enumerate(_text(run, "metrics.jsonl").splitlines(), start=1):
        line = _line(text)
        if line is not None:
            lines.append(line)
        elif text.strip():
            damaged.append(str(row))
    if damaged:
        run.problems.append(f"metrics.jsonl: left out row {', '.join(damaged[:20])}, not an object with a step")
    return lines


def _line(text: str) -> dict[str, Any] | None:
    try:
        line = finite(json.loads(text))
    except (ValueError, RecursionError):
        return None
    return line if isinstance(line, dict) and _is_number(line.get("step")) else None


def _series(log: list[dict[str, Any]], key: str) -> dict[float, float]:
    return {float(line["step"]): float(line[key]) for line in log if _is_number(line.get(key))}


def _numbers(values: dict[str, Any]) -> dict[str, float]:
    return {key: value for key, value in values.items() if _is_number(value)}


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
