"""Checkpoints that are always whole: staged under another name, hashed, flushed to disk, then renamed."""

import hashlib
import json
import os
import shutil
from pathlib import Path

MANIFEST = "manifest.json"
STAGE = ".staged"


def publish(staged: Path, run: Path, keep: int | None, best: Path | None = None) -> Path:
    """Make the staged checkpoint visible in the run's folder, then delete all but the newest `keep` and the best.

    Args:
        staged: A complete folder ``…/checkpoint-N`` on the run's file system.
        run: The run's folder.
        keep: How many to keep, at least 1; None keeps all.
        best: A checkpoint that is kept besides.
    """
    manifest = {
        str(file.relative_to(staged)): _flushed_digest(file) for file in sorted(staged.rglob("*")) if file.is_file()
    }
    (staged / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    _flush(staged / MANIFEST)
    _flush(staged)
    final = run / staged.name
    if final.exists():  # left damaged by something else: set aside, so that the good one can take its name
        final.rename(run / f".damaged-{staged.name}-{os.getpid()}")
    staged.rename(final)
    _flush(run)
    for old in listed(run)[:-keep] if keep else []:
        if old != best:
            shutil.rmtree(old.rename(run / f".deleted-{old.name}"))
    return final


def listed(run: Path) -> list[Path]:
    """The run's checkpoints by step, oldest first."""
    return sorted((path for path in run.glob("checkpoint-*") if path.name.partition("-")[2].isdigit()), key=step)


def step(checkpoint: Path) -> int:
    """Number of optimizer steps taken when it was saved."""
    return int(checkpoint.name.partition("-")[2])


def problem(checkpoint: Path) -> str | None:
    """What is wrong with a checkpoint: None where every file has the content that was written."""
    if not (checkpoint / MANIFEST).is_file():
        return f"{MANIFEST} is missing"
    try:
        manifest = json.loads((checkpoint / MANIFEST).read_text(encoding="utf-8"))
    except ValueError:
        return f"{MANIFEST} is damaged"
    for name, digest in manifest.items():
        file = checkpoint / name
        if not file.is_file():
            return f"{name} is missing"
        if _digest(file) != digest:
            return f"{name} is damaged"
    return None


def newest(run: Path) -> tuple[Path | None, list[str]]:
    """The newest checkpoint that verifies, and one line for each newer one that does not."""
    damaged: list[str] = []
    for checkpoint in reversed(listed(run)):
        wrong = problem(checkpoint)
        if wrong is None:
            return checkpoint, damaged
        damaged.append(f"{checkpoint}: {wrong}; left alone")
    return None, damaged


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _flushed_digest(file: Path) -> str:
    _flush(file)
    return _digest(file)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
