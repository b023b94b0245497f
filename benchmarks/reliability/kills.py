"""SIGKILLs at random moments of real runs: is a checkpoint lost, is a visible one broken, are the weights the same?

python benchmarks/reliability/kills.py --kills 200 --inside 80 --large 50

Each run is killed again and again, always past its first epoch, until it has finished by itself; then its model and
every logged loss are compared with those of a run that nothing disturbed.
"""

import argparse
import json
import random
import shutil
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import cases
import lives

from genai_hf.training import checkpoints


@dataclass
class Count:
    """What was seen."""

    kills: int = 0
    inside_a_save: int = 0
    with_large_checkpoints: int = 0
    lost_checkpoints: int = 0
    invalid_visible_checkpoints: int = 0
    runs: int = 0
    identical_runs: int = 0


@dataclass(frozen=True)
class Kind:
    """A run that is killed again and again."""

    recipe: str
    workers: int
    large: bool

    def words(self, root: Path, name: str) -> list[str]:
        """Its command; those with large checkpoints are shorter."""
        more = ["trainer.max_steps=24"] if self.large else []
        more += [f"trainer.dataloader_num_workers={self.workers}", f"run={name}"]
        return cases.words(self.recipe, root / "texts", *more, large=self.large)

    def undisturbed(self, root: Path) -> dict[str, str]:
        """What it leaves when nothing happens to it."""
        name = f"whole-{self.workers}-{self.large}"
        lives.run_through(self.words(root, name), root)
        return lives.left_by(root / self.recipe / name)


def main() -> None:
    """Print one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--inside", type=int, default=80, help="at least so many inside a save")
    parser.add_argument("--large", type=int, default=50, help="at least so many with checkpoints of 130 MB")
    parser.add_argument("--each", type=int, default=8, help="kills of a run before it may finish")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    began, count, draw, whole = time.time(), Count(), random.Random(asked.seed), dict[Kind, dict[str, str]]()
    kinds = [Kind(recipe, workers, large) for large in (False, True) for recipe in cases.OWN for workers in (0, 2)]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        while not (
            count.kills >= asked.kills
            and count.inside_a_save >= asked.inside
            and count.with_large_checkpoints >= asked.large
        ):
            wanted = [kind for kind in kinds if not kind.large or count.with_large_checkpoints < asked.large]
            kind = wanted[count.runs % len(wanted)]
            whole[kind] = whole.get(kind) or kind.undisturbed(root)
            harass(root, kind, asked.each, draw, count)
            run = root / kind.recipe / f"killed-{count.runs}"
            count.runs += 1
            left = lives.left_by(run)
            count.identical_runs += left == whole[kind]
            keys = {**whole[kind], **left}
            differing = {key: pair for key in keys if len({*(pair := (whole[kind].get(key), left.get(key)))}) > 1}
            if differing:
                print(f"{run.name}, {kind}: {differing}", file=sys.stderr)
            shutil.rmtree(run)
    report = {"recipes": sorted(cases.OWN), "workers": [0, 2], "seconds": round(time.time() - began)}
    print(json.dumps(asdict(count) | report))


def harass(root: Path, kind: Kind, most: int, draw: random.Random, count: Count) -> None:
    """Kill one run up to `most` times, then let it finish.

    Raises:
        RuntimeError: It ended in another way.
    """
    words, run = kind.words(root, f"killed-{count.runs}"), root / kind.recipe / f"killed-{count.runs}"
    for life in range(most + 1):
        before, left, pid = lives.newest_step(run), lives.saving(run), lives.begin(words, root)
        code = strike(run, pid, draw, left) if life < most else lives.end(pid)
        if code == 0:
            return
        if code != -9:
            raise RuntimeError(f"exit code {code}: {(root / 'said').read_text(encoding='utf-8')[-3000:]}")
        count.kills += 1
        count.inside_a_save += bool(lives.saving(run) - left)
        count.with_large_checkpoints += kind.large
        count.lost_checkpoints += lives.newest_step(run) < before
        count.invalid_visible_checkpoints += sum(map(bool, map(checkpoints.problem, checkpoints.listed(run))))


def strike(run: Path, pid: int, draw: random.Random, left: set[tuple[str, int]]) -> int:
    """Past the first epoch, kill it at a random moment, of a save in three of five times; its exit code."""
    into_a_save, log = draw.random() < 0.6, lives.log_of(run)
    code = lives.wait_until(lambda: lives.log_of(run) != log and lives.steps_taken(run) > cases.EPOCH, pid)
    if code is None and into_a_save:
        time.sleep(draw.uniform(0, 0.1))
        code = lives.wait_until(lambda: bool(lives.saving(run) - left), pid)
    if code is not None:
        return code
    time.sleep(draw.expovariate(1 / 0.02) if into_a_save else draw.uniform(0, 0.5))
    return lives.kill(pid)


if __name__ == "__main__":
    main()
