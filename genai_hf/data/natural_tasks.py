"""What a file of Super-NaturalInstructions or of Natural Instructions v1 says of its task; see `instruction_files`."""

from collections.abc import Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from genai_hf.data.problems import clean, fault, shown
from genai_hf.data.wording import Instruction, Shown

NOTHING = "-"  # what a field of v1 holds that has nothing to say
SHOWN = ("Positive Examples", "Negative Examples")
NAMES = {  # of fields in the files, and ours
    "Title": "title",
    "Definition": "definition",
    "Prompt": "prompt",
    "Things to Avoid": "avoid",
    "Emphasis & Caution": "emphasis",
}


def described(file: Path, task: Any, categories: Mapping[str, str]) -> tuple[Instruction | None, str | None]:
    """The instruction of a task as its file holds it, or what is wrong with it.

    Args:
        file: Whose name is the task's.
        task: The JSON value in it.
        categories: Of tasks that name none, see `genai_hf.data.instruction_files.Reader`.
    """
    lacking = [key for key in ("Definition", "Instances") if not isinstance(task, Mapping) or not task.get(key)]
    if lacking or not isinstance(task["Instances"], list):
        return None, f"is no task with a Definition and Instances ({(lacking or ['Instances'])[0]}); leave it out"
    if wrong := _unfit(task):
        return None, wrong
    texts = {ours: _text(task.get(theirs)) for theirs, ours in NAMES.items()}
    name = file.name.removesuffix(".gz").removesuffix(file.suffix).removesuffix(".json")
    named = _text(task.get("Categories"))
    category = named or next((to for pattern, to in categories.items() if fnmatch(name, pattern)), "")
    sets = task.get("Examples", task)
    shown = [[_shown(one) for one in _listed(sets, key)] for key in SHOWN]
    return Instruction(name, category, {key: text for key, text in texts.items() if text}, *shown), None


def _unfit(task: Mapping[str, Any]) -> str | None:
    """What is wrong with the texts and the lists of examples that describe a task; None where nothing is."""
    for key in (*NAMES, "Categories"):
        if not isinstance(text := _first(task.get(key)), str | None):
            return f"'{key}' {fault(text)}"
    sets = task.get("Examples", task)
    for key in SHOWN:
        given = sets.get(key) if isinstance(sets, Mapping) else sets
        if not isinstance(given, list | str | None):
            return f"'{key}' is {shown(given)}; write a list of objects"
    return None


def _listed(sets: Any, name: str) -> list[Mapping[str, Any]]:
    """The examples that are examples: where there are none v1 has a dash."""
    return [one for one in (sets.get(name) or []) if isinstance(one, Mapping)]


def _shown(one: Mapping[str, Any]) -> Shown:
    reason = _text(one.get("explanation", one.get("reason")))
    return Shown(_text(one.get("input")), _text(one.get("output")), reason, _text(one.get("suggestion")))


def _text(value: Any) -> str:
    """A field's text, the first of several; empty where it has nothing to say."""
    text = clean(str(_first(value) or ""))
    return "" if text.strip() == NOTHING else text


def _first(value: Any) -> Any:
    return (value or [""])[0] if isinstance(value, list) else value
