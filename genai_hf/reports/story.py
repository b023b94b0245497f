"""What a run's numbers say: one sentence, headline numbers beside those before training, and curves."""

import statistics
from dataclasses import dataclass

from genai_hf.reports.run_folder import Run
from genai_hf.reports.sections import Figure, Table
from genai_hf.reports.words import (
    change,
    duration,
    is_bookkeeping,
    is_result,
    is_share,
    lower_is_better,
    metric_name,
    number,
    shown,
    title,
)

MOST_CARDS = 6
WIDE_RANGE = 20  # values that span more than this factor have a logarithmic axis


@dataclass(frozen=True)
class Card:
    """One headline number; `before` and `change` are empty where nothing was measured before training."""

    name: str
    value: str
    before: str = ""
    change: str = ""
    better: bool = True


def headline(run: Run) -> list[str]:
    """The metrics that tell how good the model is: those of the evaluation first, then speed, then the others."""
    keys = [key for key in run.latest if is_result(key)]
    return sorted(keys, key=lambda key: (not key.startswith("eval_"), not key.endswith("tokens_per_second")))


def cards(run: Run) -> list[Card]:
    """The first six headline numbers."""
    return [_card(key, run.latest[key], run.before.get(key)) for key in headline(run)[:MOST_CARDS]]


def _card(key: str, value: float, before: float | None) -> Card:
    if before is None or before == value:  # a yardstick does not depend on the model
        return Card(metric_name(key), shown(key, value))
    better = (value <= before) if lower_is_better(key) else (value >= before)
    return Card(metric_name(key), shown(key, value), shown(key, before), change(key, before, value), better)


def sentence(run: Run) -> str:
    """What came out, in one sentence; for an unfinished run, how far it came."""
    leading = _leading(headline(run))
    moves = [_move(key, run.latest[key], run.before.get(key)) for key in leading]
    said = moves[0] if len(moves) == 1 else ", ".join(moves[:-1]) + " and " + moves[-1] if moves else ""
    said += "".join(_behind(run, key) for key in leading)
    if not run.finished:
        return f"Unfinished: {_progress(run)}" + (f" So far {said}." if said else "")
    if not said:
        return "Finished; it left no numbers."
    return f"After {_effort(run)}, {said}." if run.steps else f"{title(said)}."


def final_numbers(run: Run) -> Table:
    """Every metric of the run beside its value before training."""
    rows = [_row(key, value, run.before.get(key)) for key, value in run.latest.items()]
    if not run.before:
        return Table("All numbers", ["metric", "value"], [row[:2] for row in rows])
    return Table("All numbers", ["metric", "value", "before training", "change"], rows)


def figures(run: Run) -> list[Figure]:
    """Losses in one figure, then every other evaluation metric, speed and learning rate with at least two points.

    A metric that never changes is a yardstick: it is drawn in the figure of the metric that it measures.
    """
    losses = {"training": run.curve("loss"), "validation": run.curve("eval_loss")} | _yardsticks(run, "eval_loss")
    losses = {name: points for name, points in losses.items() if points}
    drawn = [Figure("Loss", "step", "", losses)] if any(len(points) > 1 for points in losses.values()) else []
    keys = dict.fromkeys(key for line in run.log for key in line)
    scores = [key for key in keys if key.startswith("eval_") and key != "eval_loss" and not is_bookkeeping(key)]
    scores = [key for key in scores if not _is_flat(run, key)]
    others = [key for key in keys if key.endswith("tokens_per_second")] + ["learning_rate"]
    return drawn + [_curve(run, key) for key in dict.fromkeys(scores + others) if len(run.curve(key)) > 1]


def _curve(run: Run, key: str) -> Figure:
    name = metric_name(key)
    series = {name.partition(" (")[0]: run.curve(key)} | _yardsticks(run, key)
    values = [value for points in series.values() for _, value in points]
    if is_share(key) and min(values) >= 0 and max(values) <= 1:
        percent = {label: [(step, 100 * value) for step, value in points] for label, points in series.items()}
        return Figure(title(name), "step", "percent", percent)
    wide = min(values) > 0 and max(values) / min(values) > WIDE_RANGE
    return Figure(title(name), "step", "logarithmic scale" if wide else "", series, log_y=wide)


def _yardsticks(run: Run, key: str) -> dict[str, list[tuple[float, float]]]:
    """Flat curves whose name ends with the same word, such as the commonest token's accuracy beside the model's."""
    word = key.rpartition("_")[2]
    found = [other for other in run.before if other != key and other.startswith("eval_") and other.endswith(word)]
    return {metric_name(other).partition(" (")[0]: run.curve(other) for other in found if _is_flat(run, other)}


def _is_flat(run: Run, key: str) -> bool:
    values = [value for _, value in run.curve(key)]
    return len(values) > 1 and min(values) == max(values)


def _leading(keys: list[str]) -> list[str]:
    """Perplexity before loss, since people can picture it, and one share; without an evaluation the first three."""
    scores = [key for key in keys if key.startswith("eval_")]
    if not scores:
        return keys[:3]
    first = next((key for key in scores if "perplexity" in key), scores[0])
    share = next((key for key in scores if is_share(key)), first)
    return list(dict.fromkeys([first, share]))


def _move(key: str, value: float, before: float | None) -> str:
    name, now = metric_name(key), shown(key, value)
    if before is None:
        return f"{name} is {now}"
    if shown(key, before) == now:
        return f"{name} stayed at {now}"
    verb = "fell" if value < before else "rose"
    moved = change(key, before, value)
    grown = "" if is_share(key) or moved == "unchanged" else f" ({moved})"
    return f"{name} {verb} from {shown(key, before)} to {now}{grown}"


def _behind(run: Run, key: str) -> str:
    """What beats the model without having learned anything, such as guessing by word frequency."""
    for name, points in _yardsticks(run, key).items():
        level, value = points[-1][1], run.latest[key]
        behind = (value > level) if lower_is_better(key) else (value < level)
        if behind or shown(key, value) == shown(key, level):
            return f"; {metric_name(key)} is no better than the {name} of {shown(key, level)}"
    return ""


def _effort(run: Run) -> str:
    epochs = [] if not run.epochs else [f"{round(run.epochs, 2):g} epoch{'' if run.epochs == 1 else 's'}"]
    seconds, speeds = run.metrics.get("train_runtime"), [speed for _, speed in run.curve("tokens_per_second")]
    speeds = [run.metrics["tokens_per_second"]] if "tokens_per_second" in run.metrics else speeds
    time = [duration(seconds)] if seconds else []
    speed = [f"{number(round(statistics.median(speeds)))} tokens per second"] if speeds else []
    return f"{run.steps:,} steps ({', '.join([*epochs, *time, *speed])})".removesuffix(" ()")


def _progress(run: Run) -> str:
    if not run.log:
        return "nothing is logged yet."
    wanted = run.setting("trainer.max_steps")
    return f"{run.steps:,}{f' of {wanted:,}' if isinstance(wanted, int) and wanted > 0 else ''} steps are logged."


def _row(key: str, value: float, before: float | None) -> list[str | int | float | None]:
    if before is None or is_bookkeeping(key):
        return [metric_name(key), shown(key, value), None, None]
    return [metric_name(key), shown(key, value), shown(key, before), change(key, before, value)]
