"""docs/errors.md, made by the tests: the tables of this room, and every other message that a test has met.

GENAI_HF_ERRORS=messages.jsonl python -m pytest && python tests/refusals/explain.py messages.jsonl
"""

import ast
import importlib
import json
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOM = Path(__file__).parent
ROOT = ROOM.parents[1]
PAGE = ROOT / "docs" / "errors.md"
KINDS = {"UserError", "ConfigError", "DataError", "NotANumberError", "NoRoomError"}
LONGEST = 300  # letters of a message that are shown
HEAD = """# What the command says, and why

Whoever can mend it is told in one line what is wrong, where, and what to do; the exit code is 2, and 3 where the
machine has no room. This page is made by the tests (`tests/refusals/explain.py`). The messages of the first sections
are held against the command's answers word for word; "…" stands for what differs from machine to machine.
"""
OTHERS = """## Every other message

What else the tests have met, by the function that says it, with the sentence of the test.

| where | the message | the test |
| --- | --- | --- |"""


def tables() -> str:
    """The sections of this room's tables."""
    return "\n\n".join(_section(path.stem) for path in sorted(ROOM.glob("bad_*.py")))


def _section(name: str) -> str:
    module = importlib.import_module(name)
    title = (module.__doc__ or "").strip().partition("\n")[0].rstrip(".")
    rows = [f"| {_cell(case.cause)} | {_code(case.said)} |" for case in module.CASES]
    return "\n".join([f"## {title}", "", "| what is wrong | what is said |", "| --- | --- |", *rows])


def refusals() -> dict[str, list[str]]:
    """Every function of the package that says something to the user: its dotted name, to what it says as written."""
    found: dict[str, list[str]] = {}
    for path in sorted((ROOT / "genai_hf").rglob("*.py")):
        if not {"conf", "recipes"} & set(path.relative_to(ROOT / "genai_hf").parts):
            module = ".".join(path.relative_to(ROOT / "genai_hf").with_suffix("").parts)
            for name, said in _raised(ast.parse(path.read_text(encoding="utf-8")), module):
                found.setdefault(name, []).append(said)
    return found


def _raised(node: ast.AST, within: str) -> Iterator[tuple[str, str]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.FunctionDef, ast.ClassDef)):
            yield from _raised(child, f"{within}.{child.name}")
        elif isinstance(child, ast.Raise) and isinstance(child.exc, ast.Call) and _is_ours(child.exc):
            yield within, ast.unparse(child.exc.args[0])
            yield from _raised(child, within)
        elif isinstance(child, ast.Call) and ast.unparse(child.func) == "problems.add":
            yield within, ast.unparse(child.args[-1])
        else:
            yield from _raised(child, within)


def _is_ours(call: ast.Call) -> bool:
    return ast.unparse(call.func).rpartition(".")[2] in KINDS and bool(call.args)


def met(files: Sequence[Path]) -> dict[str, tuple[str, str]]:
    """Line of a function to what it said, and in which test: of several the shortest."""
    found: dict[str, tuple[str, str]] = {}
    for file in files:
        for line in file.read_text(encoding="utf-8").splitlines():
            entry = json.loads(line)
            known = found.get(entry["where"])
            if known is None or len(entry["said"]) < len(known[0]):
                found[entry["where"]] = _plain(entry["said"]), entry["test"]
    return found


def _plain(said: str) -> str:
    """A message without the folders of a test."""
    said = re.sub(r"/tmp/pytest-of-\w+/pytest-\d+/(popen-gw\d+/)?[\w.-]+", "FOLDER", said)
    said = re.sub(r"/\S*/(?=genai_hf/|recipes/|conf/|tests/)", "", said)
    return said if len(said) <= LONGEST else said[:LONGEST] + " …"


def others(messages: dict[str, tuple[str, str]]) -> str:
    """The section of what no table holds, and of what no test has met."""
    in_tables, rows, seen = tables(), [], set[tuple[str, str]]()
    for where, (said, test) in sorted(messages.items()):
        name = where.partition(":")[0]
        is_named = any(name == other for other, _ in seen)
        if (name, said) not in seen and not (is_named and _code(said) in in_tables):
            seen.add((name, said))
            rows.append(f"| `{name}` | {_code(said)} | {_cell(_sentence(test))} |")
    reached = {where.partition(":")[0] for where in messages}
    rest = {name: said for name, said in refusals().items() if name not in reached}
    lines = [
        f"| `{name}` | {_code(line)} | – (as it stands in the source) |" for name, said in rest.items() for line in said
    ]
    return "\n".join([OTHERS, *rows, *lines])


def _sentence(test: str) -> str:
    return test.rpartition("::")[2].removeprefix("test_").replace("_", " ")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", "<br>")


def _code(text: str) -> str:
    """Lines as code in a cell of a table, whatever marks they hold."""
    lines = [
        "".join(c if c.isprintable() else repr(c)[1:-1] for c in line) for line in text.split("\n") if line.strip()
    ]
    marks = ["``" if "`" in line else "`" for line in lines]
    return _cell(
        "<br>".join(
            f"{mark}{' ' * (len(mark) - 1)}{line}{' ' * (len(mark) - 1)}{mark}"
            for mark, line in zip(marks, lines, strict=True)
        )
    )


def page(messages: dict[str, tuple[str, str]]) -> str:
    """The whole of docs/errors.md."""
    return "\n\n".join([HEAD.rstrip("\n"), tables(), others(messages)]) + "\n"


if __name__ == "__main__":
    sys.path.insert(0, str(ROOM))
    PAGE.write_text(page(met([Path(name) for name in sys.argv[1:]])), encoding="utf-8")
