"""What stops a run from outside: a signal, after the step in which it came; the death of the launcher."""

import math
import os
import signal
import sys
import threading
import time
from types import FrameType
from typing import Any, Self

import torch
import torch.distributed
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from genai_hf.ranks import ranks


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


def watch_launcher(patience: float = 8.0) -> None:
    """End this process soon after its launcher is gone: nobody would collect it, and its peers may be dead.

    Args:
        patience: Seconds for a last checkpoint, which the launcher's own end by a signal would have allowed too.
    """
    if ranks() > 1:
        threading.Thread(target=_watch, args=(os.getppid(), patience), daemon=True).start()


def _watch(launcher: int, patience: float) -> None:
    while os.getppid() == launcher:
        time.sleep(0.5)
    print(f"the launcher (process {launcher}) is gone: saving after this step", file=sys.stderr)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(patience)
    os._exit(128 + signal.SIGTERM)
