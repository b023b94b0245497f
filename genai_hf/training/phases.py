"""On what the time of training goes, on any device.

On a GPU a point in time is an event of its queue, looked at later, so that nothing ever waits for it; the time of a
phase is then the device's: loading that goes on while it computes is no waiting.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Protocol

import torch

PHASES = ("data", "forward", "backward", "optimizer", "rest")
MOST_WAITING = 64  # points in time, and batches, that wait to be looked at


class Mark(Protocol):
    """A point in time, as `torch.cuda.Event` has it."""

    def record(self) -> None:
        """It is now, or when the device gets here."""

    def query(self) -> bool:
        """Whether it has passed."""

    def synchronize(self) -> None:
        """Wait until it has."""

    def elapsed_time(self, end_event: Any) -> float:
        """Milliseconds from here to another."""


class HostMark:
    """A point in time of the processor."""

    __slots__ = ("at",)

    def record(self) -> None:
        """It is now."""
        self.at = time.perf_counter()

    def query(self) -> bool:
        """It has passed."""
        return True

    def synchronize(self) -> None:
        """It has passed."""

    def elapsed_time(self, end_event: "HostMark") -> float:
        """Milliseconds from here to another."""
        return 1000 * (end_event.at - self.at)


def marker(device: torch.device) -> Callable[[], Mark]:
    """What makes points in time of a device."""
    return partial(torch.cuda.Event, enable_timing=True) if device.type == "cuda" else HostMark


class Phases:
    """Shares out the time of training: each mark says what has just ended.

    Attributes:
        seconds: Of each of `PHASES`, as far as it has been read.
    """

    def __init__(self, mark: Callable[[], Mark]) -> None:
        self.mark, self.seconds = mark, dict.fromkeys(PHASES, 0.0)
        self.goes_on = False
        self._marks = deque[tuple[str | None, Mark]]()

    def begin(self) -> None:
        """Training begins: what passed before was none of it."""
        self.goes_on = True
        self.end(None)

    def end(self, phase: str | None) -> None:
        """What has passed since the last mark was `phase`; None: no part of training."""
        if not self.goes_on:
            return
        mark = self.mark()
        mark.record()
        self._marks.append((phase, mark))
        if len(self._marks) > MOST_WAITING:
            self._look()

    def finish(self) -> None:
        """Training is over."""
        self.end("rest")
        self.goes_on = False

    @contextmanager
    def phase(self, name: str | None) -> Iterator[None]:
        """This context is one phase."""
        self.end("rest")
        try:
            yield
        finally:
            self.end(name)

    def wait(self) -> None:
        """Until the device has done all that has been marked, and look at it."""
        if self._marks:
            self._marks[-1][1].synchronize()
            self._look()

    def _look(self) -> None:
        while len(self._marks) > 1 and self._marks[1][1].query():
            (_, before), (phase, mark) = self._marks.popleft(), self._marks[0]
            if phase is not None:
                self.seconds[phase] += before.elapsed_time(mark) / 1000
