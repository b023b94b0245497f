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
REPLACED = ".replaced"  # in a run's folder: what was there, until the new run can begin
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


def require_free(folder: Path) -> None:
    """See that no other process is at the folder.

    Raises:
        ConfigError: One is.
    """
    if folder not in _held and (folder / LOCK).is_file():
        hold(folder)
        release(folder)


def release(folder: Path) -> None:
    """Let others at it."""
    if folder in _held:
        _held.pop(folder).close()


def set_aside(folder: Path) -> None:
    """Move what is in a folder that this process holds below it, until it is put back or forgotten."""
    before = [path for path in folder.iterdir() if path.name not in {LOCK, REPLACED}]
    if before:
        forget(folder)
        (folder / REPLACED).mkdir()
    for path in before:
        path.replace(folder / REPLACED / path.name)


def put_back(folder: Path) -> None:
    """Have the folder again as it was before `set_aside`, if it was and nobody has forgotten it."""
    if not (folder / REPLACED).is_dir():
        return
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink() and path.name != REPLACED:
            shutil.rmtree(path)
        elif path.name not in {LOCK, REPLACED}:
            path.unlink()
    for path in (folder / REPLACED).iterdir():
        path.replace(folder / path.name)
    forget(folder)


def forget(folder: Path) -> None:
    """Delete what was set aside."""
    shutil.rmtree(folder / REPLACED, ignore_errors=True)


def _is_there(file: TextIO, path: Path) -> bool:
    return path.exists() and os.path.samestat(os.fstat(file.fileno()), path.stat())
