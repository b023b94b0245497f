"""Whether models are being made without weights, and where a Trainer may write meanwhile."""

import contextlib
import contextvars
from collections.abc import Iterator

_folder = contextvars.ContextVar("folder", default="")


@contextlib.contextmanager
def weightless(folder: str) -> Iterator[None]:
    """Within this context models have shapes but no weights: enough to inspect and check a recipe, in no memory.

    Args:
        folder: Where a Trainer may write instead of into a run's folder.
    """
    token = _folder.set(folder)
    try:
        yield
    finally:
        _folder.reset(token)


def weightless_folder() -> str:
    """The folder to write into while models are being made without weights, else nothing."""
    return _folder.get()
