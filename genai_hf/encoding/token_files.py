"""The files of one split: its tokens, where documents start, where words begin and, where asked for, sentences."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genai_hf.encoding.tokens import CHUNK

UNPACKED = "unpacked.npy"


def write_split(
    folder: Path,
    split: str,
    ids: NDArray[np.generic],
    *,
    begins: Mapping[str, NDArray[np.bool_]],
    lengths: NDArray[np.int64],
    chosen: NDArray[np.bool_],
) -> None:
    """Write the chosen documents, in memory that does not grow with them.

    Args:
        folder: Where the files lie.
        split: The beginning of their names.
        ids: Tokens of all documents, one after the other.
        begins: Of ``words`` and what else is kept: for each token, whether it begins one.
        lengths: (documents,) tokens of each.
        chosen: (documents,) which of them are of the split.
    """
    starts = np.concatenate([[0], np.cumsum(lengths[chosen])])
    np.save(folder / f"{split}_starts.npy", starts)
    _copied(folder / f"{split}.npy", ids, lengths, chosen).flush()
    for name, flags in begins.items():
        unpacked = _copied(folder / UNPACKED, flags, lengths, chosen)
        unpacked[starts[:-1]] = True  # also where a document was cut out of another
        _packed(folder / f"{split}_{name}.npy", unpacked).flush()
        (folder / UNPACKED).unlink()


def _copied(file: Path, tokens: NDArray[Any], lengths: NDArray[np.int64], chosen: NDArray[np.bool_]) -> Any:
    """Copy what stands for the tokens of the chosen documents into a file, in runs of neighbours."""
    starts = np.concatenate([[0], np.cumsum(lengths)])
    written = np.lib.format.open_memmap(file, "w+", dtype=tokens.dtype, shape=(int(lengths[chosen].sum()),))
    edges = np.flatnonzero(np.diff(np.concatenate([[False], chosen, [False]])))
    place = 0
    for first, last in edges.reshape(-1, 2):
        run = tokens[starts[first] : starts[last]]
        written[place : place + len(run)] = run
        place += len(run)
    return written


def _packed(file: Path, bits: NDArray[np.bool_]) -> Any:
    """Pack truth values into a file as `Bits` reads them."""
    written = np.lib.format.open_memmap(file, "w+", dtype=np.uint8, shape=(-(-len(bits) // 8),))
    for first in range(0, len(bits), CHUNK):
        written[first // 8 : (first + CHUNK) // 8] = np.packbits(bits[first : first + CHUNK], bitorder="little")
    return written
