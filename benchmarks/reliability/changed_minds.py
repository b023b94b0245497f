"""Twelve changed minds: is each refused with old and new, and taken for real where it is allowed?

python benchmarks/reliability/changed_minds.py
"""

import json
import re
import tempfile
from pathlib import Path
from typing import NamedTuple

import cases
import lives

from genai_hf import files, fingerprints


class Change(NamedTuple):
    """Another value of a setting: how it is asked for, which key is named, and how the new value is written."""

    override: str
    key: str
    new: str
    fits: bool = True  # whether a checkpoint fits it: not where it has other weights


CHANGES = (
    Change("trainer.learning_rate=1e-4", "trainer.learning_rate", "0.0001"),
    Change("seed=1", "seed", "1"),
    Change("trainer.per_device_train_batch_size=4", "global_batch", "4"),
    Change("trainer.weight_decay=0.2", "trainer.weight_decay", "0.2"),
    Change("trainer.lr_scheduler_type=cosine", "trainer.lr_scheduler_type", "cosine"),
    Change("precision=bf16", "precision", "bf16"),
    Change("sequence_length=16", "sequence_length", "16"),
    Change("tokenizer.vocab_size=200", "tokenizer.vocab_size", "200", fits=False),
)


def begun(recipe: str, root: Path, name: str) -> tuple[list[str], Path]:
    """A run that stopped in the middle; its command, its folder."""
    words, run = cases.words(recipe, root / "texts", f"run={name}"), root / recipe / name
    pid = lives.begin(words, root)
    code = lives.wait_until(lambda: lives.newest_step(run) > cases.EPOCH, pid)
    if code is None:
        lives.kill(pid)
    return words, run


def tried(words: list[str], root: Path) -> tuple[int, str]:
    """Exit code, and what was said."""
    (root / "said").unlink()
    return lives.end(lives.begin(words, root)), (root / "said").read_text(encoding="utf-8")


def changed(recipe: str, root: Path, name: str, change: Change) -> dict[str, bool]:
    """One setting."""
    words, run = begun(recipe, root, name)
    kept, old = lives.newest_step(run), json.loads((run / "settings.json").read_text(encoding="utf-8"))[change.key]
    code, said = tried([*words, change.override], root)
    found = {"refused": code == 2, "old and new": f"{change.key}: {old} → {change.new}" in said}
    found |= {"nothing lost": lives.newest_step(run) == kept}
    offered = re.search(r"resume\.allow=\[\S+\]", said)
    found |= {"offered": offered is not None}
    if change.fits and offered:  # what the message offers
        code, said = tried([*words, change.override, offered[0]], root)
        recorded = json.loads((run / "settings.json").read_text(encoding="utf-8"))
        found |= {"goes on where allowed": code == 0 and f"resumed {run} after step {kept}" in said}
        found |= {"taken": str(recorded[change.key]) == change.new}
    if change.key == "trainer.learning_rate":
        lines = map(json.loads, (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines())
        rates = {line["step"]: line["learning_rate"] for line in lines if "learning_rate" in line}
        found |= {
            "rate is the new one": max(rate for step, rate in rates.items() if step > kept) < float(change.new) * 1.001
        }
    return found


def other_facts(recipe: str, root: Path) -> dict[str, dict[str, bool]]:
    """What no setting says: the data's content, a library's version, a damaged record of the data's fingerprint."""
    found = {}
    words, run = begun(recipe, root, "data")
    text = root / "texts" / ("00.txt" if cases.OWN[recipe] == cases.TEXT else "train.jsonl")
    before = text.read_text(encoding="utf-8")
    text.write_text(before + "\n" + before.splitlines()[0].replace("house", "hut"), encoding="utf-8")
    code, said = tried(words, root)
    text.write_text(before, encoding="utf-8")
    found["edited data"] = {"refused": code == 2, "old and new": "files.data." in said and " → " in said}
    words, run = begun(recipe, root, "version")
    for name, facts in (("versions", {"torch": "1.0"}), ("data", {"train": "another"})):
        recorded = fingerprints.read(run)
        files.write_json(run / "fingerprint.json", recorded | {name: recorded[name] | facts})
        code, said = tried(words, root)
        ((key, old),) = facts.items()
        found[f"another {name} fingerprint"] = {"refused": code == 2, "old and new": f"{name}.{key}: {old} → " in said}
        files.write_json(run / "fingerprint.json", recorded)
    return found


def main() -> None:
    """Print one line of JSON for each recipe."""
    with tempfile.TemporaryDirectory() as folder:
        for recipe in cases.OWN:
            layers = f"model.config.{cases.NAMES.get(recipe, cases.BERT).layers}"
            changes = (*CHANGES, Change(f"{layers}=1", layers, "1", fits=False))
            found = {
                change.override: changed(recipe, Path(folder), f"mind-{number}", change)
                for number, change in enumerate(changes)
            }
            found |= other_facts(recipe, Path(folder))
            right = [line for line, answers in found.items() if all(answers.values())]
            wrong = {line: answers for line, answers in found.items() if line not in right}
            print(json.dumps({"recipe": recipe, "changed minds": len(found), "right": len(right), "wrong": wrong}))


if __name__ == "__main__":
    main()
