"""A disk that fills up at 20 sizes: exit code 3, what was needed and there, and nothing lost?

python benchmarks/reliability/disk.py

Seven sizes are too small for the run, seven become too small before a checkpoint, six within one, its check turned off.
It mounts small file systems in memory, so it needs the right to mount.
"""

import json
import os
import random
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cases
import lives

from genai_hf.training import checkpoints, room

LARGE = 64 << 20


@contextmanager
def mounted(folder: Path, size: int) -> Iterator[Path]:
    """A file system of `size` bytes."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def resize(folder: Path, size: int) -> None:
    """Make it larger or smaller."""
    subprocess.run(["mount", "-o", f"remount,size={size}", folder], check=True)


def used(folder: Path) -> int:
    """Bytes that are taken."""
    usage = os.statvfs(folder)
    return (usage.f_blocks - usage.f_bfree) * usage.f_frsize


def unchecked() -> None:
    """In a life: no look at the disk before it is written to."""
    room.require = lambda *given: None


def tried(words: list[str], disk: Path, kind: str, draw: random.Random, seen: Counter[str]) -> None:
    """One size."""
    run = disk / words[0] / "run"
    pid = lives.begin(words, disk, unchecked if kind == "within a save" else None)
    if kind != "before the start":
        lives.wait_until(lambda: lives.steps_taken(run) > cases.EPOCH, pid)
        resize(disk, used(disk) + draw.randrange(4096, 600_000))
    code, said = lives.end(pid), (disk / "said").read_text(encoding="utf-8")
    seen[kind] += 1
    seen["exit code 3"] += code == 3
    seen["names folder and what is free"] += any(str(disk) in line and "free" in line for line in said.splitlines())
    seen["traceback"] += "Traceback" in said
    seen["invalid visible checkpoints"] += sum(map(bool, map(checkpoints.problem, checkpoints.listed(run))))
    seen["checkpoint kept"] += kind == "before the start" or lives.newest_step(run) >= cases.EPOCH - cases.SAVE


def main() -> None:
    """Print one line of JSON for each recipe."""
    draw = random.Random(0)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for recipe in cases.OWN:
            words, seen = cases.words(recipe, root / "texts", "run=run", "trainer.save_total_limit=2"), Counter[str]()
            lives.run_through(words, root)
            whole = lives.left_by(root / recipe / "run")
            for number in range(20):
                kind = ("before the start", "before a save", "within a save")[number % 3]
                size = draw.randrange(200_000, 2_000_000) if kind == "before the start" else LARGE
                with mounted(root / f"disk-{number}", size) as disk:
                    tried(words, disk, kind, draw, seen)
                    resize(disk, LARGE)
                    lives.run_through(words, disk)
                    seen["identical runs"] += lives.left_by(disk / recipe / "run") == whole
            print(json.dumps({"recipe": recipe, "sizes": 20} | seen))


if __name__ == "__main__":
    main()
