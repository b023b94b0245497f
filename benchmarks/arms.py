"""Arms of a benchmark, in turns in one process: the time of their steps, their memory, and what they come to."""

import argparse
import copy
import gc
import json
import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, TypeVar

import numpy as np
import torch
import transformers
from numpy.typing import NDArray

import genai_hf
from genai_hf import allocator
from genai_hf.errors import UserError
from genai_hf.models import hardware, last_layer, on_cpu, unpadded

T = TypeVar("T")


@dataclass
class Clock(transformers.TrainerCallback):
    """The time from the first step's beginning to the last one's end, with what a device has still to do."""

    after: int = 0  # steps that are not counted: compiling, and caches that fill
    began: NDArray[np.float64] | None = None
    ended: NDArray[np.float64] | None = None

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Begin."""
        if self.began is None and state.global_step >= self.after:
            self.began = now()

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """End."""
        self.ended = now()


@dataclass
class Found:
    """What one turn gave."""

    seconds: float
    processor: float  # seconds of it, which other work disturbs less; of no use where a GPU works
    memory: float  # bytes of the GPU at most; 0 without one, for a process gives none back between two arms
    facts: dict[str, float] = field(default_factory=dict)


def parser(description: str | None, **sizes: int) -> argparse.ArgumentParser:
    """Of a benchmark's command, with a flag for each of the sizes, which are the defaults, and for the device."""
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="auto: a GPU if there is one")
    for name, size in sizes.items():
        made.add_argument(f"--{name.replace('_', '-')}", type=int, default=size)
    return made


def folder(name: str) -> Path:
    """A folder that is there, for argparse."""
    if not Path(name).is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {name}")
    return Path(name)


def run(main: Callable[[], None]) -> None:
    """Say where it runs, and run; what the user can mend is one line."""
    try:
        print(machine())
        main()
    except UserError as error:
        sys.exit(f"{sys.argv[0]}: {error}")


def parse(made: argparse.ArgumentParser) -> argparse.Namespace:
    """What was asked for; on the processor no GPU is seen from here on, and otherwise one at most."""
    asked = made.parse_args()
    if asked.device == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "0")
    if asked.device != "auto" and on_gpu() != (asked.device == "cuda"):
        made.error(f"--device={asked.device}: this process sees {torch.cuda.device_count()} GPUs")
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    return asked


def on_gpu() -> bool:
    """Whether all that a benchmark computes is computed on a GPU."""
    return torch.cuda.is_available()


def built(recipe: str, *settings: str) -> Any:
    """The Trainer of a recipe, for its parts; its own folder is gone."""
    with tempfile.TemporaryDirectory() as folder:
        return genai_hf.build(genai_hf.compose(recipe, [f"root={folder}", *settings]))


def arguments(folder: str, kind: Any = transformers.TrainingArguments, **given: Any) -> Any:
    """Settings of a training that saves, evaluates and says nothing."""
    quiet = {"save_strategy": "no", "eval_strategy": "no", "report_to": "none", "disable_tqdm": True}
    return kind(output_dir=folder, use_cpu=not on_gpu(), seed=0, **quiet, **given)


def as_shipped(model: Any) -> Any:
    """The same weights in a model as transformers makes it, with what was attached; memory as glibc settles."""
    allocator.settled()
    configuration = type(model.config).from_dict(model.config.to_dict())
    other = type(model)._from_config(configuration, dtype=torch.float32)
    for name, module in model.named_children():
        if name not in dict(other.named_children()):
            other.add_module(name, copy.deepcopy(module))
    other.load_state_dict(model.state_dict())
    return other


def quick(model: Any) -> Any:
    """A copy of a model that trains as conf/base.yaml says, and memory that stays with the process."""
    allocator.keep()
    copied = copy.deepcopy(model)
    if not on_gpu():
        on_cpu.quicken(copied)
        unpadded.unpad(copied)
    last_layer.shorten(copied)
    return copied


