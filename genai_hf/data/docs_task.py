"""A labelled task that every Python carries: which package of its library does a paragraph of documentation belong to?

The paragraphs are those of the packages' docstrings, read as `python_docs` reads them. A docstring stays on one side of
the split, so that none is recognised by its other paragraphs.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from genai_hf.data import python_docs
from genai_hf.data.cache import cache_folder, remembered
from genai_hf.data.duplicates import WORD, Novelty
from genai_hf.errors import DataError

RULES = 1  # raise it when the same sources give other examples
FEWEST_WORDS = 8  # of a paragraph: less says nothing
BLANK = re.compile(r"\n\s*\n")


def splits(
    packages: Sequence[str], validation_share: float, at: str = "task.labels"
) -> dict[str, tuple[list[str], list[float]]]:
    """Paragraphs and the number of their package, for ``train`` and ``validation``.

    Args:
        packages: Names of packages of the standard library; their order numbers them.
        validation_share: Share of the docstrings to hold out, in (0, 1): those with the smallest SHA-256.
        at: The key that names the packages, for messages.

    Raises:
        DataError: A package is not in this Python's library, or has no documentation.
    """
    sources = python_docs.sources("standard_library")
    files = {path: file for path, file in sources.items() if path.split("/")[0].removesuffix(".py") in packages}
    key = hashlib.sha256(f"{RULES} {list(packages)}".encode())
    for path, file in files.items():
        key.update(path.encode() + hashlib.sha256(file.read_bytes()).digest())
    place = cache_folder() / "docs_task" / f"{key.hexdigest()}.json"
    found = remembered(place, lambda: list(_paragraphs(packages, files)))
    for number, package in enumerate(packages):
        if not any(label == number for _, _, label in found):
            raise DataError(f"{at}: Python's library has no documented package '{package}'; leave it out")
    limit = validation_share * 2**32
    sides: dict[str, tuple[list[str], list[float]]] = {"train": ([], []), "validation": ([], [])}
    for digest, text, label in found:
        texts, labels = sides["validation" if digest < limit else "train"]
        texts.append(text)
        labels.append(label)
    return sides


def _paragraphs(packages: Sequence[str], files: Mapping[str, Path]) -> Iterator[tuple[int, str, int]]:
    """Digest of the docstring (32 bits), paragraph, number of the package."""
    novelty = Novelty()
    for path, file in files.items():
        label = packages.index(path.split("/")[0].removesuffix(".py"))
        for docstring in python_docs.docstrings(file.read_bytes()):
            digest = int.from_bytes(hashlib.sha256(docstring.encode()).digest()[:4])
            for paragraph in BLANK.split(python_docs.DRAWN.sub("", docstring)):
                text = " ".join(paragraph.split())
                if len(WORD.findall(text)) >= FEWEST_WORDS and novelty.is_new(text):
                    yield digest, text, label
