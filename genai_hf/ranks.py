"""Which of a launcher's processes this is; without a launcher it is the only one."""

import atexit
import contextlib
import os
import platform
import signal
import sys
import threading
import time
from pathlib import Path
from typing import NoReturn

from genai_hf.weightless import weightless_folder

LAUNCHED = "GENAI_HF_LAUNCHED"  # in our ranks: the file that takes the exit code, which launchers do not pass on
COMMAND = "GENAI_HF_COMMAND"  # in the ranks of our own launch: machine and process that was called
WORDS = (
    "GENAI_HF_WORDS"  # there, too: the command's words, for those of a process are shown to everybody on the machine
)
PATIENCE = 8.0  # seconds for a last checkpoint when the launcher is gone


def rank() -> int:
    """This process's place among all, from 0."""
    return int(os.environ.get("RANK", "0"))


def ranks() -> int:
    """Number of processes."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def say(line: str) -> None:
    """Write a line to the terminal, on the first rank, unless the model is only looked at."""
    if rank() == 0 and not weightless_folder():
        print(line, file=sys.stderr)


def note_code(code: int) -> None:
    """Leave the exit code of the rank that failed first to the process that launched it, where they share a disk."""
    if code and LAUNCHED in os.environ:
        with contextlib.suppress(OSError), Path(os.environ[LAUNCHED]).open("x", encoding="utf-8") as file:
            file.write(str(code))


def leave(code: int) -> NoReturn:
    """End a rank's process without the interpreter's own end, in which threads of the libraries may abort it."""
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def watch_launcher() -> None:
    """From now on end this process soon after its launcher is gone: nobody would collect it, its peers may be dead."""
    if ranks() > 1:
        threading.Thread(target=_watch, args=(os.getppid(),), daemon=True).start()


def _watch(launcher: int) -> None:
    machine, _, process = os.environ.get(COMMAND, "").rpartition(":")
    command = int(process) if machine == platform.node() else os.getpid()  # on another machine nobody can look
    while os.getppid() == launcher and _is_alive(command):
        time.sleep(0.5)
    if rank() == 0:
        print("the process that launched this is gone: saving after this step", file=sys.stderr)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(PATIENCE)
    os._exit(128 + signal.SIGTERM)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's, but there
        return True
    return True
