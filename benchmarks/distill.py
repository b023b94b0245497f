"""Distillation: the time of a step with the teacher in the loop and from its cache, against the student alone.

    python benchmarks/distill.py TEACHER task=sst2 data.path=GLUE model=pretrained model.name=STUDENT … [--rounds 3]

Three arms train the same student on the same rows in one process, in turns (A B C, A B C …):

alone     genai-hf glue: labels only
loop      genai-hf distill teacher.cache=false
cache     genai-hf distill teacher.cache=true; writing the cache is not timed, and said by itself

Timed is what lies between the first step's beginning and the last one's end; the validation scores after each training
stand beside. TEACHER is a finished run of glue or a folder, and all other arguments are settings of both recipes.
"""

import argparse
import gc
import json
import platform
import statistics
import tempfile
import time
from typing import Any

import torch
import transformers

import genai_hf
from genai_hf.models import hardware

ARMS = ("alone", "loop", "cache")
TIMES = ("building", "seconds")


class Clock(transformers.TrainerCallback):
    """The time from the first step's beginning to the last one's end."""

    def __init__(self) -> None:
        self.began = self.ended = 0.0

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Begin."""
        self.began = self.began or time.perf_counter()

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """End, so far."""
        self.ended = time.perf_counter()


def build(arm: str, asked: argparse.Namespace, folder: str) -> Any:
    """The Trainer of an arm."""
    quiet = ["eval_strategy=no", "eval_on_start=false", "save_strategy=no", "load_best_model_at_end=false"]
    settings = [*(f"trainer.{setting}" for setting in quiet), f"root={folder}", "run=bench", *asked.settings]
    if arm == "alone":
        return genai_hf.build(genai_hf.compose("glue", settings))
    cached = f"teacher.cache={str(arm == 'cache').lower()}"
    return genai_hf.build(genai_hf.compose("distill", [*settings, f"teacher.name={asked.teacher}", cached]))


def once(arm: str, asked: argparse.Namespace) -> dict[str, float]:
    """One training: seconds of building and of its steps, and its scores."""
    clock, began = Clock(), time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        trainer = build(arm, asked, folder)
        building = time.perf_counter() - began
        trainer.add_callback(clock)
        trainer.train()
        scores = {name.removeprefix("eval_"): value for name, value in trainer.evaluate().items() if "eval_" in name}
    gc.collect()
    return dict(zip(TIMES, (building, clock.ended - clock.began), strict=True)) | scores


def main() -> None:
    """Print a table and, as the last line, JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("teacher")
    parser.add_argument("settings", nargs="*")
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    found: dict[str, list[dict[str, float]]] = {arm: [] for arm in ARMS}
    for number in range(asked.rounds):
        for arm in ARMS if number % 2 == 0 else ARMS[::-1]:
            found[arm].append(once(arm, asked))
    seconds = {arm: statistics.median(run["seconds"] for run in runs) for arm, runs in found.items()}
    print("| arm | seconds | of the speed alone | first building | scores |\n| --- | ---: | ---: | ---: | --- |")
    for arm, runs in found.items():
        scores = ", ".join(f"{name} {value:.5f}" for name, value in runs[-1].items() if name not in TIMES)
        share = seconds["alone"] / seconds[arm]
        print(f"| {arm} | {seconds[arm]:.2f} | {share:.1%} | {runs[0]['building']:.1f} | {scores} |")
    print(json.dumps({"arguments": vars(asked), "hardware": hardware.hardware(), "runs": found}))


if __name__ == "__main__":
    print(f"{platform.platform()}, torch {torch.__version__}, {torch.get_num_threads()} threads")
    main()
