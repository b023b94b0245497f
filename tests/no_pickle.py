"""No pickle is read from a file: an audit hook ends the reading before it runs anything, and fails the test.

It is set by conftest, so it watches every test, and every script of tests/training, which import their parts from
there. Whatever process a test begins sets it as it starts, by tests/beginning/sitecustomize.py on its path, and one
that is forked has it. What was refused is noted in a file of the test session's, in which each of them writes. A hook
cannot be taken off again.
"""

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
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
PROCESS = "multiprocessing.process"  # what calls it has read what it was given
NOTES = "GENAI_HF_TESTS_UNPICKLED"  # in the environment: the file
_watching: list[bool] = []


def begin() -> None:
    """Give this session of tests a file of its own, and have the processes that it begins watched."""
    descriptor, os.environ[NOTES] = tempfile.mkstemp(prefix="unpickled-")
    os.close(descriptor)
    others = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    own = str(Path(__file__).parent / "beginning")
    os.environ["PYTHONPATH"] = os.pathsep.join([own, *(path for path in others if path != own)])


def watch() -> None:
    """Refuse and note every class that is looked up by a pickle from anywhere else."""
    if not _watching:
        sys.addaudithook(_hook)
        _watching.append(True)


def noted() -> list[str]:
    """What was refused since the last call, in this process and in those that it began."""
    file = Path(os.environ[NOTES])
    if not file.stat().st_size:
        return []
    lines = file.read_text(encoding="utf-8").splitlines()
    file.write_text("")
    return lines


def require_none() -> None:
    """Fail where anything was refused: whoever asked may have caught what the hook raises."""
    lines = noted()
    assert not lines, f"a pickle was read: {lines}"


def end() -> None:
    """Take the file away."""
    Path(os.environ[NOTES]).unlink()


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "pickle.find_class" and not (_is_a_tests_own() or any(map(_is_allowed, _modules()))):
        said = ".".join(map(str, arguments)) + f", asked for by {' < '.join(list(_modules())[:6])}"
        if NOTES in os.environ:
            with Path(os.environ[NOTES]).open("a", encoding="utf-8") as file:
                file.write(f"{said}\n")
        from pickle import UnpicklingError  # it is loaded: no process that reads none has to load it

        raise UnpicklingError(f"no test reads a pickle: {said}")


def _modules() -> Iterator[str]:
    """Names of the modules on the calling stack, the innermost first, up to where a process of ours begins its work."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and (name := str(frame.f_globals.get("__name__", ""))) != PROCESS:
        yield name
        frame = frame.f_back


def _is_a_tests_own() -> bool:
    """Whether a test itself reads what it has just pickled, to see that an object survives it."""
    return str(sys._getframe(2).f_globals.get("__name__")).startswith("test_")


def _is_allowed(module: str) -> bool:
    return any(f"{module}.".startswith(f"{name}.") for name in ALLOWED)
