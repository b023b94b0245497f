"""Distillation: the time of a step with the teacher in the loop and from its cache, against the student alone.

    python benchmarks/distill.py TEACHER task=sst2 data.path=GLUE model=pretrained model.name=STUDENT … [--rounds 3]

Three arms train the same student on the same rows, in turns in one process:

loop      genai-hf distill teacher.cache=false
cache     genai-hf distill teacher.cache=true; writing the cache is part of the first building, which is not timed
alone     genai-hf glue: labels only

The validation scores after each training stand beside. TEACHER is a finished run of glue or a folder, and all other
arguments are settings of both recipes.
"""

import argparse
from functools import partial
from time import perf_counter
from typing import Any

import arms
import transformers

import genai_hf

ARMS = ("loop", "cache", "alone")
QUIET = ("eval_strategy=no", "eval_on_start=false", "save_strategy=no", "load_best_model_at_end=false")


def build(folder: str, arm: str, asked: argparse.Namespace, building: list[float]) -> Any:
    """The Trainer of an arm, and the seconds that it took to build."""
    began = perf_counter()
    settings = [*(f"trainer.{setting}" for setting in QUIET), f"root={folder}", "run=bench", *asked.settings]
    taught = [f"teacher.name={asked.teacher}", f"teacher.cache={str(arm == 'cache').lower()}"]
    made = genai_hf.compose("glue", settings) if arm == "alone" else genai_hf.compose("distill", settings + taught)
    trainer = genai_hf.build(made)
    building.append(perf_counter() - began)
    return trainer


def measure(trainer: Any, building: list[float]) -> dict[str, float]:
    """The first building's seconds, and the scores."""
    scores = {name: value for name, value in trainer.evaluate().items() if name.startswith("eval_")}
    return {"building": building[0]} | {name.removeprefix("eval_"): value for name, value in scores.items()}


def main() -> None:
    """Print a table and, as the last line, JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("teacher")
    parser.add_argument("settings", nargs="*")
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    turns = dict[str, Any]()
    for arm in ARMS:
        building = list[float]()
        make = partial(build, arm=arm, asked=asked, building=building)
        turns[arm] = partial(arms.train, make, partial(measure, building=building))
    found = arms.in_turns(turns, asked.rounds)
    print(arms.table(found))
    print(arms.as_json(asked, found))


if __name__ == "__main__":
    arms.run(main)
