"""Instructions that every Python carries: three tasks of each module of its library, made of docstrings.

A module is a category, so that what is held out with it is nowhere in training.
"""

from genai_hf.data.docs_pairs import first_sentence, pairs
from genai_hf.data.instruction_files import Example
from genai_hf.data.wording import Instruction, Shown

LONGEST = 30  # words of a response
SHOWN = 2  # good examples of a task, which are no rows of it

TASKS = {  # name: definition
    "summary": "You are told the name of a function or class of {} and what it does in detail. Sum it up.",
    "name": "You are told in one sentence what a function or class of {} does. Give it a name.",
    "next": "You are told the name of a function or class of {} and what it does. Write the next sentence.",
}


def examples() -> list[Example]:
    """In the order of the library's sources; of docstrings that begin alike, in whatever modules, the first."""
    rows: dict[tuple[str, str], list[tuple[str, str]]] = {}
    told = {summary.lower(): (text, summary, module) for text, (summary, module) in reversed(pairs("python_modules"))}
    for text, summary, module in reversed(told.values()):
        name, _, body = text.partition(": ")
        sentence, _ = first_sentence(body)
        made = {"summary": (text, summary), "name": (summary, name), "next": (f"{name}: {summary}", sentence)}
        for task, row in made.items():
            if row[1] and len(row[1].split()) <= LONGEST:
                rows.setdefault((module, task), []).append(row)
    return [example for (module, task), some in rows.items() for example in _task(module, task, some)]


def _task(module: str, task: str, rows: list[tuple[str, str]]) -> list[Example]:
    shown = [Shown(text, answer) for text, answer in rows[:SHOWN]]
    instruction = Instruction(f"{module}_{task}", module, {"definition": TASKS[task].format(module)}, positive=shown)
    return [
        Example(f"{instruction.name}:{number}", instruction, text, [answer])
        for number, (text, answer) in enumerate(rows[SHOWN:], 1)
    ]
