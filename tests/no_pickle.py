"""No pickle is read from a file: an audit hook ends the reading before it runs anything, and fails the test.

It is set by conftest, so it watches every test, and every script of tests/training, which import their parts from
there. A hook cannot be taken off again.
"""

import pickle
import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any

# Who may unpickle, by a module of theirs on the calling stack: what they read was written by a process of ours, and
# comes by a pipe or a socket. (copy and deepcopy, execnet and xdist use no pickle.)
ALLOWED = {
    "multiprocessing.connection": "a worker of a DataLoader, or a process of a pool",
    "multiprocessing.queues": "the same",
    "multiprocessing.spawn": "the beginning of such a process",
    "multiprocessing.forkserver": "the same, where Python starts them in this way",
    "torch.distributed.distributed_c10d": "a collective of our ranks",
    "torch.distributed.elastic": "what the launcher tells its ranks",
    "concurrent.futures.process": "the workers of a pool",
    "submitit": "the extra `slurm`, whose jobs are given to it in this way",
}
read: list[str] = []  # what was refused since the last look


def watch() -> None:
    """Refuse and note every class that is looked up by a pickle from anywhere else."""
    sys.addaudithook(_hook)


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "pickle.find_class" and not (_is_a_tests_own() or any(map(_is_allowed, _modules()))):
        read.append(".".join(map(str, arguments)) + f", asked for by {' < '.join(list(_modules())[:6])}")
        raise pickle.UnpicklingError(f"no test reads a pickle: {read[-1]}")


def _modules() -> Iterator[str]:
    """Names of the modules on the calling stack, the innermost first."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        yield str(frame.f_globals.get("__name__", ""))
        frame = frame.f_back


def _is_a_tests_own() -> bool:
    """Whether a test itself reads what it has just pickled, to see that an object survives it."""
    return str(sys._getframe(2).f_globals.get("__name__")).startswith("test_")


def _is_allowed(module: str) -> bool:
    return any(f"{module}.".startswith(f"{name}.") for name in ALLOWED)
