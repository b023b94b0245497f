"""Flipped bits, cut files and missing files in a checkpoint: is each noticed, and the one before used?

python benchmarks/reliability/damage.py --damages 500
"""

import argparse
import json
import random
import tempfile
from collections import Counter
from pathlib import Path

import cases
import faults
import lives

from genai_hf.training import checkpoints


def main() -> None:
    """Print one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--damages", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    draw, seen, files = random.Random(asked.seed), Counter[str](), set[str]()
    with tempfile.TemporaryDirectory() as folder:
        root, recipes = Path(folder), sorted(cases.OWN)
        for recipe in recipes:
            lives.run_through(cases.words(recipe, root / "texts", "run=whole"), root)
        for number in range(asked.damages):
            run = root / recipes[number % len(recipes)] / "whole"
            before, newest = checkpoints.listed(run)[-2:]
            file = draw.choice(sorted(newest.iterdir()))
            content = file.read_bytes()
            seen[faults.damage(file, draw)] += 1
            files.add(file.name)
            used, said = checkpoints.newest(run)
            seen["not noticed"] += not said
            seen["the one before not used"] += used != before
            file.write_bytes(content)
            seen["healed one refused"] += checkpoints.newest(run)[0] != newest
    print(json.dumps({"damages": asked.damages, "files": len(files), "recipes": recipes} | seen))


if __name__ == "__main__":
    main()
