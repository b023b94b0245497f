"""Text, CSV, JSON and Parquet files as documents, one at a time, whatever the size of the file."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Literal

from genai_hf.data import tables
from genai_hf.data.files import lines
from genai_hf.data.problems import Problems, clean, fault

Document = Literal["file", "paragraph", "line"]
Reader = Callable[[Path, Problems], Iterator[str]]


def reader(kind: str, *, column: str, document: Document) -> Reader:
    """How files of one `kind` are read: the good documents are given, what is wrong goes into the problems.

    Args:
        kind: ``text``, ``csv``, ``json`` or ``parquet``.
        column: Where the text stands in a row; unused for ``text``.
        document: What a document is in a text file; unused for the others.
    """
    return partial(_read_text, document=document) if kind == "text" else partial(_read_table, column=column)


def read(files: Sequence[Path], reader: Reader, problems: Problems) -> Iterator[str]:
    """Documents of all files in order; a file without any is a problem."""
    for file in files:
        before, number = problems.count, 0
        for number, text in enumerate(reader(file, problems), 1):  # noqa: B007 - it counts
            yield text
        if number == 0 and problems.count == before:
            problems.add(file, None, "holds no text; fill it, or leave it out")


def _read_text(file: Path, problems: Problems, *, document: Document) -> Iterator[str]:
    if document == "file" and file.stat().st_size > tables.LARGEST:
        problems.add(file, None, "is too large for one document; cut it with data.document=paragraph (or line)")
        return
    rows = (line for _, line in lines(file, problems))
    if document == "line":
        texts: Iterable[str] = rows
    elif document == "paragraph":
        texts = ("".join(group) for blank, group in groupby(rows, str.isspace) if not blank)
    else:
        texts = ["".join(rows)]
    yield from (clean(text).rstrip("\n") for text in texts if fault(text) is None)


def _read_table(file: Path, problems: Problems, *, column: str) -> Iterator[str]:
    for number, row in tables.rows(file, tables.Columns(texts=[column]), problems):
        wrong = fault(row[column])
        if wrong is None:
            yield clean(str(row[column]))
        else:
            problems.add(file, number, f"'{column}' {wrong}")
