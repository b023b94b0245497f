"""What libraries log and warn of goes into the run's log, redacted, and not to the terminal."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from genai_hf import secrets
from genai_hf.ranks import rank


@contextmanager
def quiet() -> Iterator[None]:
    """What libraries log meanwhile is thrown away."""
    from transformers.utils import logging as bars

    bars.disable_progress_bar()
    with logged(Path("/dev/null")):
        yield


@contextmanager
def logged(file: Path) -> Iterator[None]:
    """Send what libraries log and warn of to the run's log instead of the terminal; rank 0 writes it."""
    import transformers  # noqa: F401 - it sets up its own handler, which is to be taken away

    handler: logging.Handler = logging.FileHandler(file, encoding="utf-8") if rank() == 0 else logging.NullHandler()
    handler.setFormatter(_Redacting("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root, libraries = (
        logging.getLogger(),
        [logging.getLogger(name) for name in ("transformers", "datasets", "accelerate")],
    )
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
