"""How fast training goes: real tokens a second, padding and evaluation not counted."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Meter:
    """Counts tokens and the time since it was last read."""

    def __init__(self) -> None:
        self.tokens = 0
        self.started: float | None = None
        self.all_tokens = 0
        self.all_seconds = 0.0

    def add(self, tokens: int) -> None:
        """Count tokens of a step that begins now."""
        if self.started is None:
            self.started = time.perf_counter()
        self.tokens += tokens

    def read(self) -> float:
        """Tokens a second since the last reading."""
        now = time.perf_counter()
        seconds, tokens = now - (now if self.started is None else self.started), self.tokens
        self.all_tokens, self.all_seconds = self.all_tokens + tokens, self.all_seconds + seconds
        self.tokens, self.started = 0, now
        return tokens / seconds if seconds else 0.0

    def overall(self) -> float:
        """Tokens a second over all readings."""
        return self.all_tokens / self.all_seconds if self.all_seconds else 0.0

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Within this context no time passes."""
        began = time.perf_counter()
        yield
        if self.started is not None:
            self.started += time.perf_counter() - began
