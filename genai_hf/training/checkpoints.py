"""Checkpoints that are always whole: staged under another name, hashed, flushed to disk, then renamed."""

import os
import shutil
import time
from pathlib import Path

from genai_hf import manifests
from genai_hf.manifests import problem

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
    manifests.write(staged)
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


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
