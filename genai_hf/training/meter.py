"""How fast training goes: real tokens a second, padding and evaluation not counted."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Meter:
    """Counts tokens and the time since it was last read."""

    def __init__(self) -> None:
        self.tokens = 0
        self.started: float | None = None

    def add(self, tokens: int) -> None:
        """Count tokens of a step that begins now."""
        if self.started is None:
            self.started = time.perf_counter()
        self.tokens += tokens

    def read(self) -> float:
        """Tokens a second since the last reading."""
        now = time.perf_counter()
        rate = self.tokens / (now - self.started) if self.started is not None else 0.0
        self.tokens, self.started = 0, now
        return rate

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Within this context no time passes."""
        began = time.perf_counter()
        yield
        if self.started is not None:
            self.started += time.perf_counter() - began
