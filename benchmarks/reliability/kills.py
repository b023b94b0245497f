"""SIGKILLs at random moments of real runs: is a checkpoint lost, is a visible one broken, are the weights the same?

python benchmarks/reliability/kills.py --kills 200 --inside 80 --large 50

Each run is killed again and again, always past its first epoch, until it has finished by itself; then its model and
every logged loss are compared with those of a run that nothing disturbed.
"""

import argparse
import json
import random
import shutil
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


def main() -> None:
    """Print one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--inside", type=int, default=80, help="at least so many inside a save")
    parser.add_argument("--large", type=int, default=50, help="at least so many with checkpoints of 130 MB")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    began, count, draw = time.time(), Count(), random.Random(asked.seed)
    kinds = [(recipe, workers) for recipe in cases.SMALL for workers in (0, 2)]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        whole = {}
        while (
            count.kills < asked.kills
            or count.inside_a_save < asked.inside
            or count.with_large_checkpoints < asked.large
        ):
            large = count.with_large_checkpoints < asked.large and count.runs % 2 == 1
            kind = (*kinds[count.runs % len(kinds)], large)
            if kind not in whole:
                whole[kind] = undisturbed(root, *kind)
            harass(root, *kind, whole[kind], draw, count, most=8 if asked.kills >= 40 else 3)
    report = {"recipes": sorted(cases.SMALL), "workers": [0, 2], "seconds": round(time.time() - began)}
    print(json.dumps(asdict(count) | report))


def words_of(root: Path, recipe: str, workers: int, large: bool, name: str) -> list[str]:
    """The run's command; large ones are shorter."""
    more = ["trainer.max_steps=24"] if large else []
    workers_word = f"trainer.dataloader_num_workers={workers}"
    return cases.words(recipe, root / "texts", *more, workers_word, f"run={name}", large=large)


def undisturbed(root: Path, recipe: str, workers: int, large: bool) -> str:
    """Digest of what it leaves when nothing happens to it."""
    name = f"whole-{workers}-{large}"
    lives.run_through(words_of(root, recipe, workers, large, name), root)
    return lives.weights(root / recipe / name)


def harass(
    root: Path, recipe: str, workers: int, large: bool, whole: str, draw: random.Random, count: Count, most: int
) -> None:
    """Kill one run up to `most` times, then let it finish, and compare."""
    name, words = f"killed-{count.runs}", words_of(root, recipe, workers, large, f"killed-{count.runs}")
    run, kills = root / recipe / name, 0
    while True:
        before, left, pid = lives.newest_step(run), lives.saving(run), lives.begin(words, root)
        code = strike(run, pid, draw, left, into_a_save=draw.random() < 0.6) if kills < most else lives.end(pid)
        if code == 0:
            break
        if code != -9:
            raise RuntimeError(f"exit code {code}: {(root / 'said').read_text(encoding='utf-8')[-3000:]}")
        kills += 1
        count.inside_a_save += bool(lives.saving(run) - left)
        note(run, before, large, count)
    count.runs += 1
    count.identical_runs += lives.weights(run) == whole
    shutil.rmtree(run)


def strike(run: Path, pid: int, draw: random.Random, left: set[tuple[str, int]], *, into_a_save: bool) -> int:
    """Past the first epoch, kill it at a random moment of a save or of anything; its exit code if it was quicker."""
    code = lives.wait_until(lambda: lives.steps_taken(run) > cases.EPOCH, pid)
    if code is None and into_a_save:
        time.sleep(draw.uniform(0, 0.1))
        code = lives.wait_until(lambda: bool(lives.saving(run) - left), pid)
    if code is not None:
        return code
    time.sleep(draw.expovariate(1 / 0.02) if into_a_save else draw.uniform(0, 0.5))
    return lives.kill(pid)


def note(run: Path, before: int, large: bool, count: Count) -> None:
    """Look at what a kill left."""
    count.kills += 1
    count.with_large_checkpoints += large
    count.lost_checkpoints += lives.newest_step(run) < before
    count.invalid_visible_checkpoints += sum(checkpoints.problem(path) is not None for path in checkpoints.listed(run))


if __name__ == "__main__":
    main()
