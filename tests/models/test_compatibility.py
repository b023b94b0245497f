"""docs/compatibility.md: what goes with what, every cell tried. Write it: GENAI_HF_WRITE=1 pytest -m slow FILE."""

import os
from pathlib import Path

import pytest
from tiny_models import METHODS, MODELS, QUANTIZATIONS, adapted, model_of, require_learning, stored

from genai_hf.errors import ConfigError
from genai_hf.models import adapters

PAGE = Path(__file__).parents[2] / "docs" / "compatibility.md"
MARK = "<!-- made by tests/models/test_compatibility.py -->\n"
KINDS = {"MaskedLM": "MLM", "CausalLM": "LM", "Seq2SeqLM": "LM", "SequenceClassification": "labels"}
VARIANTS = [(quantization, again) for quantization in ("none", *QUANTIZATIONS) for again in (False, True)]


def verdict(architecture, task, method, quantization, again, folder, monkeypatch):
    """``yes``, ``mended: …`` or ``no: …``."""
    said = []
    monkeypatch.setattr(adapters, "say", said.append)
    try:
        small = quantization != "none"
        model = stored(architecture, task, quantization, folder) if small else model_of(architecture, task)
        require_learning(adapted(model, method, checkpointing=again))
    except ConfigError as error:
        return f"no: {error}"
    return f"mended: {said[0]}" if said else "yes"


def page(cells):
    """The part of the page that the cells make."""
    names = [f"{architecture} {KINDS[task]}" for architecture, task in MODELS]
    lines = [f"| peft= | {' | '.join(names)} |", f"| --- |{' --- |' * len(names)}"]
    notes = {}
    for method in METHODS:
        row = [cells["none", False, *model, method] for model in MODELS]
        marks = [entry.partition(":")[0] + (_note(entry, notes) if ":" in entry else "") for entry in row]
        lines.append(f"| {method} | {' | '.join(marks)} |")
    lines += ["", *(f"{number}. {text}" for text, number in notes.items()), ""]
    for quantization, again in VARIANTS[1:]:
        title = f"`quantization={quantization}`" + (" with `trainer.activation_checkpointing=true`" if again else "")
        other = {}
        for model in MODELS:
            for method in METHODS:
                entry = cells[quantization, again, *model, method]
                if entry != cells["none", False, *model, method]:
                    other.setdefault(entry, []).append((method, model[0]))
        if not other:
            lines.append(f"- {title}: the same.")
        for text, where in other.items():
            methods = ", ".join(dict.fromkeys(method for method, _ in where))
            architectures = ", ".join(dict.fromkeys(architecture for _, architecture in where))
            lines.append(f"- {title}: {methods} on {architectures}: {text}")
    return "\n".join(lines) + "\n"


def _note(entry, notes):
    number = notes.setdefault(entry.partition(": ")[2], len(notes) + 1)
    return f" ({number})"


def test_the_pages_columns_and_rows_are_those_that_are_tried():
    text = PAGE.read_text("utf-8")
    cells = {(*variant, *model, method): "yes" for variant in VARIANTS for model in MODELS for method in METHODS}
    made = page(cells).splitlines()
    assert made[0] in text
    assert all(f"| {method} |" in text for method in METHODS)


@pytest.mark.slow
def test_the_page_says_what_goes_with_what(tmp_path, monkeypatch):
    cells = {}
    for quantization, again in VARIANTS:
        for architecture, task in MODELS:
            for method in METHODS:
                folder = tmp_path / f"{quantization}-{architecture}-{task}"
                found = verdict(architecture, task, method, quantization, again, folder, monkeypatch)
                cells[quantization, again, architecture, task, method] = found
    text = PAGE.read_text("utf-8")
    wanted = text.partition(MARK)[0] + MARK + page(cells)
    if os.environ.get("GENAI_HF_WRITE"):
        PAGE.write_text(wanted, "utf-8")
    assert text == wanted
