"""Whole commands in turns: seconds by the clock, of the processor, and the most memory that each held.

    python benchmarks/processes.py "genai-hf bert_mlm …" "python benchmarks/stock_mlm.py …" [--rounds 3] [--before …]

The times are of fresh processes, from start to end. `--before` is run ahead of each and not timed. A peer's own script
is a command like any other.
"""

import argparse
import os
import shlex
import statistics
import subprocess
from dataclasses import dataclass
from time import perf_counter


@dataclass(frozen=True)
class Took:
    """What one process took."""

    seconds: float
    processor: float  # seconds of it, which other work disturbs less
    memory: int  # bytes at most
    code: int


def once(command: list[str]) -> Took:
    """Run a command."""
    began = perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return Took(perf_counter() - began, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024, process.returncode)


def in_turns(commands: dict[str, list[str]], rounds: int, before: str = "") -> dict[str, list[Took]]:
    """Each command once a round, in one direction and then in the other."""
    found: dict[str, list[Took]] = {name: [] for name in commands}
    for number in range(rounds):
        for name in list(commands)[:: 1 if number % 2 == 0 else -1]:
            subprocess.run(shlex.split(before), check=True) if before else None
            found[name].append(once(commands[name]))
    return found


def table(found: dict[str, list[Took]]) -> str:
    """Markdown: medians, and how much faster the first command is than each."""
    lines = ["| command | seconds | the first one over it | of the processor | memory, MB | exit |"]
    lines.append("| --- | ---: | ---: | ---: | ---: | ---: |")
    first = statistics.median(took.seconds for took in next(iter(found.values())))
    for name, times in found.items():
        seconds = statistics.median(took.seconds for took in times)
        processor = statistics.median(took.processor for took in times)
        memory, codes = max(took.memory for took in times), sorted({took.code for took in times})
        shown = f"{seconds:.2f} | {seconds / first:.2f} x | {processor:.2f} | {memory / 1e6:,.0f} | {codes}"
        lines.append(f"| {name} | {shown} |")
    return "\n".join(lines)


def report(asked: argparse.Namespace, found: dict[str, list[Took]]) -> None:
    """Print the table, the machine and a line of JSON."""
    import arms  # only now: a process is taken to have held what the one held that started it

    print(table(found))
    print(arms.machine())
    print(arms.as_json(asked, found))


def main() -> None:
    """Print a table and, as the last line, JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", nargs="+")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--before", default="")
    asked = parser.parse_args()
    found = in_turns({command: shlex.split(command) for command in asked.command}, asked.rounds, asked.before)
    report(asked, found)


if __name__ == "__main__":
    main()
