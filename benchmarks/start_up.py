"""Start-up: the time of a command that trains nothing, in whole processes and in turns.

    python benchmarks/start_up.py [--rounds 10] [--only help config] [--peer "python run_glue.py --help" …]

help        genai-hf glue --help
wrong key   genai-hf glue trainer.lerning_rate=1e-3
config      genai-hf glue --cfg job
check       genai-hf check glue: data read, model made, a batch taken

A peer's command is run as it is given.
"""

import argparse
import shlex
import sys

import processes

OURS = {
    "help": "glue --help",
    "wrong key": "glue trainer.lerning_rate=1e-3",
    "config": "glue --cfg job",
    "check": "check glue",
}


def main() -> None:
    """Print a table and, as the last line, JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--only", nargs="+", choices=OURS, default=list(OURS))
    parser.add_argument("--peer", action="append", default=[])
    asked = parser.parse_args()
    commands = {
        name: [sys.executable, "-m", "genai_hf", *words.split()] for name, words in OURS.items() if name in asked.only
    }
    commands |= {peer: shlex.split(peer) for peer in asked.peer}
    found = processes.in_turns(commands, asked.rounds)
    processes.report(asked, found)


if __name__ == "__main__":
    main()
