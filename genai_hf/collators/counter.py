"""Random numbers as a function of what they are for: (seed, epoch, example, position), and of nothing else.

A stream that is drawn from gives other numbers when the number of workers, ranks or restarts changes; a function does
not. The function is SplitMix64's finaliser over a counter (Steele, Lea and Flood 2014, "Fast splittable pseudorandom
number generators", figure 17; counters as in Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3").
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Bits = NDArray[np.uint64]

GAMMA = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio, odd: the step of the counter
STREAMS = 4  # independent numbers for each position


def mix(values: Bits) -> Bits:
    """SplitMix64's finaliser: a bijection of uint64 in which every output bit depends on every input bit."""
    shifted = values >> np.uint64(30)
    values = values ^ shifted
    values *= np.uint64(0xBF58476D1CE4E5B9)  # in place: fresh memory costs more than the arithmetic
    values ^= np.right_shift(values, np.uint64(27), out=shifted)
    values *= np.uint64(0x94D049BB133111EB)
    values ^= np.right_shift(values, np.uint64(31), out=shifted)
    return values


def row_keys(seed: int, epochs: Sequence[int], example_ids: Sequence[int]) -> Bits:
    """One key an example, uint64 (B,).

    Args:
        seed: Of the run. It does not enter where the epoch is -1, the mark of evaluation: every run is scored on the
            same masks.
        epochs: (B,) epoch of each example, or -1.
        example_ids: (B,) number of each example in the corpus.
    """
    epoch = np.asarray(epochs, dtype=np.int64)
    seeds = np.where(epoch < 0, np.int64(0), np.int64(seed)).astype(np.uint64)
    key = mix(seeds + GAMMA)
    key = mix((key ^ epoch.astype(np.uint64)) + GAMMA)
    return mix((key ^ np.asarray(example_ids, dtype=np.int64).astype(np.uint64)) + GAMMA)


def bits(keys: Bits, positions: NDArray[np.int64], stream: int) -> Bits:
    """64 random bits for each key and position (the two are broadcast), from one of `STREAMS` streams."""
    counter = positions.astype(np.uint64) * np.uint64(STREAMS) + np.uint64(stream + 1)
    return mix(keys + counter * GAMMA)


def uniform(random_bits: Bits) -> NDArray[np.float64]:
    """Bits as uniform numbers in [0, 1) with 53 binary digits."""
    return (random_bits >> np.uint64(11)).astype(np.float64) * 2.0**-53


def below(random_bits: Bits, size: int | NDArray[np.int64]) -> NDArray[np.int64]:
    """Bits as integers in [0, size), for sizes below 2^32; no integer's share is off by more than size / 2^32."""
    return (((random_bits >> np.uint64(32)) * np.asarray(size, dtype=np.uint64)) >> np.uint64(32)).astype(np.int64)
