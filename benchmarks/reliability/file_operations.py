"""A save and a rotation killed before, in the middle of and after each operation on a file.

python benchmarks/reliability/file_operations.py

A real run is forked at the end of a step, again and again; the copy saves its checkpoint and is killed before its n-th
operation on a file or folder, or as soon as the file after that has so many bytes. The newest whole checkpoint must be
the one before, up to the renaming of the new one, and the new one after it; and the next save must succeed.
"""

import argparse
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import cases
import lives
from transformers import TrainerCallback

import genai_hf
from genai_hf.training import checkpoints

OPERATIONS = {"open", "os.mkdir", "os.rename"}
DELETIONS = {"os.remove", "os.rmdir"}  # have a name within their folder only
BYTES = (1, 300, 5_000, 40_000)  # of the file that is cut off: "in the middle"
LAST, NOW = 3 * cases.SAVE, 3 * cases.SAVE + 1  # step of the last checkpoint, and of the save that is disturbed


class Forks(TrainerCallback):
    """At the end of one step, saves in many copies of the process, each killed at another place."""

    def __init__(self, places: int | None) -> None:
        self.places, self.seen = places, Counter[str]()

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Try every place; then stop."""
        if state.global_step != NOW:
            return
        operations = 0
        while not self.killed_at(operations, None):
            operations += 1
        chosen = range(operations) if self.places is None else range(0, operations, max(1, operations // self.places))
        for limit in BYTES:
            for place in chosen:
                self.killed_at(place, limit)
        self.seen["operations"] = operations
        control.should_training_stop = True

    def killed_at(self, place: int, limit: int | None) -> bool:
        """Whether the save was through before it came to that operation."""
        run = Path(self.trainer.args.output_dir)
        with tempfile.TemporaryDirectory() as folder:
            copy = shutil.copytree(run, Path(folder, "run"))
            pid = os.fork()
            if not pid:
                self.save(copy, place, limit)
            code = lives.end(pid)
            if code == 0:
                return True
            self.note(copy, code)
            pid = os.fork()
            if not pid:
                self.save(copy, None, None)
            ended, newest = lives.end(pid), lives.newest_step(copy)
            self.seen["next save fails"] += ended != 0 or newest != NOW or len(checkpoints.listed(copy)) != 2
        return False

    def save(self, run: Path, place: int | None, limit: int | None) -> None:
        """In a copy of the process: save into `run`, and die at that place."""
        try:
            self.trainer.args.output_dir = str(run)
            if place is not None:
                die_at(str(run), place, limit)
            self.trainer._save_checkpoint(self.trainer.model, None)
            os._exit(0)
        finally:
            os._exit(1)

    def note(self, run: Path, code: int) -> None:
        """Look at what a kill left."""
        expected = NOW if (run / f"checkpoint-{NOW}").exists() else LAST
        broken = [path for path in checkpoints.listed(run) if checkpoints.problem(path)]
        self.seen["kills before an operation" if code == -signal.SIGKILL else "kills within a file"] += 1
        self.seen["not killed"] += code not in {-signal.SIGKILL, -signal.SIGXFSZ}
        self.seen["new one seen"] += expected == NOW
        self.seen["wrong checkpoint used"] += lives.newest_step(run) != expected
        self.seen["broken checkpoints seen"] += len(broken)


def die_at(folder: str, place: int, limit: int | None) -> None:
    """Kill this process before its `place`-th operation below `folder`, or let no file from there on be longer."""
    done = 0

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal done
        names = [str(word) for word in arguments if isinstance(word, (str, os.PathLike))]
        if event in DELETIONS or (event in OPERATIONS and any(folder in name for name in names)):
            if done == place and limit is None:
                os.kill(os.getpid(), signal.SIGKILL)
            if done == place:
                signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
            done += 1

    sys.addaudithook(watch)


def main() -> None:
    """Print one line of JSON for each recipe."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--places", type=int, help="so many places in the middle of files; all, if not given")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"GENAI_HF_ROOT": folder, "GENAI_HF_CACHE": str(Path(folder, "cache"))}
        for recipe in cases.OWN:
            words = cases.words(recipe, Path(folder, "texts"), "trainer.save_total_limit=2", "run=forked")
            trainer, forks = genai_hf.build(genai_hf.compose(words[0], words[1:])), Forks(asked.places)
            forks.trainer = trainer
            trainer.add_callback(forks)
            trainer.train()
            print(json.dumps({"recipe": recipe} | forks.seen))


if __name__ == "__main__":
    main()
