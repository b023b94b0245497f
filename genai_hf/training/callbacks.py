"""What happens beside training: the log that plots are made of, where an epoch ends."""

import json
import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from genai_hf.training.phases import Phases


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


class Clock(TrainerCallback):
    """Tells `Phases` when training begins, ends, and has taken a step, and sees how long the first one took.

    Attributes:
        first_step: Seconds to the end of the first optimizer step from the start of the process, or from the end of an
            earlier training in it; None before it.
    """

    earlier: float | None = None  # when the process's last training ended, in seconds since 1970

    def __init__(self, phases: Phases) -> None:
        self.phases = phases
        self.first_step: float | None = None

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Training begins."""
        self.phases.begin()

    def on_optimizer_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """The gradient has been clipped and applied."""
        self.phases.end("optimizer")
        if self.first_step is None:
            self.phases.wait()
            self.first_step = time.time() - (Clock.earlier or psutil.Process().create_time())

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Training is over."""
        self.phases.finish()
        Clock.earlier = time.time()


def is_whole(epochs: float | None) -> bool:
    """Whether an epoch's last step has just been taken."""
    return bool(epochs) and float(epochs or 0).is_integer()
