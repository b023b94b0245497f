"""Memory that is given back stays with the process: the system clears every page that it hands out.

A step of training on a processor takes and gives back large arrays. glibc asks the system for those above 32 MiB and
gives back what is free at the end of its heap, so that their pages are cleared again in every step.
"""

import ctypes
import os
import platform

# Of glibc's malloc.h.
TRIM_THRESHOLD, TOP_PAD, MMAP_THRESHOLD, MMAP_MAX = -1, -2, -3, -4
NEVER = -1  # the largest size
AHEAD = 2**26  # bytes asked for at a time


def keep() -> None:
    """Keep what is given back from now on, in pages as large as the system has; only glibc's allocator is told."""
    if platform.libc_ver()[0] == "glibc":
        os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")  # torch reads it once, before its first array
        _set({MMAP_MAX: 0, TRIM_THRESHOLD: NEVER, TOP_PAD: AHEAD})


def settled() -> None:
    """Let glibc do what it comes to by itself, at best, in a process that has given back large arrays.

    It raises its thresholds with what is given back, up to these, until it is told of any: nothing undoes that.
    """
    if platform.libc_ver()[0] == "glibc":
        library = _set({MMAP_MAX: 2**16, MMAP_THRESHOLD: 2**25, TRIM_THRESHOLD: 2**26, TOP_PAD: 2**17})
        library.malloc_trim(0)


def resident() -> int:
    """Bytes of this process that are in memory now."""
    import psutil  # type: ignore[import-untyped]

    return int(psutil.Process().memory_info().rss)


def _set(values: dict[int, int]) -> ctypes.CDLL:
    library = ctypes.CDLL(None)
    for name, value in values.items():
        library.mallopt(name, value)
    return library
