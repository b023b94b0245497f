"""Which rows make which batch: a function of (seed, epoch, global batch), the same however many processes share it.

A step takes the next `global batch` rows of the epoch's order. They are dealt out in micro-batches, round after round,
rank after rank; so two ranks, or one rank accumulating twice, take exactly the same steps. Every row comes once an
epoch. Where the rows' lengths are known, those of like length come together, so that little is padded: the order is
cut into pools of many steps, each pool is sorted by length, and its steps are shuffled. Where the last step of an epoch
has too few rows for every rank, a rank without one gets a filler: a row that the collator marks, and no loss counts.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Sampler

FILLER = "filler"  # key of a batch that must not be counted
FILLER_EPOCH = -2  # epoch of the row in it
POOL = 50  # steps whose rows are sorted by length together
EXAMPLES = "example_ids"  # key of the rows' numbers, for messages and for what is known of them

Index = tuple[int, int]


@dataclass(eq=False)
class TrainingBatches(Sampler[list[Index]]):
    """One rank's micro-batches of (epoch, index).

    Args:
        size: Number of rows in the data set.
        seed: Of the order.
        batch_size: Rows a micro-batch.
        accumulation: Micro-batches a step, on each rank.
        ranks: Number of processes.
        rank: This process, in [0, ranks).
        lengths: (size,) by which rows come together; None leaves them as shuffled.

    Attributes:
        epoch: Whose batches to give next; set at the beginning of each epoch.
    """

    size: int
    seed: int
    batch_size: int
    accumulation: int
    ranks: int
    rank: int
    lengths: NDArray[np.int64] | None = None
    epoch: int = field(default=0, init=False)

    def __iter__(self) -> Iterator[list[Index]]:
        order, together = self.order(), self.batch_size * self.ranks
        step = together * self.accumulation
        for first in range(0, self.size, step):
            rows = order[first : first + step]
            for start in range(
                self.rank * self.batch_size, _up(len(rows), together) + self.rank * self.batch_size, together
            ):
                micro_batch = rows[start : start + self.batch_size]
                yield [(self.epoch, int(row)) for row in micro_batch] or [(FILLER_EPOCH, int(rows[0]))]

    def __len__(self) -> int:
        together = self.batch_size * self.ranks
        steps, rest = divmod(self.size, together * self.accumulation)
        return steps * self.accumulation + _up(rest, together) // together

    def order(self) -> NDArray[np.int64]:
        """The epoch's rows in the order in which they are taken, (size,)."""
        random = np.random.Generator(np.random.Philox(key=[self.seed % 2**64, self.epoch]))
        order = random.permutation(self.size)
        if self.lengths is None:
            return order
        step = self.batch_size * self.ranks * self.accumulation
        whole = self.size - self.size % step  # what makes no whole step comes last, as it was shuffled
        steps = [
            pool[np.argsort(self.lengths[pool], kind="stable")].reshape(-1, step)
            for pool in np.split(order[:whole], range(POOL * step, whole, POOL * step))
        ]
        shuffled = random.permutation(np.concatenate(steps)) if whole else order[:0]
        return np.concatenate([shuffled.ravel(), order[whole:]])


@dataclass(eq=False)
class EvaluationBatches(Sampler[list[int]]):
    """One rank's share of the evaluation batches, every `ranks`-th; a rank without a last one repeats the first.

    The batches are the same for any number of ranks, so their sums are too.

    Args:
        size: Number of rows in the data set.
        batch_size: Rows a batch.
        ranks: Number of processes.
        rank: This process, in [0, ranks).
        lengths: (size,) by which rows come together; None leaves them in their order.
    """

    size: int
    batch_size: int
    ranks: int
    rank: int
    lengths: NDArray[np.int64] | None = None

    def __iter__(self) -> Iterator[list[int]]:
        order = self.order()
        for number in range(self.rank, _up(self.batches, self.ranks), self.ranks):
            first = number * self.batch_size if number < self.batches else 0
            yield order[first : first + self.batch_size].tolist()

    def order(self) -> NDArray[np.int64]:
        """The rows in the order in which they are taken, (size,)."""
        return np.arange(self.size) if self.lengths is None else np.argsort(-self.lengths, kind="stable")

    def __len__(self) -> int:
        return _up(self.batches, self.ranks) // self.ranks

    @property
    def batches(self) -> int:
        """Number of batches over all ranks."""
        return _up(self.size, self.batch_size) // self.batch_size


@dataclass(frozen=True)
class MarkingCollator:
    """Calls `collator`, and marks which rows are in the batch, and a batch that only fills a rank's place."""

    collator: Callable[[Sequence[dict[str, Any]]], dict[str, Tensor]]

    def __call__(self, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Collate rows of one micro-batch."""
        batch: dict[str, Any] = dict(self.collator(rows)) | {EXAMPLES: [int(row["example_id"]) for row in rows]}
        return batch | {FILLER: True} if rows[0]["epoch"] == FILLER_EPOCH else batch


def _up(size: int, multiple: int) -> int:
    return -(-size // multiple) * multiple
