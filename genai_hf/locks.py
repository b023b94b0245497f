"""One process at a time: a lock on a run's folder that no child inherits and no kill leaves behind."""

import errno
import fcntl
import os
import shutil
import sys
from pathlib import Path
from typing import TextIO

from genai_hf.errors import ConfigError

LOCK = ".lock"
UNKNOWN = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}  # what a disk without locks says
_held: dict[Path, TextIO] = {}  # closing the file would give the lock back


def hold(folder: Path) -> None:
    """Keep other processes off the folder until `release`, or until this one ends.

    Raises:
        ConfigError: Another one is at it.
    """
    if folder in _held and _is_there(_held[folder], folder / LOCK):
        return
    release(folder)  # it was deleted with its run
    file = (folder / LOCK).open("a+", encoding="utf-8")
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.seek(0)
        other = file.read().strip()
        file.close()
        if error.errno in {errno.EAGAIN, errno.EACCES}:
            raise ConfigError(f"{folder} is in use by process {other}; wait for it, or name another run=…") from error
        if error.errno not in UNKNOWN:
            raise
        print(f"{folder} is on a disk without locks: nothing keeps another process off it", file=sys.stderr)
        return
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    _held[folder] = file


def release(folder: Path) -> None:
    """Let others at it."""
    if folder in _held:
        _held.pop(folder).close()


def clear(folder: Path, last: str) -> None:
    """Delete what is in a folder that this process holds, the file called `last` after all else."""
    for path in sorted(folder.iterdir(), key=lambda path: path.name == last):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name != LOCK:
            path.unlink()


def _is_there(file: TextIO, path: Path) -> bool:
    return path.exists() and os.path.samestat(os.fstat(file.fileno()), path.stat())
