"""Where prepared data is kept between runs. What lies there is whole: it is written beside its place, then renamed."""

import json
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from genai_hf.errors import UserError

VARIABLE = "GENAI_HF_CACHE"
ABANDONED = 7 * 24 * 3600  # s after which a staged folder is taken for a killed process's


def cache_folder() -> Path:
    """The folder that the environment variable GENAI_HF_CACHE names, else ``~/.cache/genai_hf``."""
    return Path(os.environ.get(VARIABLE) or "~/.cache/genai_hf").expanduser()


@contextmanager
def staged(target: Path) -> Iterator[Path]:
    """A new folder to write into, which becomes `target` when the block ends without an exception.

    Where another process was faster, its `target` stays and this folder is dropped.

    Raises:
        UserError: The folder above `target` cannot be written.
    """
    folder = _beside(target)
    try:
        folder.mkdir()
        yield folder
        for file in folder.iterdir():
            _flush(file)
        try:
            folder.rename(target)
        except OSError:
            if not target.is_dir():
                raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def remembered(target: Path, make: Callable[[], Any]) -> Any:
    """What `make` returns (plain JSON values), from the file `target` where it was made before."""
    with suppress(FileNotFoundError, NotADirectoryError, ValueError):  # a file in a folder's place is told of below
        return json.loads(target.read_text(encoding="utf-8"))
    content = make()
    file = _beside(target)
    try:
        file.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
        _flush(file)
        file.replace(target)
    finally:
        file.unlink(missing_ok=True)
    return content


def _beside(target: Path) -> Path:
    """A free name beside `target`, in a folder that exists and can be written; what killed processes left goes."""
    parent = target.parent
    try:
        parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(parent, error.strerror) from error
    if not os.access(parent, os.W_OK):
        raise _unwritable(parent, "permission denied")
    for left in parent.glob(".*.staged"):
        with suppress(FileNotFoundError):
            if time.time() - left.stat().st_mtime > ABANDONED:
                shutil.rmtree(left) if left.is_dir() else left.unlink()
    return parent / f".{target.name}.{os.getpid()}-{secrets.token_hex(4)}.staged"


def _unwritable(folder: Path, why: str | None) -> UserError:
    return UserError(f"{folder}: cannot be written ({why}); name another cache folder in the environment: {VARIABLE}=…")


def _flush(file: Path) -> None:
    """Wait until the file is on the disk: a rename must not get there before what it renames."""
    with file.open("rb") as stream:
        os.fsync(stream.fileno())
