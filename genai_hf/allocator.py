"""Memory that is given back stays with the process: the system clears every page that it hands out.

A step of training on a processor takes and gives back large arrays. glibc asks the system for each, and a fifth of the
step goes into clearing their pages.
"""

import ctypes
import os
import platform

# Of glibc's malloc.h.
TRIM_THRESHOLD, TOP_PAD, MMAP_MAX = -1, -2, -4
NEVER = 2**31 - 1
AHEAD = 2**26  # bytes asked for at a time


def keep() -> None:
    """Keep what is given back from now on, in pages as large as the system has; only glibc's allocator is told."""
    if platform.libc_ver()[0] == "glibc":
        os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")  # torch reads it once, before its first array
        _set({MMAP_MAX: 0, TRIM_THRESHOLD: NEVER, TOP_PAD: AHEAD})


def as_shipped() -> None:
    """Undo `keep`, but for the size of pages."""
    if platform.libc_ver()[0] == "glibc":
        library = _set({MMAP_MAX: 2**16, TRIM_THRESHOLD: 2**17, TOP_PAD: 2**17})
        library.malloc_trim(0)


def _set(values: dict[int, int]) -> ctypes.CDLL:
    library = ctypes.CDLL(None)
    for name, value in values.items():
        library.mallopt(name, value)
    return library
