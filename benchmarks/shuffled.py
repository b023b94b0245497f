"""Does a model learn from the order of words? Every pretraining recipe on a text as it is, and with its words shuffled.

    python benchmarks/shuffled.py novels.jsonl.gz --recipes gpt_lm,t5_spans [--folder FOLDER] [WORD=VALUE …]

The words of every 64 in a row change places within each document, so that the words themselves, what is frequent and
what a passage is about stay as they were, and only their order is gone. What a model on the real text knows beyond one
on the shuffled text it has read from the order. Both have the same sizes, steps and seed, and are scored on held-out
documents of their own kind: the cross-entropy of the text's tokens, in nats, beside that of always by word frequency.
Runs are kept in FOLDER and go on where they were. The last line is JSON.
"""

import argparse
import gzip
import json
import os
import random
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

WINDOW = 64  # words that change places with each other
PROMPTS = [
    "The old man looked at the",
    "She opened the door and",
    "In the morning they",
    "He said that he had never",
    "There was a",
    "When the carriage stopped,",
    "I have always thought that",
    '"What do you mean?" asked',
    "It was a dark and",
    "Her father was a man of",
]
HIDDEN = [
    "The old man {looked at} the fire and said {nothing}.",
    "She opened {the door} and went into {the} room.",
    "In the morning {they} set out {for the} town.",
    "He said that he {had never} seen such {a} thing.",
    "I {do not} know what you {mean}.",
    "There was {a long} silence in {the} house.",
    "Her father was {a man} of great {fortune}.",
    "He put {his hand} on her {shoulder}.",
    "It was {one of} the most beautiful {days} of the year.",
    "They sat {at the} table and {talked of} old times.",
]
SMALL = {"trainer.learning_rate": "1e-3", "trainer.warmup_steps": "0.02"}
ROWS = {"trainer.per_device_train_batch_size": "16"}
OWN: dict[str, dict[str, str]] = {
    "bert_mlm": {"trainer.max_steps": "8000", **SMALL},
    "bert_nsp": {"trainer.max_steps": "4000", **SMALL, **ROWS, "segments.passes": "1", "data.validation_share": "0.03"},
    "gpt_lm": {"trainer.max_steps": "5000", **SMALL, **ROWS, "samples.prompts": json.dumps(PROMPTS)},
    "prefix_lm": {"trainer.max_steps": "2500", **SMALL, **ROWS},
    "spanbert": {"trainer.max_steps": "8000", **SMALL},
    "t5_spans": {"trainer.max_steps": "8000", "samples.texts": json.dumps(HIDDEN)},
}


def shuffled(text: str, draw: random.Random) -> str:
    """The words of a text, those of every WINDOW in a row in another order; whatever stands between words stays."""
    pieces = re.split(r"(\s+)", text)
    words = pieces[::2]
    for first in range(0, len(words), WINDOW):
        window = words[first : first + WINDOW]
        draw.shuffle(window)
        words[first : first + WINDOW] = window
    pieces[::2] = words
    return "".join(pieces)


def write_shuffled(source: Path, target: Path) -> None:
    """The documents of a JSON-lines file, shuffled; the same each time."""
    draw = random.Random(0)
    opener: Any = gzip.open if source.suffix == ".gz" else open
    with opener(source, "rt", encoding="utf-8") as lines, target.open("w", encoding="utf-8") as out:
        for line in lines:
            row = json.loads(line)
            out.write(json.dumps(row | {"text": shuffled(row["text"], draw)}) + "\n")


def trained(recipe: str, text: Path, name: str, folder: Path, more: list[str]) -> dict[str, float]:
    """Run a recipe on a file, and read what it measured."""
    own = [f"{key}={value}" for key, value in OWN[recipe].items()]
    words = dict(word.split("=", 1) for word in more)
    steps = int((OWN[recipe] | words)["trainer.max_steps"]) // 4
    rhythm = [f"trainer.eval_steps={steps}", f"trainer.save_steps={steps}"]
    data = ["data=json", f"data.path={text}", "data.validation_share=0.01", f"run={name}"]
    command = [sys.executable, "-m", "genai_hf", recipe, *data, *own, *rhythm, *more]
    environment = os.environ | {"GENAI_HF_ROOT": str(folder), "GENAI_HF_CACHE": str(folder / "cache")}
    subprocess.run(command, env=environment, check=True, stdout=sys.stderr)
    measured: dict[str, float] = json.loads((folder / recipe / name / "metrics.json").read_text())
    return measured


def main() -> None:
    """Run every recipe on both, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", type=Path)
    parser.add_argument("--recipes", default=",".join(OWN))
    parser.add_argument("--folder", type=Path)
    given, more = parser.parse_known_args()
    folder = (given.folder or Path(tempfile.mkdtemp())).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    texts = {"real": given.text.resolve(), "shuffled": folder / "shuffled.jsonl"}
    if not texts["shuffled"].exists():
        write_shuffled(texts["real"], texts["shuffled"])
    print("| recipe | text | held-out loss | by word frequency |\n| --- | --- | ---: | ---: |")
    found: dict[str, dict[str, dict[str, float]]] = {}
    for recipe in given.recipes.split(","):
        found[recipe] = {name: trained(recipe, text, name, folder, more) for name, text in texts.items()}
        for name, measured in found[recipe].items():
            loss = measured.get("eval_masked_lm_loss", measured["eval_loss"])  # of bert_nsp, without its pairs
            print(f"| `{recipe}` | {name} | {loss:.3f} | {measured['eval_unigram_loss']:.3f} |", flush=True)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
