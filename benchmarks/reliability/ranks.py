"""SIGKILLs with two ranks: of rank 0, of rank 1, of their launcher. Is anybody left, are the weights the same?

python benchmarks/reliability/ranks.py --kills 40

Each life is a `torchrun` of its own, so this takes a quarter of a minute a kill.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import cases
import lives
import psutil

from genai_hf.training import checkpoints

LAUNCHER = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m", "genai_hf"]
MODULE = "genai_hf"


def start(words: list[str], root: Path) -> "subprocess.Popen[bytes]":
    """A launcher with two ranks."""
    environment = os.environ | {"GENAI_HF_ROOT": str(root), "GENAI_HF_CACHE": str(root / "cache")}
    with (root / "said").open("a") as said:
        return subprocess.Popen([*LAUNCHER, *words], env=environment, stdout=said, stderr=said)


def ranks_of(launcher: "subprocess.Popen[bytes]") -> dict[int, psutil.Process]:
    """Its processes by their rank."""
    children = psutil.Process(launcher.pid).children(recursive=True)
    return {int(child.environ()["RANK"]): child for child in children if "RANK" in child.environ()}


def killed(words: list[str], root: Path, victim: str, draw: random.Random, seen: Counter[str]) -> bool:
    """Kill one process of a life; whether it was in time."""
    run = root / words[0] / words[-1].removeprefix("run=")
    before, left, log, launcher = lives.newest_step(run), lives.saving(run), lives.log_of(run), start(words, root)
    while (lives.log_of(run) == log or lives.steps_taken(run) <= cases.EPOCH) and launcher.poll() is None:
        time.sleep(0.001)
    if launcher.poll() is not None:
        return False
    ranks = ranks_of(launcher)
    time.sleep(draw.uniform(0, 0.4))
    (launcher if victim == "launcher" else ranks[int(victim)]).kill()
    began = time.monotonic()
    _, alive = psutil.wait_procs(ranks.values(), timeout=10)
    launcher.wait(timeout=60)
    seen["kills"] += 1
    seen[f"kills of {victim if victim == 'launcher' else f'rank {victim}'}"] += 1
    seen["orphans after 10 s"] += len(alive)
    seen["longest until all were gone, ms"] = max(
        seen["longest until all were gone, ms"], round(1000 * (time.monotonic() - began))
    )
    for process in alive:
        process.kill()
    seen["inside a save"] += bool(lives.saving(run) - left)
    seen["lost checkpoints"] += lives.newest_step(run) < before
    seen["invalid visible checkpoints"] += sum(map(bool, map(checkpoints.problem, checkpoints.listed(run))))
    return True


def main() -> None:
    """Print one line of JSON for each recipe."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--each", type=int, default=5, help="kills of a run before it may finish")
    asked, draw = parser.parse_args(), random.Random(0)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for recipe in cases.OWN:
            (root / "cache").mkdir(exist_ok=True)
            if start(cases.words(recipe, root / "texts", "run=whole"), root).wait():
                raise RuntimeError((root / "said").read_text(encoding="utf-8")[-3000:])
            whole, seen = lives.left_by(root / recipe / "whole"), Counter[str]()
            while seen["kills"] < asked.kills:
                name = f"killed-{seen['runs']}"
                words, run = cases.words(recipe, root / "texts", f"run={name}"), root / recipe / name
                victims = draw.sample(["0", "1", "launcher"] * asked.each, min(asked.each, asked.kills - seen["kills"]))
                done = all(killed(words, root, victim, draw, seen) for victim in victims)
                if done and start(words, root).wait():
                    raise RuntimeError((root / "said").read_text(encoding="utf-8")[-3000:])
                seen["runs"] += 1
                seen["identical runs"] += lives.left_by(run) == whole
            print(json.dumps({"recipe": recipe} | seen))


if __name__ == "__main__":
    main()
