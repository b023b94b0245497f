"""Some steps of a run again, from one of its checkpoints: what was written down must come out again, bit for bit."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from genai_hf import manifests
from genai_hf.errors import ConfigError
from genai_hf.training import checkpoints, out_of_memory, state_tree
from genai_hf.training.run import MODEL
from genai_hf.training.trainer import Trainer

TIMED = "tokens_per_second"  # differs from one time to the next


@dataclass(frozen=True)
class Replayed:
    """What was compared, and what came out otherwise: both in words."""

    compared: list[str]
    different: list[str]


class StopAt(TrainerCallback):
    """Ends training after a step, with a checkpoint."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Save and stop at the step."""
        if state.global_step == self.step:
            control.should_save = control.should_training_stop = True


def span(run: Path, steps: int | None) -> tuple[Path, int] | None:
    """From which checkpoint to which step a replay goes; None where nothing was written down to compare with.

    Args:
        run: The run's folder.
        steps: So many, or to the next checkpoint or the end.

    Raises:
        ConfigError: So few steps reach nothing that was written down.
    """
    whole = [path for path in checkpoints.listed(run) if manifests.problem(path) is None]
    noted = sorted({*_logged(run), *map(checkpoints.step, whole)})
    start = next((path for path in reversed(whole) if checkpoints.step(path) < noted[-1]), None)
    if start is None:
        return None
    first = checkpoints.step(start)
    later = [checkpoints.step(path) for path in whole if checkpoints.step(path) > first] or noted[-1:]
    end = later[0] if steps is None else min(first + steps, later[0])
    soonest = next(step for step in noted if step > first)
    if end < soonest:
        raise ConfigError(f"nothing was written down before step {soonest}; take --steps {soonest - first} at least")
    return start, end


def replay(trainer: Trainer, run: Path, start: Path, end: int) -> Replayed:
    """Train from the checkpoint `start` to the step `end`, and compare with what `run` holds.

    Args:
        trainer: As the run's, writing elsewhere.
        run: The run's folder.
        start: One of its checkpoints.
        end: A later step.
    """
    trainer.args.eval_on_start = False
    _cut_as(trainer, start)
    trainer.add_callback(StopAt(end))
    trainer.train(resume_from_checkpoint=str(start))
    first, saved = checkpoints.step(start), run / f"checkpoint-{end}"
    replayed = Path(trainer.args.output_dir, saved.name)
    is_last = end == trainer.state.max_steps and not trainer.args.load_best_model_at_end  # its model is the run's
    model = Path(trainer.args.output_dir, MODEL)
    if is_last:
        trainer.save_model(str(model))
    compared, different = [], []
    for name, then, now in [
        *_log_lines(_logged(run), trainer.state.log_history, first, end),
        *(_files(saved, replayed) if manifests.problem(saved) is None else []),
        *(_files(run / MODEL, model) if is_last else []),
    ]:
        compared.append(name)
        different += [f"{name}: {then} → {now}"] if then != now else []
    return Replayed(compared, different)


def _cut_as(trainer: Trainer, start: Path) -> None:
    """Let the trainer's steps be cut up as those of the run were.

    Raises:
        ConfigError: By other processes than these.
    """
    parts = [state_tree.load(file.with_suffix("")) for file in start.glob(f"{checkpoints.RANK}*.json")]
    if len(parts) != 1 or trainer.args.world_size != 1:
        those = f"{start} was saved by {len(parts)} processes"
        raise ConfigError(f"{those}, and one that replays it would add in another order; --steps 0 looks at the files")
    out_of_memory.cut(trainer, parts[0]["rows"])


def _logged(run: Path) -> dict[int, dict[str, Any]]:
    """What the run's log says of each step."""
    file, found = run / "metrics.jsonl", dict[int, dict[str, Any]]()
    lines = file.read_bytes().split(b"\n") if file.is_file() else [b""]
    for line in lines[:-1]:  # the last is empty, or was being written when the process ended
        entry = _entry(line)
        if entry is None:
            raise ConfigError(f"{file} holds a line that is no object with a step; --steps 0 looks at the files")
        found[entry["step"]] = entry | found.get(entry["step"], {})  # an evaluation of the best model comes second
    return found


def _entry(line: bytes) -> dict[str, Any] | None:
    try:
        entry = json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) and type(entry.get("step")) is int else None


def _log_lines(
    then: Mapping[int, Mapping[str, Any]], history: list[dict[str, Any]], first: int, last: int
) -> Iterator[tuple[str, Any, Any]]:
    """Every figure that both have of a step after `first`."""
    for entry in history:
        step = int(entry["step"])
        if first < step <= last:
            figures = then.get(step, {}).keys() & entry.keys() - {"step", TIMED}
            yield from ((f"{name} at step {step}", then[step][name], entry[name]) for name in sorted(figures))


def _files(then: Path, now: Path) -> Iterator[tuple[str, str, str]]:
    """Digest of every file of tensors that both folders have; the others hold times."""
    for file in sorted(then.rglob("*.safetensors")) if then.is_dir() else []:
        name = file.relative_to(then)
        if (now / name).is_file():
            yield f"{then.name}/{name}", manifests.digest(file)[:12], manifests.digest(now / name)[:12]
