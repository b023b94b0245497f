"""Token ids of a split and where its words begin, memory-mapped: in no more memory than is looked at."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genai_hf.errors import UserError

CHUNK = 2**24  # tokens counted or packed at a time; a multiple of 8


@dataclass(frozen=True)
class Bits:
    """Truth values packed eight to a byte, the first in the lowest bit; a slice or places of it are unpacked.

    Args:
        packed: uint8 (ceil(length / 8),).
        length: Number of values.
    """

    packed: NDArray[np.uint8]
    length: int

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, places: slice | NDArray[np.int64]) -> NDArray[np.bool_]:
        """The values at a slice, or at places in [0, length) of any shape."""
        at = np.arange(*places.indices(self.length)) if isinstance(places, slice) else places
        values: NDArray[np.bool_] = (self.packed[at >> 3] >> (at & 7).astype(np.uint8) & 1).astype(bool)
        return values


@dataclass(frozen=True)
class Tokens:
    """The documents of one split, one after the other, without special tokens.

    Pickling passes the paths on and not the numbers, so worker processes share one copy.

    Args:
        folder: Where the token file lies.
        split: ``train`` or ``validation``.
        first_document: Number of the first document, counted over both splits.
        note: What is unusual about the split, or nothing.
    """

    folder: Path
    split: str
    first_document: int = 0
    note: str = ""

    @cached_property
    def ids(self) -> NDArray[np.uint16] | NDArray[np.uint32]:
        """(number of tokens,) ids, uint16 where the vocabulary allows it and else uint32; read-only."""
        mapped: NDArray[np.uint16] | NDArray[np.uint32] = _mapped(self.folder / f"{self.split}.npy")
        return mapped

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """(number of documents + 1,) where each document starts in `ids`, and at last where the last one ends."""
        starts: NDArray[np.int64] = _mapped(self.folder / f"{self.split}_starts.npy")
        return starts

    @cached_property
    def words(self) -> Bits:
        """(number of tokens,) whether each token begins a word of the tokenizer's own, as every document does."""
        return Bits(_mapped(self.folder / f"{self.split}_words.npy"), len(self))

    @cached_property
    def sentences(self) -> NDArray[np.int64]:
        """(number of sentences,) where each sentence begins, as every document does; it must have been asked for."""
        packed = _mapped(self.folder / f"{self.split}_sentences.npy")
        begins = [
            first + np.flatnonzero(Bits(packed, len(self))[first : first + CHUNK])
            for first in range(0, len(self), CHUNK)
        ]
        return np.concatenate(begins)

    def __len__(self) -> int:
        return len(self.ids)

    def __reduce__(self) -> tuple[type["Tokens"], tuple[Path, str, int, str]]:
        return Tokens, (self.folder, self.split, self.first_document, self.note)

    def frequencies(self, vocab_size: int) -> NDArray[np.int64]:
        """How often each id occurs, (vocab_size,).

        Raises:
            ValueError: An id is not below `vocab_size`.
        """
        counts = np.zeros(vocab_size, dtype=np.int64)
        for first in range(0, len(self), CHUNK):
            counted = np.bincount(self.ids[first : first + CHUNK], minlength=vocab_size)
            if len(counted) > vocab_size:
                raise ValueError(f"vocab_size must be above the largest token id {len(counted) - 1}, got {vocab_size}")
            counts += counted
        return counts


def _mapped(file: Path) -> Any:
    """An array that stays in its file.

    Raises:
        UserError: The file is damaged.
    """
    try:
        return np.load(file, mmap_mode="r").view(np.ndarray)
    except (ValueError, EOFError) as error:
        remedy = "delete its folder, and the tokens are read anew"
        raise UserError(f"{file} is damaged ({str(error).partition(chr(10))[0]}); {remedy}") from error
