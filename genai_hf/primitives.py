"""How many of oneDNN's primitives a process keeps: what a processor multiplies matrices of one shape with, in 16 bits.

Making one takes 0.3 ms, keeping it half a megabyte, and every length of a batch needs a dozen. oneDNN keeps 1,024 of
them, and ideep, torch's layer above it, as many once more: training on batches of many lengths grows by hundreds of
megabytes that are of next to no use.
"""

import os

VARIABLES = ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY")  # oneDNN's and ideep's, read at their first use
KEPT = 128


def keep_few() -> None:
    """Keep so few from now on, in processes that are started from this one too; the user's own number counts."""
    for name in VARIABLES:
        os.environ.setdefault(name, str(KEPT))
