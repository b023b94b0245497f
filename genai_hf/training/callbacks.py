"""What happens beside training: the log that plots are made of, the progress bar, where an epoch ends."""

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

YARDSTICKS = ("majority_", "unigram_", "commonest_")


class MetricsLog(TrainerCallback):
    """Writes one JSON object a log step to ``metrics.jsonl``; a resumed run takes up the file where it left."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Begin with what had been logged when the checkpoint was saved: what came after it is done again."""
        if state.is_world_process_zero:
            staged = self.file.with_name(f".{self.file.name}")
            staged.write_text("".join(map(_line, filter(_is_shown, state.log_history))), encoding="utf-8")
            staged.replace(self.file)

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float],
        **kwargs: Any,
    ) -> None:
        """Append a line; a number that JSON does not know is null."""
        if state.is_world_process_zero and _is_shown(logs):
            with self.file.open("a", encoding="utf-8") as stream:
                stream.write(_line({"step": state.global_step, **logs}))


def _is_shown(logs: Mapping[str, float | None]) -> bool:
    """Whether it is of a step, and not the summary of a whole training."""
    return "train_runtime" not in logs


def _line(logs: Mapping[str, float | None]) -> str:
    finite = {key: value if value is None or math.isfinite(value) else None for key, value in logs.items()}
    return json.dumps({"step": finite.pop("step"), **finite}) + "\n"


class ProgressBar(TrainerCallback):
    """A bar with loss, rate and remaining time on a terminal; elsewhere a line a twentieth of the run."""

    LINES = 20

    def __init__(self) -> None:
        self.said = -1
        self.evaluated: dict[str, str] = {}
        self.console = Console(stderr=True)
        self.bar = Progress(
            TextColumn("training"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[shown]}"),
            TimeRemainingColumn(),
            console=self.console,
            disable=not self.console.is_terminal,
            transient=True,
        )

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Show the bar, on rank 0; anew where training begins again with smaller micro-batches."""
        if state.is_world_process_zero:
            for task in self.bar.task_ids:
                self.bar.remove_task(task)
            self.task = self.bar.add_task("", total=state.max_steps, completed=state.global_step, shown="")
            self.bar.start()

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Move it on."""
        if state.is_world_process_zero:
            self.bar.update(self.task, completed=state.global_step)

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float],
        **kwargs: Any,
    ) -> None:
        """Show the latest loss and rate, and each evaluation."""
        if not state.is_world_process_zero:
            return
        if "loss" in logs:
            self._show(state, f"loss {logs['loss']:.3f}  {logs['tokens_per_second']:,.0f} tokens/s")
        if "eval_loss" in logs:
            figures = {key.removeprefix("eval_"): f"{value:.4g}" for key, value in logs.items() if "eval_" in key}
            new = [f"{key} {value}" for key, value in figures.items() if not self._is_known(key, value)]
            self._say(f"step {state.global_step:,}: {'  '.join(new)}")
            self.evaluated = figures

    def _show(self, state: TrainerState, shown: str) -> None:
        """Show how training goes."""
        twentieth = self.LINES * state.global_step // max(state.max_steps, 1)
        if self.console.is_terminal:
            self.bar.update(self.task, shown=shown)
        elif twentieth > self.said:
            self.said = twentieth
            self._say(f"step {state.global_step:,} of {state.max_steps:,}: {shown}")

    def _is_known(self, key: str, value: str) -> bool:
        """Whether it is a yardstick, which depends on no model, and was said before."""
        return key.startswith(YARDSTICKS) and self.evaluated.get(key) == value

    def _say(self, line: str) -> None:
        self.console.print(line, highlight=False, soft_wrap=True)

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Take the bar away."""
        if state.is_world_process_zero:
            self.bar.stop()


class EpochEnd(TrainerCallback):
    """Knows whether an epoch's steps are over and only what happens at its end remains."""

    def __init__(self) -> None:
        self.ended = False

    def on_epoch_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """They begin."""
        self.ended = False

    def on_epoch_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """They are over."""
        self.ended = True


class WhenTrainingBegins(TrainerCallback):
    """Does something once a checkpoint has been taken up and before the first step."""

    def __init__(self, action: Callable[[TrainerState], None]) -> None:
        self.action = action

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Do it, on every rank."""
        self.action(state)


def is_whole(epochs: float | None) -> bool:
    """Whether an epoch's last step has just been taken."""
    return bool(epochs) and float(epochs or 0).is_integer()
