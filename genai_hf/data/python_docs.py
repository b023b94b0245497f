"""The documentation that every Python carries: real English text without a download.

The language reference (the topics of ``help()``, in `pydoc_data.topics`) and the docstrings of the standard library, or
of every installed package too. Sources are read with `ast` and never imported. A topic is a document; so is a source
file, whose docstrings follow each other in their order.
"""

import ast
import gc
import hashlib
import re
import sys
import sysconfig
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from pydoc_data.topics import topics
from typing import Any, Literal

from genai_hf.data.cache import cache_folder, remembered
from genai_hf.data.duplicates import WORD, Novelty
from genai_hf.data.progress import slow_work

RULES = 3  # raise it when the same sources give other documents
FEWEST_WORDS = 20  # of a document: less is a title
# What some installs leave out, so that every install has the same text; nor does any of it read like the rest.
OPTIONAL = {"distutils", "ensurepip", "idlelib", "lib2to3", "msilib", "tkinter", "turtle", "turtledemo"}
TESTS = {"test", "tests", "idle_test", "__pycache__"}

# Lines that are drawn, not written: the rules of tables and under headings.
DRAWN = re.compile(r"^[^\S\n]*[^\w\s]{3}[^\w\n]*(?:\n|\Z)", re.MULTILINE)

DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
STATEMENT = (ast.stmt, ast.ExceptHandler, ast.match_case)

Scope = Literal["standard_library", "environment"]


def name(scope: Scope) -> str:
    """What this text is called: it differs between Python's minor versions."""
    version = "python_docs-{}.{}".format(*sys.version_info)
    return version if scope == "standard_library" else f"{version}-environment"


def load(scope: Scope) -> tuple[list[str], dict[str, int]]:
    """Documents, and how many passages were left out of them.

    Topics come first, then files by path. The text is made once and kept in the cache; making it takes about 3 s for
    the standard library.

    Returns:
        The documents; and the numbers of `exact_duplicates` and `near_duplicates` (of topics and docstrings), of
        `short` documents and of `unreadable` files.
    """
    files = sources(scope)
    key = hashlib.sha256(f"{RULES} {sys.version_info[:2]} {sorted(topics.items())}".encode())
    for path, file in files.items():
        key.update(path.encode() + hashlib.sha256(file.read_bytes()).digest())
    made = remembered(cache_folder() / "python_docs" / f"{key.hexdigest()}.json", lambda: _make(files))
    return made["documents"], made["notes"]


def sources(scope: Scope) -> dict[str, Path]:
    """Source files by their path below their root, sorted; without tests."""
    library = Path(sysconfig.get_path("stdlib"))
    wanted = sys.stdlib_module_names - OPTIONAL
    found = _below(library, (entry for entry in library.iterdir() if entry.name.removesuffix(".py") in wanted))
    if scope == "environment":
        for root in {Path(sysconfig.get_path("purelib")), Path(sysconfig.get_path("platlib"))}:
            found |= _below(root, root.iterdir())
    return dict(sorted(found.items()))


def docstrings(source: bytes) -> Iterator[str]:
    """Cleaned docstrings of a module, its classes and its functions, in order of appearance.

    Raises:
        SyntaxError: `source` is no Python.
    """
    waiting: list[ast.AST] = [parsed(source)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, DOCUMENTED) and (text := ast.get_docstring(node)):
            yield text.encode(errors="replace").decode()  # half a character, written as an escape, becomes "?"
        waiting.extend(child for child in reversed([*ast.iter_child_nodes(node)]) if isinstance(child, STATEMENT))


def parsed(source: bytes) -> ast.Module:
    """The syntax tree of a module.

    Raises:
        SyntaxError: `source` is no Python.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)  # invalid escapes in other people's code
        warnings.simplefilter("ignore", DeprecationWarning)
        return ast.parse(source)


@contextmanager
def _without_collector() -> Iterator[None]:
    """Syntax trees hold no cycles, and looking for some takes as long as making them."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _below(root: Path, entries: Iterable[Path]) -> dict[str, Path]:
    modules = (file for entry in entries for file in ([entry] if entry.is_file() else entry.rglob("*.py")))
    kept = ((file.relative_to(root), file) for file in modules if file.suffix == ".py")
    return {path.as_posix(): file for path, file in kept if not TESTS.intersection(path.parts)}


def _make(files: Mapping[str, Path]) -> dict[str, Any]:
    novelty, unreadable = Novelty(), 0
    # Some topics hold others whole: the longer ones come first, so that the others are the duplicates.
    kept = {
        title
        for title in sorted(topics, key=lambda title: (-len(topics[title]), title))
        if novelty.is_new(topics[title])
    }
    documents = [DRAWN.sub("", topics[title]).strip() for title in sorted(kept)]
    with slow_work("reading docstrings, files", len(files)) as advance, _without_collector():
        for file in files.values():
            try:
                passages = [text for text in docstrings(file.read_bytes()) if novelty.is_new(text)]
            except (SyntaxError, ValueError, RecursionError):
                unreadable += 1
            else:
                documents.append(DRAWN.sub("", "\n\n".join(passages)))
            advance(1)
    long = [text for text in documents if len(WORD.findall(text)) >= FEWEST_WORDS]
    notes = {**novelty.counts, "short": sum(map(bool, documents)) - len(long), "unreadable": unreadable}
    return {"documents": long, "notes": notes}
