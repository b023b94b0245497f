"""A corpus: documents in a fixed order, and what determines them."""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from genai_hf.data import files, hub, python_docs, readers
from genai_hf.data.cache import cache_folder, remembered
from genai_hf.data.problems import Problems
from genai_hf.data.progress import slow_work
from genai_hf.places import Stamp, require_unchanged, stamps

RULES = 1  # raise it when the same bytes give other documents

# What each format understands beside the settings of all; the values are those that mean "not set".
UNSET = {"path": None, "column": "text", "document": "file", "scope": "standard_library", "name": None, "config": None,
         "split": "train", "revision": None}  # fmt: skip
TAKES = {
    "python_docs": {"scope"},
    "text": {"path", "document"},
    "csv": {"path", "column"},
    "json": {"path", "column"},
    "parquet": {"path", "column"},
    "hub": {"name", "config", "split", "revision", "column"},
}

Source = tuple[str, str, Callable[[], Iterator[str]], dict[str, int]]  # the first fields of a Corpus


@dataclass(frozen=True)
class Corpus:
    """Documents, which can be read any number of times.

    Attributes:
        name: For reports and folders.
        fingerprint: SHA-256, in hex, of everything that determines the documents and their order.
        read: Gives the documents, in the same order each time.
        notes: What is known of them, such as the number of `documents` or of duplicates that were left out.
        validation_share: Share of the documents to hold out, in (0, 1).
        max_tokens: Stop reading there; None reads everything.
        stamps: Of its files, older than the fingerprint: what is kept under it must have been read of the same ones.
    """

    name: str
    fingerprint: str
    read: Callable[[], Iterator[str]]
    notes: Mapping[str, int]
    validation_share: float = 0.05
    max_tokens: int | None = None
    stamps: Mapping[Path, Stamp] = field(default_factory=dict)


def together(corpus: Corpus, others: Sequence[Corpus]) -> Corpus:
    """The documents of several corpora, the others first, so that a tokenizer knows the letters of all."""
    if not others:
        return corpus
    several = (*others, corpus)  # the last may be too long to be read to its end
    fingerprint = hashlib.sha256("".join(one.fingerprint for one in several).encode()).hexdigest()
    name, read = "+".join(one.name for one in several), partial(_one_after_the_other, several)
    seen = {file: stamp for one in several for file, stamp in one.stamps.items()}
    return replace(corpus, name=name, fingerprint=fingerprint, read=read, stamps=seen)


def _one_after_the_other(several: Sequence[Corpus]) -> Iterator[str]:
    for one in several:
        yield from one.read()


def documents(
    *,
    format: Literal["python_docs", "text", "csv", "json", "parquet", "hub"],
    path: str | None = None,
    column: str = "text",
    document: Literal["file", "paragraph", "line"] = "file",
    scope: Literal["standard_library", "environment"] = "standard_library",
    name: str | None = None,
    config: str | None = None,
    split: str = "train",
    revision: str | None = None,
    max_documents: int | None = None,
    validation_share: float = 0.05,
    max_tokens: int | None = None,
) -> Corpus:
    """Find and check the documents of a corpus, without tokenising them.

    Args:
        format: What is read: ``python_docs`` (see `genai_hf.data.python_docs`), files, or a data set of the Hub.
        path: A file, a glob or a folder (with all below it); csv, json and text may be gzipped.
        column: Column or key of the text, for csv, json, parquet and hub.
        document: What a document of a text file is; paragraphs stand between blank lines.
        scope: Of python_docs.
        name: Data set on the Hub, ``owner/name``.
        config: Its configuration, if it has several.
        split: Its split.
        revision: Its branch, tag or commit; None is the newest.
        max_documents: Read so many at most, at least 1; None reads all.
        validation_share: Share of the documents to hold out, in (0, 1).
        max_tokens: Stop reading there, at least 1; None reads everything.

    Raises:
        DataError: Files are missing or wrong; the message has a line a problem.
        ValueError: A range is wrong, or a setting does not go with `format`.
    """
    given = {"path": path, "column": column, "document": document, "scope": scope}
    given |= {"name": name, "config": config, "split": split, "revision": revision}
    _refuse_idle(format, given)
    _refuse_ranges(validation_share, max_documents=max_documents, max_tokens=max_tokens)
    seen = dict[Path, Stamp]()
    if format == "python_docs":
        source = _python_docs(scope, max_documents)
    elif format == "hub":
        commit = hub.commit(_needed("name", name), revision)
        source = _hub(hub.HubText(str(name), config, split, commit, column), max_documents)
    else:
        found = files.find(_needed("path", path), format)
        reader = readers.reader(format, column=column, document=document)
        settings = {"format": format, "column": column, "document": document, "max_documents": max_documents}
        seen = stamps(found)
        source = _files(found, partial(_read, found, reader, max_documents), settings, seen)
    return Corpus(*source, validation_share=validation_share, max_tokens=max_tokens, stamps=seen)


