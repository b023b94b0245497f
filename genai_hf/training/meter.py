"""How fast training goes: real tokens a second, padding and evaluation not counted."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from genai_hf.analysis.operations import Seen
from genai_hf.collators.masking import IGNORE
from genai_hf.models.bare import bare
from genai_hf.training.batches import FILLER
from genai_hf.training.phases import MOST_WAITING, Phases, marker


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
        try:
            with self.phases.phase(None):
                yield
        finally:
            if self.started is not None:
                self.started += time.perf_counter() - began

    @contextmanager
    def head(self, model: nn.Module) -> Iterator[None]:
        """Within this context the positions are counted at which `model` computes its vocabulary head."""

        def count(_: nn.Module, __: Any, logits: Tensor) -> None:
            if not torch.compiler.is_compiling():  # a number that changes would have it compiled anew in every step
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
