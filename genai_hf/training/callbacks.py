"""What happens beside training: the log that plots are made of, the progress bar, epochs."""

import json
import math
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from genai_hf.training.batches import TrainingBatches


class MetricsLog(TrainerCallback):
    """Writes one JSON object a log step to ``metrics.jsonl``; a resumed run takes up the file where it left."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Forget what was logged after the step that training begins from: those steps are taken again."""
        if state.is_world_process_zero:
            lines = self.file.read_text(encoding="utf-8").splitlines() if self.file.exists() else []
            kept = [line for line in lines if state.global_step and 0 <= _step(line) <= state.global_step]
            staged = self.file.with_name(f".{self.file.name}")
            staged.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")
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
        if state.is_world_process_zero and "train_runtime" not in logs:
            finite = {key: value if math.isfinite(value) else None for key, value in logs.items()}
            with self.file.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps({"step": state.global_step, **finite}) + "\n")


def _step(line: str) -> int:
    """Step of a line of the log, -1 for a line that was cut when a run was killed."""
    try:
        return int(json.loads(line)["step"])
    except ValueError:
        return -1


class ProgressBar(TrainerCallback):
    """A bar with loss, rate and remaining time on a terminal; elsewhere a line a twentieth of the run."""

    LINES = 20

    def __init__(self) -> None:
        self.said = -1
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
            shown = "  ".join(
                f"{key.removeprefix('eval_')} {value:.4g}" for key, value in logs.items() if "eval_" in key
            )
            self._say(f"step {state.global_step:,}: {shown}")

    def _show(self, state: TrainerState, shown: str) -> None:
        """Show how training goes."""
        twentieth = self.LINES * state.global_step // max(state.max_steps, 1)
        if self.console.is_terminal:
            self.bar.update(self.task, shown=shown)
        elif twentieth > self.said:
            self.said = twentieth
            self._say(f"step {state.global_step:,} of {state.max_steps:,}: {shown}")

    def _say(self, line: str) -> None:
        self.console.print(line, highlight=False, soft_wrap=True)

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Take the bar away."""
        if state.is_world_process_zero:
            self.bar.stop()


class SetEpoch(TrainerCallback):
    """Tells the batches which epoch begins: accelerate's own `set_epoch` does not reach them on every path."""

    def __init__(self, batches: TrainingBatches) -> None:
        self.batches = batches

    def on_epoch_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Set the epoch whose order and masks come next; resumed in the middle of one, that one."""
        self.batches.epoch = int(state.epoch or 0)
