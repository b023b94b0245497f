"""How many of oneDNN's primitives a process keeps: what a processor multiplies matrices of one shape with, in 16 bits.

Making one takes 0.3 ms, keeping it half a megabyte, and every length of a batch needs some twenty. oneDNN keeps 1,024,
and so does ideep, torch's layer above it: training on batches of many lengths grows by hundreds of megabytes. Memory is
given back only where both keep few.
"""

import os

ONEDNN, OLD_ONEDNN = "ONEDNN_PRIMITIVE_CACHE_CAPACITY", "DNNL_PRIMITIVE_CACHE_CAPACITY"
IDEEP = "LRU_CACHE_CAPACITY"
KEPT = 128


def keep_few() -> None:
    """Keep so few from now on, in processes that are started from this one too; the user's own numbers count.

    The libraries read them at their first use. Of ideep's a number below 1, or none, would end the process by a fault.
    """
    if not os.environ.get(OLD_ONEDNN):
        os.environ.setdefault(ONEDNN, str(KEPT))
    number = os.environ.get(IDEEP, "").strip()
    if not number.isdecimal() or int(number) < 1:
        os.environ[IDEEP] = str(KEPT)
