"""What stops a run from outside: a signal, after the step in which it came."""

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
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from genai_hf.errors import Interrupted
from genai_hf.ranks import rank
from genai_hf.training.callbacks import is_whole


class StopOnSignal(TrainerCallback):
    """Ends training after the step, or the batch of an evaluation, in which SIGINT, SIGTERM or SIGUSR1 came.

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
        if self.agreed(args):
            control.should_save = control.should_training_stop = True

    def agreed(self, args: TrainingArguments) -> int:
        """The signal that any rank has had so far, on every rank; 0 for none."""
        self.number = self.heard
        if args.world_size > 1:
            seen = torch.tensor(self.heard, device=args.device)
            torch.distributed.all_reduce(seen, torch.distributed.ReduceOp.MAX)
            self.number = int(seen)
        return self.number

    def end(self, args: TrainingArguments, state: TrainerState) -> None:
        """End the run where a signal was agreed on.

        Raises:
            Interrupted: It was; the last step is saved, or will be by whoever takes this.
        """
        if self.number:
            saved = Path(args.output_dir) / f"checkpoint-{state.global_step}"
            told = f"stopped after {saved}; the same command goes on from there"
            none = "stopped before the first step; the same command begins again"
            raise Interrupted(told if state.global_step else none, 128 + self.number)

    def on_epoch_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Stopped in the middle of an epoch, leave out what belongs to its end: the run comes to that later."""
        if self.number and not is_whole(state.epoch):
            control.should_log = control.should_evaluate = control.should_save = False

    def _note(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if number == signal.SIGINT and now - self.since > self.PATIENCE:
            raise KeyboardInterrupt
        if not self.heard:
            self.heard, self.since = number, now
            if rank() == 0:
                at_once = f"; Ctrl-C after {self.PATIENCE:.0f} s stops at once"
                print(f"\n{signal.Signals(number).name}: saving, then stopping{at_once}", file=sys.stderr)
