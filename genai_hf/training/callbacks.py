"""What happens beside training: the log that plots are made of, the progress bar, epochs, the answer to a signal."""

import json
import math
import signal
import sys
import threading
import time
from pathlib import Path
from types import FrameType
from typing import Any, Self

import torch
import torch.distributed
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
        """Show the bar, on rank 0."""
        if state.is_world_process_zero:
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


class StopOnSignal(TrainerCallback):
    """Ends training after the step in which SIGINT, SIGTERM or SIGUSR1 came, with a checkpoint.

    It listens within its context. A scheduler's signal may come several times and counts once; a second Ctrl-C
    `PATIENCE` seconds after the first stops at once.

    Attributes:
        number: The signal that stopped training, 0 while none did. All ranks agree on it before they stop.
    """

    PATIENCE = 5.0

    def __init__(self) -> None:
        self.number = 0
        self.heard = 0
        self.since = math.inf
        self.before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():  # no other thread may listen
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
                self.before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Save and stop where any rank has had a signal."""
        self.number = self.heard
        if args.world_size > 1:
            seen = torch.tensor(self.heard, device=args.device)
            torch.distributed.all_reduce(seen, torch.distributed.ReduceOp.MAX)
            self.number = int(seen)
        if self.number:
            control.should_save = control.should_training_stop = True

    def _note(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if number == signal.SIGINT and now - self.since > self.PATIENCE:
            raise KeyboardInterrupt
        if not self.heard:
            self.heard, self.since = number, now
            print(f"\n{signal.Signals(number).name}: saving after this step", file=sys.stderr)
