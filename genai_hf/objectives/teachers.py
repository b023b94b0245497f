"""What a teacher says of a batch: computed in every step, or read from what was written down before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from transformers import PreTrainedModel

from genai_hf.models.watched import Seen, watched
from genai_hf.objectives import Objective

LEAST = 1e-12  # mass of what is not kept, where rounding leaves none


@dataclass(frozen=True)
class Said:
    """What a teacher says of a batch's N targets.

    Attributes:
        scores: Its logits (N, C); or with `ids` log probabilities at its temperature (N, k + 1), the last one that of
            all other classes together; of all classes (N, C).
        width: The student's first so many classes are those that the teacher knows.
        ids: (N, k) of which classes; None: of all.
        states: Its last hidden states (N, H), where they are wanted.
    """

    scores: Tensor
    width: int
    ids: Tensor | None = None
    states: Tensor | None = None


class Teacher(Protocol):
    """A teacher.

    Attributes:
        note: What of it a student does not learn, in a sentence; empty where it learns all.
    """

    @property
    def note(self) -> str: ...  # noqa: D102

    def __call__(self, batch: Mapping[str, Tensor]) -> Said:
        """What it says of a batch; no gradient flows through it."""


@dataclass(frozen=True, kw_only=True, eq=False)
class InTheLoop:
    """A teacher that reads every batch; no module, so that it is in no one's parameters or checkpoints.

    Args:
        model: In evaluation mode.
        hard: Its own objective, which calls its forward.
        columns: Its classes in the student's order.
        states: Whether hidden states are wanted.
    """

    model: PreTrainedModel
    hard: Objective
    columns: Sequence[int]
    states: bool = False
    note: str = ""

    @torch.no_grad()
    def __call__(self, batch: Mapping[str, Tensor]) -> Said:
        """What it says of a batch."""
        with watched(self.model, states=self.states) as seen:
            self.hard.sums(self.model, batch)
        logits, states = rows_of(seen, batch)
        return Said(in_order(logits, self.columns), len(self.columns), states=states)


def in_order(logits: Tensor, columns: Sequence[int]) -> Tensor:
    """Columns of logits; without a copy where they are the first ones as they stand."""
    ordered = isinstance(columns, range)
    return logits[:, : len(columns)] if ordered else logits[:, torch.tensor(columns, device=logits.device)]


def rows_of(seen: Seen, batch: Mapping[str, Tensor]) -> tuple[Tensor, Tensor | None]:
    """Logits (N, C) and hidden states (N, H) of a batch's targets: its labelled positions, or its rows."""
    logits: Tensor = seen.output.logits
    if "label_positions" not in batch:
        return logits, None
    positions = batch["label_positions"]
    if logits.dim() == 3:
        logits = logits.flatten(0, 1)[positions]
    return logits, None if seen.states is None else seen.states.flatten(0, 1)[positions]


def coarse(found: Tensor, ids: Tensor) -> Tensor:
    """A distribution over some classes, and all others as one.

    Args:
        found: (N, V) log probabilities.
        ids: (N, k).

    Returns:
        (N, k + 1) log probabilities, or (N, V) where that is k.
    """
    if ids.shape[1] == found.shape[1]:
        return found.gather(1, ids)
    rest = found.scatter(1, ids, -torch.inf).logsumexp(-1, keepdim=True)
    return torch.cat([found.gather(1, ids), rest], dim=1)


def with_rest(kept: Tensor) -> Tensor:
    """Log probabilities (N, k) with that of all other classes, (N, k + 1), which add up to 1 whatever was rounded."""
    rest = (1 - kept.exp().sum(-1, keepdim=True)).clamp(min=LEAST)
    return torch.cat([kept, rest.log()], dim=1).log_softmax(-1)