def now() -> NDArray[np.float64]:
    """Seconds by the clock and of the processor, once the device has done what it was given."""
    if on_gpu():
        torch.cuda.synchronize()
    return np.array([perf_counter(), process_time()])


def timed(work: Callable[[], T]) -> tuple[Found, T]:
    """The time that work takes, and what it gives."""
    began = now()
    given = work()
    return Found(*(now() - began).tolist(), _memory()), given


def train(make: Callable[[str], Any], measure: Callable[[Any], dict[str, float]], after: int = 0) -> Found:
    """Train what `make` makes in a folder, and measure it.

    Args:
        make: A Trainer that saves and evaluates nothing.
        measure: What the trained one comes to; not timed.
        after: Steps that are not counted.
    """
    clock = Clock(after)
    with tempfile.TemporaryDirectory() as folder:
        trainer = make(folder)
        trainer.remove_callback(transformers.PrinterCallback)
        trainer.add_callback(clock)
        trainer.train()
    return Found(*(clock.ended - clock.began).tolist(), _memory(), measure(trainer))


def in_turns(arms: Mapping[str, Callable[[], Found]], rounds: int) -> dict[str, list[Found]]:
    """Each arm once a round, in one direction and then in the other, so that a machine that slows down is fair."""
    found: dict[str, list[Found]] = {name: [] for name in arms}
    for number in range(rounds):
        for name in list(arms)[:: 1 if number % 2 == 0 else -1]:
            if on_gpu():
                torch.cuda.reset_peak_memory_stats()
            found[name].append(arms[name]())
            gc.collect()
    return found


def require_alike(found: Mapping[str, list[Found]], within: float, fact: str = "loss") -> None:
    """End the benchmark where arms come to another loss by more than `within`, relatively."""
    losses = {name: [run.facts[fact] for run in runs] for name, runs in found.items()}
    every = [loss for some in losses.values() for loss in some]
    if not max(every) <= (1 + within) * min(every):
        raise SystemExit(f"the arms differ in {fact} by more than {within:.0%}: {losses}")


def median(runs: list[Found], of: str = "seconds") -> float:
    """Of an arm's turns."""
    return statistics.median(vars(run)[of] for run in runs)


def table(found: Mapping[str, list[Found]], tokens: int = 0) -> str:
    """Markdown: seconds, how much faster the last arm is than each, tokens a second where they are known, and facts."""
    last = list(found.values())[-1]
    rows = [_row(name, runs, last, tokens) for name, runs in found.items()]
    heads = list(dict.fromkeys(head for row in rows for head in row))
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *([row.get(head, "") for head in heads] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _row(name: str, runs: list[Found], last: list[Found], tokens: int) -> dict[str, str]:
    memory, row = max(run.memory for run in runs), {"arm": name}
    for of, head in [("seconds", "")] if on_gpu() else [("seconds", ""), ("processor", " by the processor")]:
        taken = median(runs, of)
        row |= {f"seconds{head}": f"{taken:.2f}", f"the last one over it{head}": f"{taken / median(last, of):.2f} x"}
    row |= {"tokens/s": f"{tokens / median(runs):,.0f}"} if tokens else {}
    row |= {"memory, MB": f"{memory / 1e6:,.0f}"} if memory else {}
    return row | {fact: f"{value:.5g}" for fact, value in runs[-1].facts.items()}


def _memory() -> float:
    return torch.cuda.max_memory_allocated() if on_gpu() else 0


def machine() -> str:
    """Where it ran, in a line."""
    return f"{platform.platform()}, torch {torch.__version__}, {torch.get_num_threads()} threads"


def as_json(asked: Any, found: Any) -> str:
    """All of it in a line."""
    known = {"arguments": vars(asked), "hardware": hardware.hardware(), "torch": torch.__version__}
    return json.dumps(known | {"found": found}, default=lambda value: getattr(value, "__dict__", None) or str(value))
