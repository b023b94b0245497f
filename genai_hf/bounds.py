"""What others wrote, such as settings that refer to each other, is worked out in bounded time and memory.

Python looks at the clock at every call, and at every line of code that was made of a text; in the thread that calls,
whichever it is. Memory is the system's own limit, raised to what is in use and a little more. What no clock interrupts
is a single operation of C: whole programs, such as templates, are left to `genai_hf.rendering`.
"""

import contextlib
import resource
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from genai_hf.errors import UserError

SECONDS = 5.0
MEMORY = 2**29  # bytes beside what is in use
STATUS = Path("/proc/self/statm")  # of Linux; elsewhere memory has no bound
_ONE = threading.RLock()


class _OutOfTime(BaseException):
    """No `except Exception` on the way holds it up."""


@contextlib.contextmanager
def bounded(error: UserError, seconds: float = SECONDS, memory: int = MEMORY) -> Iterator[None]:
    """Work within it ends in `error` where it takes more seconds, more bytes, or calls itself without end."""
    before = sys.gettrace()
    with limited_memory(memory):
        sys.settrace(_clock(time.monotonic() + seconds))
        try:
            yield
        except (_OutOfTime, MemoryError, RecursionError) as excess:
            raise error from excess
        finally:
            sys.settrace(before)


def _clock(end: float) -> Callable[[FrameType, str, Any], Any]:
    def look(frame: FrameType, event: str, argument: Any) -> Any:
        if time.monotonic() > end:
            raise _OutOfTime
        return look if frame.f_code.co_filename.startswith("<") else None

    return look


@contextlib.contextmanager
def limited_memory(more: int) -> Iterator[None]:
    """Within it this process may take so many bytes beside what it has in use."""
    if not STATUS.is_file():
        yield
        return
    with _ONE:  # the limit is the whole process's
        yield from _limited(more)


def _limited(more: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = int(STATUS.read_text().split()[0]) * resource.getpagesize() + more
    limits = [limit for limit in (wanted, soft, hard) if limit != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_AS, (min(limits), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
