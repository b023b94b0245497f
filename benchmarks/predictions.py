"""What `genai-hf check` predicts of memory and time, beside what training takes, each in a whole fresh process.

    python benchmarks/predictions.py [--only bert_mlm …] [--rounds 2] [--seconds 20]

Memory is the peak of the resident set beyond what it is once everything is imported; time is that of a step after the
first few, data included. Nothing is evaluated, shown, saved or logged. Each is measured in so many rounds; of times the
shortest counts, of memories the median. A negative error is a prediction that was too low.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import arms

from genai_hf import primitives

ROWS = "trainer.per_device_train_batch_size"
SETTINGS = {
    "bert_mlm": (
        "",
        f"model=bert_mini sequence_length=128 {ROWS}=32",
        f"model=bert_base sequence_length=128 {ROWS}=8",
    ),
    "glue": ("", f"model=bert_mini {ROWS}=16"),
    "gpt_lm": ("", f"sequence_length=256 {ROWS}=16"),
    "t5_spans": ("", f"model=t5_small {ROWS}=8"),
    "instruct": ("", f"{ROWS}=4", f"model=gpt2_small {ROWS}=1"),
}
WARM = 4  # steps that are not timed


def predict(recipe: str, *words: str) -> dict[str, Any]:
    """What `genai-hf check` says, before it is rounded."""
    from genai_hf import allocator, recipe_files
    from genai_hf.looking import first_rows, looked_at
    from genai_hf.settings import composing
    from genai_hf.verbs import check

    cfg = composing.compose(recipe_files.find(recipe), words)
    if cfg.speed.keep_memory:
        allocator.keep()  # as the command does
    recipe_files.find(recipe).load()
    own = allocator.resident()
    with looked_at(cfg) as trainer:
        batch = trainer.data_collator(list(first_rows(trainer, trainer.args.per_device_train_batch_size)))
        began = time.perf_counter()
        cost, how = check.predicted(cfg, trainer, batch, own)
    return vars(cost) | {"how": how, "took": time.perf_counter() - began}


def train(seconds: float, recipe: str, *words: str) -> dict[str, Any]:
    """What training takes: for so long, and for a few steps at least."""
    from genai_hf import allocator, recipe_files
    from genai_hf.run_log import quiet
    from genai_hf.running import assembled, settled
    from genai_hf.settings import composing
    from genai_hf.training import memory, trial

    cfg = composing.compose(recipe_files.find(recipe), words)
    if cfg.speed.keep_memory:
        allocator.keep()  # as the command does
    module = recipe_files.find(recipe).load()
    own, watch = allocator.resident(), trial.Watch(seconds)
    with tempfile.TemporaryDirectory() as folder, quiet():
        trainer = assembled(module, settled(cfg, Path(folder)))
        trainer.args.output_dir = folder
        trial.only_train(trainer)
        trainer.add_callback(watch)
        memory.forget_most(trainer.args.device)
        trainer.train()
    times = watch.seconds[min(WARM, len(watch.seconds) - 2) :]
    held = memory.most_held(trainer.args.device, own)
    return {"memory": held, "step_seconds": statistics.mean(times), "steps": len(watch.seconds)}


def fresh(*arguments: str) -> dict[str, Any]:
    """What this file says in a process of its own."""
    primitives.keep_few()  # as the command does
    command = [sys.executable, __file__, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(arguments)}: {done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def row(recipe: str, words: str, asked: argparse.Namespace) -> list[str]:
    """A line of the table."""
    kinds: dict[str, list[dict[str, Any]]] = {"predict": [], "train": []}
    for _ in range(asked.rounds):
        for kind, found in kinds.items():
            found.append(fresh(f"--{kind}", json.dumps([recipe, *words.split()]), "--seconds", str(asked.seconds)))
    memory = [statistics.median(one["memory"] for one in found) for found in kinds.values()]
    seconds = [min(one["step_seconds"] for one in found) for found in kinds.values()]
    said = kinds["predict"][0]
    return [
        f"`{recipe} {words}`".replace(" `", "`"),
        said["how"],
        *(f"{size / 1e6:,.0f}" for size in memory),
        f"{100 * (memory[0] / memory[1] - 1):+.0f} %",
        *(f"{1000 * spent:,.1f}" for spent in seconds),
        f"{100 * (seconds[0] / seconds[1] - 1):+.0f} %",
        f"{min(one['took'] for one in kinds['predict']):.1f}",
    ]


def main() -> None:
    """Print a table, row after row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for kind in ("predict", "train"):
        parser.add_argument(f"--{kind}", type=json.loads, help=argparse.SUPPRESS)  # in a process of its own
    parser.add_argument("--only", nargs="*", choices=SETTINGS, default=list(SETTINGS))
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=20.0)
    asked = parser.parse_args()
    if asked.predict:
        print(json.dumps(predict(*asked.predict)))
    elif asked.train:
        print(json.dumps(train(asked.seconds, *asked.train)))
    else:
        print(arms.machine())
        heads = ["settings", "how", "predicted, MB", "measured, MB", "error"]
        heads += ["predicted, ms a step", "measured, ms a step", "error", "check took, s"]
        for line in (heads, ["---", "---", *["---:"] * 7]):
            print(f"| {' | '.join(line)} |")
        for recipe in asked.only:
            for words in SETTINGS[recipe]:
                print(f"| {' | '.join(row(recipe, words, asked))} |", flush=True)


if __name__ == "__main__":
    main()
