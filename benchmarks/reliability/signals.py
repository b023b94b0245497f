"""Signals at random moments: is a checkpoint saved, is the exit code right, does the run end as if nothing had been?

python benchmarks/reliability/signals.py --signals 20
"""

import argparse
import json
import os
import random
import signal
import tempfile
import time
from collections import Counter
from pathlib import Path

import cases
import lives

CODES = {signal.SIGTERM: 143, signal.SIGINT: 130, signal.SIGUSR1: 138}


def main() -> None:
    """Print one line of JSON for each recipe."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--signals", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    asked, draw = parser.parse_args(), random.Random(0)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for recipe in cases.OWN:
            lives.run_through(cases.words(recipe, root / "texts", "run=whole"), root)
            whole, seen, number = lives.left_by(root / recipe / "whole"), Counter[str](), 0
            while seen["signals"] < asked.signals:
                number += 1
                words = cases.words(recipe, root / "texts", f"run=run-{number}")
                interrupted(words, root, draw, seen, asked.signals)
                seen["runs"] += 1
                seen["identical runs"] += lives.left_by(root / recipe / f"run-{number}") == whole
            print(json.dumps({"recipe": recipe} | seen))


def interrupted(words: list[str], root: Path, draw: random.Random, seen: Counter[str], most: int) -> None:
    """Interrupt one run up to four times, then let it finish."""
    run = root / words[0] / words[-1].removeprefix("run=")
    for life in range(5):
        number, resumed, log = draw.choice(list(CODES)), lives.newest_step(run), lives.log_of(run)
        pid = lives.begin(words, root)
        if life == 4 or seen["signals"] >= most:
            lives.end(pid)
            return
        code = lives.wait_until(lambda log=log: lives.log_of(run) != log and lives.steps_taken(run) > cases.EPOCH, pid)
        if code is None:
            time.sleep(draw.uniform(0, 0.2))
            os.kill(pid, number)
            code = lives.end(pid)
        if code == 0:
            return  # it was through already
        seen["signals"] += 1
        seen["right exit codes"] += code == CODES[number]
        seen["saved at the last step"] += lives.newest_step(run) == lives.steps_taken(run) > resumed


if __name__ == "__main__":
    main()
