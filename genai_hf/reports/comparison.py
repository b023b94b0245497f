"""Runs of a sweep side by side: which settings varied, which metric decides, which run is best, what seeds change."""

import re
import statistics
from dataclasses import dataclass
from functools import cached_property

from genai_hf.reports.sections import Table
from genai_hf.reports.words import is_result, lower_is_better, metric_name, shown, title

LOSS = re.compile(r"loss|perplexity")
# Settings that change what an evaluation asks, so that their losses are answers to different questions.
ASKED = re.compile(r"(data|experiment|masking|model\.name|sequence_length|tokenizer)\b")


@dataclass(frozen=True)
class Result:
    """One run: what was asked and what came out; `metrics` is None while it is unfinished."""

    overrides: dict[str, str]
    metrics: dict[str, float] | None
    started: bool = True
    error: str | None = None
    deciding: str = "eval_loss"

    @property
    def state(self) -> str:
        """In a word."""
        if self.error:
            return "failed"
        return "finished" if self.metrics is not None else "unfinished" if self.started else "not started"


@dataclass(frozen=True)
class Comparison:
    """The runs of a sweep in the order of the command."""

    results: list[Result]

    @cached_property
    def varying(self) -> list[str]:
        """Overrides that are not the same in every run."""
        names = dict.fromkeys(name for result in self.results for name in result.overrides)
        return [name for name in names if len({result.overrides.get(name) for result in self.results}) > 1]

    @cached_property
    def settings(self) -> list[str]:
        """What varied apart from seeds, which only repeat a run; the seeds where nothing else did."""
        return [name for name in self.varying if name.rpartition(".")[2] != "seed"] or self.varying

    @cached_property
    def keys(self) -> list[str]:
        """Metrics of any finished run that tell how good a model is, those of the evaluation first."""
        keys = dict.fromkeys(key for result in self.results for key in result.metrics or {} if is_result(key))
        return sorted(keys, key=lambda key: not key.startswith("eval_"))

    @cached_property
    def main(self) -> str | None:
        """What decides in the runs, else the first metric of an evaluation, else the first; None where tasks differ."""
        if "task" in self.varying:
            return None
        deciding = (result.deciding for result in self.results if result.deciding in self.keys)
        return next(deciding, next(iter(self.keys), None))

    @cached_property
    def groups(self) -> dict[tuple[str, ...], list[float]]:
        """The main metric of finished runs by the values of their settings; several where seeds varied."""
        groups: dict[tuple[str, ...], list[float]] = {}
        for result in self._scored:
            values = tuple(result.overrides.get(name, "as shipped") for name in self.settings)
            groups.setdefault(values, []).append(self.score(result))
        return groups

    @cached_property
    def _scored(self) -> list[Result]:
        return [result for result in self.results if result.state == "finished" and self.main in (result.metrics or {})]

    def score(self, result: Result) -> float:
        """The main metric of a finished run."""
        return (result.metrics or {})[self.main or ""]

    def label(self, result: Result) -> str:
        """A run by what sets it apart from the others."""
        apart = [f"{name}={result.overrides[name]}" for name in self.varying if name in result.overrides]
        return ", ".join(apart) or "no overrides"

    def sentence(self) -> str:
        """How many finished, and which is best."""
        states = [result.state for result in self.results]
        failed = f", {states.count('failed')} failed" if "failed" in states else ""
        count = f"{states.count('finished')} of {len(states)} runs finished{failed}."
        if self.main is None or not self._scored:
            return count
        best = (min if lower_is_better(self.main) else max)(self._scored, key=self.score)
        alike = [self.label(result) for result in self._scored if self.score(result) == self.score(best)]
        value, others = shown(self.main, self.score(best)), f" and {len(alike) - 1} more alike" if alike[1:] else ""
        return f"{count} Best {metric_name(self.main)}: {value} with {alike[0]}{others}."

    def shared(self) -> str:
        """What every run has in common, as a sentence; empty where there is nothing."""
        first = self.results[0].overrides if self.results else {}
        same = [f"{name}={value}" for name, value in first.items() if name not in self.varying]
        return f"In every run: {', '.join(same)}." if same else ""

    def caution(self) -> str:
        """That losses answer different questions, as a sentence; empty where they do not."""
        asked = [name for name in self.settings if ASKED.match(name)] if LOSS.search(self.main or "") else []
        return f"Compare with care: {' and '.join(asked)} also changed what the evaluation asks." if asked else ""

    def table(self) -> Table:
        """One row a run: what varied, its state, its metrics."""
        rows: list[list[str | int | float | None]] = []
        for result in self.results:
            metrics = result.metrics or {}
            values = [shown(key, metrics[key]) if key in metrics else None for key in self.keys]
            rows.append([*(result.overrides.get(name) for name in self.varying), result.state, *values])
        return Table("Runs", [*self.varying, "state", *map(metric_name, self.keys)], rows)

    def over_seeds(self) -> Table | None:
        """Mean and spread of the main metric where runs differ only by seed; None where no two do."""
        if self.main is None or self.settings == self.varying:
            return None
        rows: list[list[str | int | float | None]] = []
        for values, scores in self.groups.items():
            spread = shown(self.main, statistics.stdev(scores)) if len(scores) > 1 else None
            ends = [shown(self.main, end) for end in (min(scores), max(scores))]
            rows.append([*values, len(scores), shown(self.main, statistics.fmean(scores)), spread, *ends])
        columns = [*self.settings, "runs", "mean", "standard deviation", "lowest", "highest"]
        return Table(f"{title(metric_name(self.main))} over seeds", columns, rows)
