"""What libraries log and warn of goes into the run's log, redacted, and not to the terminal."""

import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from genai_hf import secrets
from genai_hf.ranks import rank

LIBRARIES = ("transformers", "datasets", "accelerate")


@contextmanager
def quiet() -> Iterator[None]:
    """What libraries log meanwhile is thrown away."""
    from transformers.utils import logging as bars

    bars.disable_progress_bar()
    with logged(Path("/dev/null")):
        yield


@contextmanager
def logged(file: Path, before: str = "") -> Iterator[None]:
    """Send what libraries log and warn of to the run's log instead of the terminal; rank 0 writes it.

    Args:
        file: The log.
        before: What they had to say before there was one.
    """
    import transformers  # noqa: F401 - it sets up its own handler, which is to be taken away

    if before and rank() == 0:
        with file.open("a", encoding="utf-8") as log:
            log.write(before)
    with _handled(logging.FileHandler(file, encoding="utf-8") if rank() == 0 else logging.NullHandler()):
        yield


@contextmanager
def early() -> Iterator[io.StringIO]:
    """Take what they say where they are not imported yet and there is no log."""
    said = io.StringIO()
    with _handled(logging.StreamHandler(said)):
        yield said


@contextmanager
def _handled(handler: logging.Handler) -> Iterator[None]:
    handler.setFormatter(_Redacting("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root, libraries = logging.getLogger(), [logging.getLogger(name) for name in LIBRARIES]
    root.addHandler(handler)
    quieted = [(library, library.handlers[:], library.propagate) for library in libraries]
    for library in libraries:
        library.handlers, library.propagate = [], True
    logging.captureWarnings(True)
    try:
        with warnings.catch_warnings():
            yield
    finally:
        logging.captureWarnings(False)
        for library, handlers, propagate in quieted:
            library.handlers, library.propagate = handlers, propagate
        root.removeHandler(handler)
        handler.close()


class _Redacting(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return secrets.redact(super().format(record))
