"""Start-up: the time of a command that trains nothing, in whole processes and in turns.

    python benchmarks/start_up.py [--rounds 10] [--peer "python run_glue.py --help" …]

help        genai-hf glue --help
wrong key   genai-hf glue trainer.lerning_rate=1e-3
config      genai-hf glue --cfg job
check       genai-hf check glue: data read, model made, a batch taken

A peer's command is run as it is given. Seconds by the clock, and of the processor, which other work disturbs less.
"""

import argparse
import resource
import shlex
import statistics
import subprocess
import sys
from time import perf_counter

import arms

OURS = {
    "help": "glue --help",
    "wrong key": "glue trainer.lerning_rate=1e-3",
    "config": "glue --cfg job",
    "check": "check glue",
}


def once(command: list[str]) -> tuple[float, float]:
    """Seconds by the clock, and of the processor."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    after, ended = resource.getrusage(resource.RUSAGE_CHILDREN), perf_counter()
    return ended - began, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Print a table and, as the last line, JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--peer", action="append", default=[])
    asked = parser.parse_args()
    commands = {name: [sys.executable, "-m", "genai_hf", *words.split()] for name, words in OURS.items()}
    commands |= {peer: shlex.split(peer) for peer in asked.peer}
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for _ in range(asked.rounds):
        for name, command in commands.items():
            found[name].append(once(command))
    print("| command | seconds | seconds of the processor |\n| --- | ---: | ---: |")
    for name, times in found.items():
        print(f"| {name} | " + " | ".join(f"{statistics.median(kind):.2f}" for kind in zip(*times, strict=True)) + " |")
    print(arms.as_json(asked, found))


if __name__ == "__main__":
    print(arms.machine())
    main()
