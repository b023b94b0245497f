"""Checkpoints that are always whole: staged under another name, hashed, flushed to disk, then renamed."""

import hashlib
import json
import os
import shutil
import time
from pathlib import Path

MANIFEST = "manifest.json"
STAGE = ".staged"
DELETED = ".deleted-"
RANK = "rank-"  # a rank's own file is called so, with its number


def publish(staged: Path, run: Path, keep: int | None, *, ranks: int, best: str | None = None) -> Path:
    """Make the staged checkpoint visible in the run's folder, then delete all older ones but the newest and the best.

    What stands at a later step than the one just written was passed over when training went on from an earlier one; it
    is no good, is not counted, and is left to be replaced.

    Args:
        staged: A complete folder ``…/checkpoint-N`` on the run's file system.
        run: The run's folder.
        keep: How many to keep, at least 1; None keeps all.
        ranks: How many processes must have left their part in it.
        best: Path of a checkpoint that is kept besides; only its name counts.

    Raises:
        RuntimeError: A rank's part is missing, as where the ranks share no file system.
    """
    missing = [rank for rank in range(ranks) if not (staged / f"{RANK}{rank}.json").is_file()]
    if missing:
        raise RuntimeError(f"{staged} lacks the part of rank {missing[0]}; all ranks must see the same run folder")
    flush(staged)
    (staged / MANIFEST).write_text(_manifest({name: digest(staged / name) for name in _files(staged)}), "utf-8")
    _flush(staged / MANIFEST)
    _flush(staged)
    final = run / staged.name
    if final.exists():  # damaged, or saved twice: after the step, and at the end of its epoch
        _put_away(final)
    staged.rename(final)
    _flush(run)
    for old in [path for path in listed(run) if step(path) <= step(final)][:-keep] if keep else []:
        if best is None or old.name != Path(best).name:
            _put_away(old)
    tidy(run)
    return final


def flush(folder: Path) -> None:
    """Have everything in a folder on the disk."""
    for path in [*folder.rglob("*"), folder]:
        _flush(path)


def tidy(run: Path) -> None:
    """Finish what a killed process left: a whole checkpoint is let be seen, what is half written or deleted goes."""
    for staged in listed(run / STAGE):
        if not (run / staged.name).exists() and problem(staged) is None:
            staged.rename(run / staged.name)
    for left in [run / STAGE, *run.glob(f"{DELETED}*")]:
        shutil.rmtree(left, ignore_errors=True)


def listed(run: Path) -> list[Path]:
    """The run's checkpoints by step, oldest first."""
    return sorted((path for path in run.glob("checkpoint-*") if path.name.partition("-")[2].isdigit()), key=step)


def step(checkpoint: Path) -> int:
    """Number of optimizer steps taken when it was saved."""
    return int(checkpoint.name.partition("-")[2])


def rank(file: Path) -> int:
    """Number of the rank whose file this is."""
    return int(file.stem.removeprefix(RANK))


def problem(checkpoint: Path) -> str | None:
    """What is wrong with a checkpoint: None where every file has the content that was written."""
    if not (checkpoint / MANIFEST).is_file():
        return f"{MANIFEST} is missing"
    try:
        text = (checkpoint / MANIFEST).read_text(encoding="utf-8")
        manifest = json.loads(text)
    except (OSError, ValueError):
        return f"{MANIFEST} is damaged"
    if not manifest or text != _manifest(manifest):
        return f"{MANIFEST} is damaged"
    wrong = ((name, _wrong(checkpoint / name, expected)) for name, expected in manifest.items())
    return next((f"{name} {found}" for name, found in wrong if found), None)


def newest(run: Path) -> tuple[Path | None, list[str]]:
    """The newest checkpoint that verifies, and one line for each newer one that does not."""
    damaged: list[str] = []
    for checkpoint in reversed(listed(run)):
        wrong = problem(checkpoint)
        if wrong is None:
            return checkpoint, damaged
        damaged.append(f"{checkpoint}: {wrong}; left alone")
    return None, damaged


def _put_away(checkpoint: Path) -> None:
    """Take it out of sight as a whole before its files go one by one; under a name that no leftover can have."""
    checkpoint.rename(checkpoint.with_name(f"{DELETED}{checkpoint.name}-{time.time_ns()}"))


def _wrong(file: Path, expected: str) -> str | None:
    """What is wrong with a file that should have this digest."""
    if not file.is_file():
        return "is missing"
    try:
        return None if digest(file) == expected else "is damaged"
    except OSError as error:
        return f"cannot be read ({error.strerror})"


def _files(folder: Path) -> list[str]:
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())


def _manifest(digests: dict[str, str]) -> str:
    return json.dumps(digests, indent=1) + "\n"


def digest(file: Path) -> str:
    """SHA-256 of a file's content."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
