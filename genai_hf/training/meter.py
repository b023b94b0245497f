"""How fast training goes, and on what its time goes: padding and evaluation are not counted, on any device.

On a GPU a point in time is an event of its queue, looked at later, so that nothing ever waits for it; the time of a
phase is then the device's: loading that goes on while it computes is no waiting.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from genai_hf.analysis.operations import Seen
from genai_hf.collators.masking import IGNORE
from genai_hf.models.bare import bare
from genai_hf.training.batches import FILLER

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
        yield
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


def lengths(batch: Mapping[str, Any]) -> tuple[Tensor, Tensor]:
    """Tokens of each row that a model reads, and of those that a decoder beside it reads, int64 (B,) each."""
    read: Tensor = batch["attention_mask"].sum(-1).flatten()
    written = (batch["labels"] != IGNORE).sum(-1).flatten() if "decoder_input_ids" in batch else read[:0]
    return read, written


class Meter:
    """Counts what is trained on, and the time since it was last read.

    Args:
        device: Where it is trained.

    Attributes:
        phases: What the time of this process's training went on.
        head_positions: Positions at which the vocabulary head was called in training.
    """

    def __init__(self, device: torch.device) -> None:
        self.started: float | None = None
        self.all_tokens = 0
        self.all_seconds = 0.0
        self.phases = Phases(marker(device))
        self.head_positions = 0
        self._seen, self._waiting = Seen(), list[tuple[Tensor, Tensor]]()
        self._read = 0
        self._heads: list[nn.Module] | None = None

    def add(self, batches: Sequence[Mapping[str, Any]]) -> None:
        """Count the batches of a step that begins now; a row that fills a rank's place is all padding."""
        if self.started is None:
            self.started = time.perf_counter()
        for batch in batches:
            self._seen.all += batch["attention_mask"].numel()
            if "decoder_input_ids" in batch:
                self._seen.all += batch["decoder_input_ids"].numel()
            if FILLER not in batch:
                self._seen.labels += len(batch.get("label_positions", ()))
                self._waiting.append(lengths(batch))
        if len(self._waiting) > MOST_WAITING:
            self.seen()

    def seen(self) -> Seen:
        """What has been trained on."""
        if self._waiting:
            self._seen.add(*(torch.cat(some).cpu() for some in zip(*self._waiting, strict=True)))
            self._waiting.clear()
        return self._seen

    def read(self) -> float:
        """Tokens a second since the last reading."""
        self.phases.wait()
        now, read = time.perf_counter(), self.seen().read
        seconds, tokens = now - (now if self.started is None else self.started), read - self._read
        self.all_tokens, self.all_seconds = self.all_tokens + tokens, self.all_seconds + seconds
        self._read, self.started = read, now
        return tokens / seconds if seconds else 0.0

    def overall(self) -> float:
        """Tokens a second over all readings."""
        return self.all_tokens / self.all_seconds if self.all_seconds else 0.0

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Within this context no time passes."""
        began = time.perf_counter()
        with self.phases.phase(None):
            yield
        if self.started is not None:
            self.started += time.perf_counter() - began

    @contextmanager
    def head(self, model: nn.Module) -> Iterator[None]:
        """Within this context the positions are counted at which `model` computes its vocabulary head."""

        def count(_: nn.Module, __: Any, logits: Tensor) -> None:
            self.head_positions += logits.shape[:-1].numel()

        if self._heads is None:  # found once: it takes as long as all else here
            found = bare(model).get_output_embeddings()
            self._heads = [] if found is None else [found]
        handles = [head.register_forward_hook(count) for head in self._heads]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()
