"""Questions and summaries that every Python carries: what its library defines, from the docstrings of its sources.

A question names a function or a class and says what it does; the answers are the modules that define such a one. A
text to sum up is what a docstring says after its first sentence; the summary is that sentence, as PEP 257 asks for.
"""

import ast
import hashlib
import re
from collections.abc import Iterable, Iterator
from typing import Literal, TypeAlias

from genai_hf.data import python_docs
from genai_hf.data.cache import cache_folder, remembered
from genai_hf.data.duplicates import WORD, Novelty

RULES = 1  # raise it when the same sources give other pairs
FEWEST_WORDS = 3  # of a summary
FEWEST_WORDS_BELOW = 12  # of what it sums up
BLANK = re.compile(r"\n\s*\n")
SENTENCE = re.compile(r"\.\s+(?=[^a-z\s])|[.:]$")  # "e.g. this" does not end one

Kind: TypeAlias = Literal["python_questions", "python_summaries", "python_modules"]
Pair: TypeAlias = tuple[str, list[str]]  # a text and its answers


def pairs(kind: Kind) -> list[Pair]:
    """Questions with the modules that answer them, or texts with their summaries; made once and kept in the cache.

    Of ``python_modules`` each text has its summary, and behind it the module that it is from.
    """
    files = python_docs.sources("standard_library")
    key = hashlib.sha256(f"{RULES} {kind}".encode())
    for path, file in files.items():
        key.update(path.encode() + hashlib.sha256(file.read_bytes()).digest())
    defined = ((path, file.read_bytes()) for path, file in files.items())
    make = {"python_questions": _questions, "python_summaries": _summaries, "python_modules": _described}[kind]
    found = remembered(cache_folder() / "docs_pairs" / f"{key.hexdigest()}.json", lambda: make(defined))
    return [(text, answers) for text, answers in found]


def definitions(source: bytes) -> Iterator[tuple[str, str]]:
    """Name and docstring of each public function and class, drawn lines left out, in order of appearance.

    Raises:
        SyntaxError: `source` is no Python.
    """
    waiting: list[ast.AST] = [python_docs.parsed(source)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, python_docs.DOCUMENTED) and not isinstance(node, ast.Module):
            text = python_docs.DRAWN.sub("", ast.get_docstring(node) or "").strip()
            if text and not node.name.startswith("_"):
                yield node.name, text.encode(errors="replace").decode()
        waiting.extend(child for child in reversed([*ast.iter_child_nodes(node)]) if isinstance(child, ast.stmt))


def module(path: str) -> str:
    """The module of the library that a source file belongs to: ``email`` of ``email/message.py``."""
    return path.partition("/")[0].removesuffix(".py")


def first_sentence(text: str) -> tuple[str, str]:
    """A docstring's first sentence, on one line and without its full stop, and the rest."""
    head, _, tail = text.partition("\n\n")
    head = " ".join(head.split())
    end = SENTENCE.search(head)
    if end is None:
        return head, tail
    return head[: end.start()], f"{head[end.end() :]}\n\n{tail}".strip()


def _questions(sources: Iterable[tuple[str, bytes]]) -> list[Pair]:
    """In order of appearance; what several modules define alike is one question with several answers."""
    found: dict[str, list[str]] = {}
    for path, source in sources:
        answer = module(path)
        for name, text in definitions(source) if not answer.startswith("_") else ():
            summary, _ = first_sentence(text)
            if len(WORD.findall(summary)) >= FEWEST_WORDS:
                known = found.setdefault(f"which module defines {name}, {summary[0].lower()}{summary[1:]}?", [])
                if answer not in known:
                    known.append(answer)
    return [*found.items()]


def _summaries(sources: Iterable[tuple[str, bytes]]) -> list[Pair]:
    return [(text, [summary]) for text, (summary, _) in _described(sources)]


def _described(sources: Iterable[tuple[str, bytes]]) -> list[Pair]:
    """In order of appearance, without near duplicates."""
    found, novelty = list[Pair](), Novelty()
    for path, source in sources:
        for name, text in definitions(source):
            summary, rest = first_sentence(text)
            body = " ".join(BLANK.sub("\n", rest).split())
            long = len(WORD.findall(summary)) >= FEWEST_WORDS and len(WORD.findall(body)) >= FEWEST_WORDS_BELOW
            if long and novelty.is_new(text):
                found.append((f"{name}: {body}", [summary, module(path)]))
    return found
