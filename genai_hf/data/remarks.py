"""What is odd about rows that are right, said on the terminal: how many repeat others, how many are cut."""

import sys
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np
from numpy.typing import NDArray

from genai_hf import ranks

NAMED = 5  # labels
WAITING = ContextVar[list[str] | None]("WAITING", default=None)


@contextmanager
def held() -> Iterator[None]:
    """Say what is told meanwhile when all has gone well: a mistake is answered by its own line alone."""
    with caught() as lines:
        yield
    say(lines)


@contextmanager
def caught() -> Iterator[list[str]]:
    """The lines that are told meanwhile, for `say`."""
    lines = list[str]()
    before = WAITING.set(lines)
    try:
        yield lines
    finally:
        WAITING.reset(before)


def say(lines: Iterable[str]) -> None:
    """Write lines to the terminal, or have them wait."""
    waiting = WAITING.get()
    for line in lines:
        print(line, file=sys.stderr) if waiting is None else waiting.append(line)


def tell(where: str, *said: str) -> None:
    """Say what is odd about a split or a file, if anything is; the first rank does."""
    if any(said) and ranks.rank() == 0:
        say([f"{where}: {'; '.join(filter(None, said))}"])


def repeated(rows: int, different: int, contradicting: int = 0, *, what: str = "rows") -> str:
    """How many rows are as one before them.

    Args:
        rows: All of them.
        different: How many are not.
        contradicting: Of those that repeat a text, how many give it another label than it had before.
        what: The rows are.
    """
    other = f", {contradicting:,} of them with another label" if contradicting else ""
    return f"{rows - different:,} of {rows:,} {what} repeat an earlier one{other}" if rows > different else ""


def shortened(cut: NDArray[np.bool_], length: int | str) -> str:
    """How many rows, (rows, …) of whose texts it is told which were cut, lost tokens to have room in `length`."""
    count = int(cut.reshape(len(cut), -1).any(axis=1).sum())
    return f"{count:,} of {len(cut):,} rows ({count / len(cut):.1%}) are cut to {length} tokens" if count else ""


def shared(rows: Iterable[Hashable], train: Iterable[Hashable]) -> str:
    """How many rows to evaluate on stand among those to train on."""
    known, asked = set(train), list(rows)
    count = sum(row in known for row in asked)
    return f"{count:,} of {len(asked):,} rows stand in train too" if count else ""


def left_out(count: int, kept: int) -> str:
    """How many rows were left out as faulty beside those that were kept."""
    return f"{count:,} of {count + kept:,} rows are left out as faulty" if count else ""


def alike(names: Iterable[str]) -> str:
    """Which labels differ in capitals alone, as a slip of the pen does."""
    spelt = dict[str, list[str]]()
    for name in names:
        spelt.setdefault(name.casefold(), []).append(name)
    found = [" and ".join(several) for several in spelt.values() if len(several) > 1]
    listed = ", ".join(found[:NAMED]) + (", …" if len(found) > NAMED else "")
    return f"labels that differ in capitals alone: {listed}" if found else ""


def rare(names: Sequence[str], numbers: Sequence[float]) -> str:
    """Which labels stand in a single row, as a slip of the pen does."""
    counts = Counter(numbers)
    found = [name for number, name in enumerate(names) if counts[number] == 1]
    listed = ", ".join(found[:NAMED]) + (", …" if len(found) > NAMED else "")
    return f"labels of a single row: {listed}" if found else ""