def _refuse_idle(format: str, given: Mapping[str, str | None]) -> None:
    """A setting that does nothing is a mistake: the one who set it expects something of it."""
    for key, value in given.items():
        if value != UNSET[key] and key not in TAKES[format]:
            takers = " or ".join(f"data={name}" for name, keys in TAKES.items() if key in keys)
            raise ValueError(f"{key}={value} does nothing with format={format}; it goes with {takers}")


def _refuse_ranges(validation_share: float, **limits: int | None) -> None:
    if not 0 < validation_share < 1:
        raise ValueError(f"validation_share must lie between 0 and 1, got {validation_share}")
    for key, limit in limits.items():
        if limit is not None and limit < 1:
            raise ValueError(f"{key} must be at least 1, or null for no limit, got {limit}")


def _needed(key: str, value: str | None) -> str:
    if not value:
        raise ValueError(f"{key} must be given: data.{key}=…")
    return value


def _python_docs(scope: python_docs.Scope, max_documents: int | None) -> Source:
    texts, notes = python_docs.load(scope)
    texts = texts[:max_documents]
    digest = hashlib.sha256()
    for text in texts:
        digest.update(hashlib.sha256(text.encode()).digest())
    return python_docs.name(scope), digest.hexdigest(), partial(iter, texts), {"documents": len(texts), **notes}


def _hub(text: hub.HubText, max_documents: int | None) -> Source:
    fingerprint = hashlib.sha256(f"{RULES} {text} {max_documents}".encode()).hexdigest()
    return text.name, fingerprint, lambda: islice(text, max_documents), {}


def _files(
    found: Sequence[Path],
    read: Callable[[], Iterator[str]],
    settings: Mapping[str, Any],
    seen: Mapping[Path, Stamp],
) -> Source:
    fingerprint = files.fingerprint(found, rules=RULES, **settings)
    # Files that were good once are good: the same bytes are not checked again.
    notes = remembered(cache_folder() / "checked" / f"{fingerprint}.json", lambda: _count(read(), seen))
    name = found[0].name.partition(".")[0] if len(found) == 1 else Path(os.path.commonpath(found)).name
    return name or "files", fingerprint, read, {"files": len(found), **notes}


def _read(found: Sequence[Path], reader: readers.Reader, max_documents: int | None) -> Iterator[str]:
    problems = Problems()
    yield from islice(readers.read(found, reader, problems), max_documents)
    problems.raise_any()


def _count(texts: Iterable[str], seen: Mapping[Path, Stamp]) -> dict[str, int]:
    counted = dict.fromkeys(("documents", "characters"), 0)
    with slow_work("checking documents", None) as advance:
        for text in texts:
            counted["documents"] += 1
            counted["characters"] += len(text)
            advance(1)
    require_unchanged(seen)
    return counted
