"""Twelve changed minds: is each refused with old and new, and taken for real where it is allowed?

python benchmarks/reliability/changed_minds.py
"""

import json
import re
import tempfile
from pathlib import Path

import cases
import lives

from genai_hf import files, fingerprints

# Another value of a setting: the key that is named, old, new.
SETTINGS = {
    "trainer.learning_rate=1e-4": ("trainer.learning_rate", "0.0015", "0.0001"),
    "seed=1": ("seed", "0", "1"),
    "trainer.per_device_train_batch_size=4": ("global_batch", "8", "4"),
    "trainer.weight_decay=0.2": ("trainer.weight_decay", "0.01", "0.2"),
    "trainer.lr_scheduler_type=cosine": ("trainer.lr_scheduler_type", "linear", "cosine"),
    "precision=bf16": ("precision", "fp32", "bf16"),
    "sequence_length=16": ("sequence_length", "32", "16"),
    "model.config.num_hidden_layers=1": ("model.config.num_hidden_layers", "2", "1"),
    "tokenizer.vocab_size=200": ("tokenizer.vocab_size", "300", "200"),
}
CANNOT = {"model.config.num_hidden_layers=1", "tokenizer.vocab_size=200"}  # other weights: no checkpoint fits them


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


def changed(recipe: str, root: Path, number: int, override: str) -> dict[str, bool]:
    """One setting."""
    key, old, new = SETTINGS[override]
    words, run = begun(recipe, root, f"mind-{number}")
    kept = lives.newest_step(run)
    code, said = tried([*words, override], root)
    found = {"refused": code == 2, "old and new": f"{key}: {old} → {new}" in said}
    found |= {"nothing lost": lives.newest_step(run) == kept}
    offered = re.search(r"resume\.allow=\[\S+\]", said)
    found |= {"offered": offered is not None}
    if override not in CANNOT and offered:  # what the message offers
        code, said = tried([*words, override, offered[0]], root)
        recorded = json.loads((run / "settings.json").read_text(encoding="utf-8"))
        found |= {"goes on where allowed": code == 0 and f"resumed {run} after step {kept}" in said}
        found |= {"taken": str(recorded[key]) == new}
    if override.startswith("trainer.learning_rate"):
        lines = map(json.loads, (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines())
        rates = {line["step"]: line["learning_rate"] for line in lines if "learning_rate" in line}
        found |= {"rate is the new one": max(rate for step, rate in rates.items() if step > kept) < float(new) * 1.001}
    return found


def other_facts(recipe: str, root: Path) -> dict[str, dict[str, bool]]:
    """What no setting says: the data's content, a library's version, a damaged record of the data's fingerprint."""
    found = {}
    words, run = begun(recipe, root, "data")
    text = next((root / "texts").iterdir())
    before = text.read_text(encoding="utf-8")
    text.write_text(before + "\nOne line more.", encoding="utf-8")
    code, said = tried(words, root)
    text.write_text(before, encoding="utf-8")
    found["edited data"] = {"refused": code == 2, "old and new": "files.data.path: " in said and " → " in said}
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
            found = {line: changed(recipe, Path(folder), number, line) for number, line in enumerate(SETTINGS)}
            found |= other_facts(recipe, Path(folder))
            right = [line for line, answers in found.items() if all(answers.values())]
            wrong = {line: answers for line, answers in found.items() if line not in right}
            print(json.dumps({"recipe": recipe, "changed minds": len(found), "right": len(right), "wrong": wrong}))


if __name__ == "__main__":
    main()
