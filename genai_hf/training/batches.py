"""Which rows make which batch: a function of (seed, epoch, global batch), the same however many processes share it.

A step takes the next `global batch` rows of the epoch's order. They are dealt out in micro-batches, round after round,
rank after rank; so two ranks, or one rank accumulating twice, take exactly the same steps. Every row comes once an
epoch. Where the rows' lengths are known, those of like length come together, so that little is padded: the order is
cut into pools of many steps, each pool is sorted by length, and its steps are shuffled. Or micro-batches have as many
rows as fit into a number of tokens (Ott et al. 2018, arXiv:1806.00187, section 4.1): all rows are sorted by length, of
which the same cuts follow in every epoch, while rows of the same length change places and the micro-batches are
shuffled. Where the last step of an epoch has too few rows for every rank, a rank without one gets a filler: a row that
the collator marks, and no loss counts.
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
        lengths: (size,) by which rows come together, or (size, parts) of rows whose parts are padded each by itself,
            such as what an encoder and a decoder read; None leaves them as shuffled.
        tokens: Of a micro-batch at most, its padding included, in place of `batch_size`; a longer row comes alone.
        multiple: What rows are padded to a multiple of.

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
    tokens: int | None = None
    multiple: int = 1
    epoch: int = field(default=0, init=False)
    _cuts: NDArray[np.int64] = field(init=False)  # where micro-batches begin among the rows in their order

    def __post_init__(self) -> None:
        if self.tokens is None or self.lengths is None:
            self._cuts = np.arange(0, self.size, self.batch_size)
        else:
            self._cuts = cuts(_padded(self.lengths[_ascending(self.lengths)], self.multiple), self.tokens)

    def __iter__(self) -> Iterator[list[Index]]:
        dealt, together = self.dealt(), self.ranks * self.accumulation
        for first in range(0, len(dealt), together):
            step = dealt[first : first + together]
            for place in range(self.rank, _up(len(step), self.ranks), self.ranks):
                is_filler = place >= len(step)
                rows, epoch = (step[0][:1], FILLER_EPOCH) if is_filler else (step[place], self.epoch)
                yield [(epoch, int(row)) for row in rows]

    def __len__(self) -> int:
        steps, rest = divmod(len(self._cuts), self.ranks * self.accumulation)
        return steps * self.accumulation + _up(rest, self.ranks) // self.ranks

    def dealt(self) -> list[NDArray[np.int64]]:
        """The rows of all micro-batches of the epoch, as they are dealt out: round after round, rank after rank."""
        if self.tokens is None or self.lengths is None:
            return np.split(self._grouped(), self._cuts[1:])
        random = self._random()
        shuffled = random.permutation(self.size)
        parts = np.split(shuffled[_ascending(self.lengths[shuffled])], self._cuts[1:])
        return [parts[place] for place in random.permutation(len(parts))]

    def _random(self) -> np.random.Generator:
        return np.random.Generator(np.random.Philox(key=[self.seed % 2**64, self.epoch]))

    def order(self) -> NDArray[np.int64]:
        """The epoch's rows in the order in which they are taken, (size,)."""
        return np.concatenate(self.dealt())

    def _grouped(self) -> NDArray[np.int64]:
        """The same where micro-batches have as many rows each."""
        random = self._random()
        order = random.permutation(self.size)
        if self.lengths is None:
            return order
        step = self.batch_size * self.ranks * self.accumulation
        whole = self.size - self.size % step  # what makes no whole step comes last, as it was shuffled
        steps = [
            pool[_ascending(self.lengths[pool])].reshape(-1, step)
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
        lengths: (size,) or (size, parts) by which rows come together; None leaves them in their order.
        tokens: Of a batch at most, as in training.
        multiple: What rows are padded to a multiple of.
    """

    size: int
    batch_size: int
    ranks: int
    rank: int
    lengths: NDArray[np.int64] | None = None
    tokens: int | None = None
    multiple: int = 1

    def __iter__(self) -> Iterator[list[int]]:
        batches = self._dealt()
        for number in range(self.rank, _up(len(batches), self.ranks), self.ranks):
            yield batches[number if number < len(batches) else 0].tolist()

    def _dealt(self) -> list[NDArray[np.int64]]:
        """The rows of all batches."""
        order = self.order()
        if self.tokens is None or self.lengths is None:
            return np.split(order, range(self.batch_size, self.size, self.batch_size))
        return np.split(order, cuts(_padded(self.lengths[order], self.multiple), self.tokens)[1:])

    def order(self) -> NDArray[np.int64]:
        """The rows in the order in which they are taken, (size,)."""
        return np.arange(self.size) if self.lengths is None else _ascending(-self.lengths)

    def __len__(self) -> int:
        return _up(self.batches, self.ranks) // self.ranks

    @property
    def batches(self) -> int:
        """Number of batches over all ranks."""
        return len(self._dealt())


@dataclass(frozen=True)
class MarkingCollator:
    """Calls `collator`, and marks which rows are in the batch, and a batch that only fills a rank's place."""

    collator: Callable[[Sequence[dict[str, Any]]], dict[str, Tensor]]

    def __call__(self, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Collate rows of one micro-batch."""
        batch: dict[str, Any] = dict(self.collator(rows)) | {EXAMPLES: [int(row["example_id"]) for row in rows]}
        return batch | {FILLER: True} if rows[0]["epoch"] == FILLER_EPOCH else batch


def cuts(lengths: NDArray[np.int64], tokens: int) -> NDArray[np.int64]:
    """Where batches begin, each with as many rows of its longest one's length as fit.

    Args:
        lengths: (rows,) or (rows, parts) ascending or descending.
        tokens: Of a batch.
    """
    parts, begins, first = _parts(lengths), list[int](), 0
    while first < len(lengths):
        begins.append(first)
        longest = np.maximum.accumulate(parts[first : first + tokens]).sum(1)
        first += max(int((longest * np.arange(1, len(longest) + 1) <= tokens).sum()), 1)
    return np.array(begins, dtype=np.int64)


def _up(size: int, multiple: int) -> int:
    return -(-size // multiple) * multiple


def _ascending(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Places of rows by their tokens, then by those of their parts; rows whose parts are as long keep their order."""
    parts = _parts(lengths)
    return np.lexsort((*parts.T, parts.sum(1)))


def _parts(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Lengths as (rows, parts), whose rows may be of one part."""
    return lengths[:, None] if lengths.ndim == 1 else lengths


def _padded(lengths: NDArray[np.int64], multiple: int) -> NDArray[np.int64]:
    return -(-lengths // multiple) * multiple
