"""The damaged models and tokenizers of tests/refusals, and those that would run code: what stock makes of each, and we.

bad_models.py [OUT.json]     the counts, and what was said of each folder

Stock is `AutoConfig`, `AutoTokenizer` and `AutoModelForMaskedLM.from_pretrained` with the arguments that transformers'
run_mlm.py gives them (for a decoder run_clm.py and `AutoModelForCausalLM`), and what it does where a vocabulary is
larger than the embedding, in a process without code of ours. Each folder is met by a fork of it that has imported
nothing else. Ours is the command, run in this process.
"""

import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parents[2] / "tests" / "refusals"
SILENT, TRACEBACK, LINE, EXECUTED, FINE = "taken in silence", "traceback", "one line", "executed", "taken, nothing run"


def main(words: list[str]) -> None:
    """Compare, or be stock."""
    if words[:1] == ["stock"]:
        print(json.dumps([stock(folder) for folder in words[1:]]))
        return
    with tempfile.TemporaryDirectory() as place:
        found = compare(Path(place))
    counts = {who: Counter(row[who]["outcome"] for row in found) for who in ("stock", "ours")}
    lines = [row["stock"]["lines"] for row in found if row["stock"]["outcome"] == TRACEBACK]
    result = {"folders": len(found), **counts, "lines of a traceback": [min(lines), max(lines)], "each": found}
    if words:
        Path(words[0]).write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps({key: value for key, value in result.items() if key != "each"}))


def compare(place: Path) -> list[dict[str, Any]]:
    """What both make of each folder."""
    sys.path.insert(0, str(TESTS))
    os.environ.update(HF_HUB_OFFLINE="1", GENAI_HF_ROOT=str(place / "outputs"), GENAI_HF_CACHE=str(place / "cache"))
    import artefacts
    import bad_models as models
    import bad_tokenizers
    import bad_weights
    from artefacts import CHAT, WRITE
    from model_parts import NAMED

    if "CASES" not in vars(models):  # this script bears the name of the table
        raise SystemExit(f"{TESTS} must come before {Path(__file__).parent} on the path")
    tables = [*models.CASES, *bad_tokenizers.CASES, *bad_weights.CASES]
    bad = {case.cause: case.files for case in tables if case.words == NAMED}
    train, canary = (*NAMED, "trainer.max_steps=1"), place / "canary"
    met = {case.name: next((words for words in case.commands if "model" in words or words[: len(NAMED)] == NAMED), None)
           for case in artefacts.CASES}  # fmt: skip
    hostile = {case.name: case.files(canary) for case in artefacts.CASES if met[case.name]}
    named, commands = bad | hostile, dict.fromkeys(bad, train) | met
    folders = [lay_out(files, place / f"{number:02}") for number, files in enumerate(named.values())]
    writes = [commands[name] in {WRITE, CHAT} for name in named]
    script = [sys.executable, __file__, "stock"]
    script += [f"{'clm' if is_writer else 'mlm'}:{folder}" for is_writer, folder in zip(writes, folders, strict=True)]
    theirs = json.loads(subprocess.run(script, check=True, capture_output=True, text=True, cwd=place).stdout)
    found = []
    for (name, folder), said in zip(zip(named, folders, strict=True), theirs, strict=True):
        both = {"stock": said, "ours": ours(folder, list(commands[name] or ()))}
        for outcome in both.values():
            outcome["outcome"] = FINE if outcome["outcome"] == SILENT and name in hostile else outcome["outcome"]
        found.append({"folder": name, **both})
    return found


def lay_out(files: Mapping[str, str | bytes], folder: Path) -> Path:
    """The files in a folder of their own."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def stock(asked: str) -> dict[str, Any]:
    """What the calls of run_mlm.py or run_clm.py make of the model in a folder, in a fork."""
    from transformers import BertForMaskedLM, GPT2LMHeadModel, RobertaForMaskedLM  # noqa: F401 - before the fork

    reader, writer = os.pipe()
    kind, _, folder = asked.partition(":")
    if child := os.fork():
        os.close(writer)
        with os.fdopen(reader) as stream:
            said = stream.read()
        os.waitpid(child, 0)
        return _outcome(said, Path(folder))
    os.close(reader)
    os.dup2(writer, sys.stderr.fileno())
    os.dup2(writer, sys.stdout.fileno())
    try:
        os.chdir(folder)
        _read("model", kind)
    except BaseException:  # noqa: BLE001 - whatever it is, Python would print it
        traceback.print_exc()
    sys.stderr.flush()
    os._exit(0)


def _read(name: str, kind: str) -> None:
    from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForMaskedLM, AutoTokenizer

    given: dict[str, Any] = {"cache_dir": None, "revision": "main", "token": None, "trust_remote_code": False}
    config = AutoConfig.from_pretrained(name, **given)
    tokenizer = AutoTokenizer.from_pretrained(name, use_fast=True, **given)
    head = AutoModelForCausalLM if kind == "clm" else AutoModelForMaskedLM
    model = head.from_pretrained(name, config=config, **given)
    if len(tokenizer) > model.get_input_embeddings().weight.shape[0]:
        model.resize_token_embeddings(len(tokenizer))


def ours(folder: Path, words: list[str]) -> dict[str, Any]:
    """What the command answers."""
    from genai_hf import cli

    said = io.StringIO()
    before = Path.cwd()
    os.chdir(folder)
    (folder / "text").mkdir(exist_ok=True)
    for number in range(24):
        (folder / "text" / f"{number:02}.txt").write_text(f"w{number} w1 w2\n" * 9, encoding="utf-8")
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
            code = cli.main(words)
    except Exception:  # noqa: BLE001 - it is counted
        traceback.print_exc(file=said)
        code = 1
    finally:
        os.chdir(before)
    return _outcome(said.getvalue(), folder, code)


def _outcome(said: str, folder: Path, code: int | None = None) -> dict[str, Any]:
    lines = [line for line in said.splitlines() if line.strip()]
    kind = TRACEBACK if "Traceback (most recent call last)" in said else LINE if code == 2 else SILENT
    if (folder.parent / "canary").exists():
        kind = EXECUTED
        (folder.parent / "canary").unlink()
    return {"outcome": kind, "lines": len(lines), "last": lines[-1][:300] if lines else ""}


if __name__ == "__main__":
    main(sys.argv[1:])
