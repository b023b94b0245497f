"""One process at a time: a lock on a run's folder that no child inherits and no kill leaves behind."""

import fcntl
import os
import shutil
from pathlib import Path
from typing import TextIO

from genai_hf.errors import ConfigError

LOCK = ".lock"
_held: dict[Path, TextIO] = {}  # closing the file would give the lock back


def hold(folder: Path) -> None:
    """Keep other processes off the folder until this one ends.

    Raises:
        ConfigError: Another one is at it.
    """
    file = _held.get(folder)
    if file is None or not _is_there(file, folder / LOCK):  # or it was deleted with its run
        file = (folder / LOCK).open("a+", encoding="utf-8")
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError) as error:
        file.seek(0)
        other = file.read().strip()
        raise ConfigError(f"{folder} is in use by process {other}; wait for it, or name another run=…") from error
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    _held[folder] = file


def clear(folder: Path) -> None:
    """Delete what is in a folder that this process holds."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name != LOCK:
            path.unlink()


def _is_there(file: TextIO, path: Path) -> bool:
    return path.exists() and os.path.samestat(os.fstat(file.fileno()), path.stat())
