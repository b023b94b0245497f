"""How far training is, and an evaluation within it: on a terminal a bar, elsewhere a line now and then."""

import time
from collections.abc import Sized
from dataclasses import dataclass, field
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

YARDSTICKS = ("majority_", "unigram_", "commonest_")


@dataclass
class Evaluation:
    """How far an evaluation is: batches, how many of them are done, and seconds until it is worth a word."""

    batches: Sized | None
    done: int = 0
    patience: float = 0.0
    began: float = field(default_factory=time.monotonic)

    @property
    def said(self) -> str:
        """In words."""
        return f"{self.done:,} of {len(self.batches or ()):,} batches"

    def takes_long(self) -> bool:
        """Whether it is time for a word, which is half as often with each."""
        is_time = time.monotonic() - self.began > self.patience
        self.patience *= 2 if is_time else 1
        return is_time


class ProgressBar(TrainerCallback):
    """A bar with loss, rate and remaining time on a terminal; elsewhere a line a twentieth of the run."""

    LINES = 20
    PATIENCE = 30.0  # seconds before an evaluation says how far it is, where no bar does

    def __init__(self) -> None:
        self.said = -1
        self.evaluation = Evaluation(None)
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

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.bar.stop()  # also where training breaks off

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

    def on_prediction_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Show how far an evaluation is; elsewhere than on a terminal after half a minute, a minute, two, and so on."""
        if not state.is_world_process_zero:
            return
        if kwargs["eval_dataloader"] is not self.evaluation.batches:
            self.evaluation = Evaluation(kwargs["eval_dataloader"], patience=self.PATIENCE)
        for task in self.bar.task_ids:
            self.bar.update(task, shown=f"evaluation, {self.evaluation.said}")
        if not self.console.is_terminal and self.evaluation.takes_long():
            self._say(f"evaluation, {self.evaluation.said}")
        self.evaluation.done += 1

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
