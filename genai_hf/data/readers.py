"""Text, CSV, JSON and Parquet files as documents, one at a time, whatever the size of the file."""

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any, Literal

from genai_hf.data.files import ending, lines
from genai_hf.data.problems import Problems, clean, column_fault, fault

Document = Literal["file", "paragraph", "line"]
Reader = Callable[[Path, Problems], Iterator[str]]

LARGEST = 2**30  # characters of one document; the csv module's own limit of 131,072 is less than a novel
PARQUET_ROWS = 256  # rows decoded at a time


def reader(kind: str, *, column: str, document: Document) -> Reader:
    """How files of one `kind` are read: the good documents are given, what is wrong goes into the problems.

    Args:
        kind: ``text``, ``csv``, ``json`` or ``parquet``.
        column: Where the text stands in a row; unused for ``text``.
        document: What a document is in a text file; unused for the others.
    """
    if kind == "text":
        return partial(_read_text, document=document)
    return partial({"csv": _read_csv, "json": _read_json, "parquet": _read_parquet}[kind], column=column)


def read(files: Sequence[Path], reader: Reader, problems: Problems) -> Iterator[str]:
    """Documents of all files in order; a file without any is a problem."""
    for file in files:
        before, number = problems.count, 0
        for number, text in enumerate(reader(file, problems), 1):  # noqa: B007 - it counts
            yield text
        if number == 0 and problems.count == before:
            problems.add(file, None, "holds no text; fill it, or leave it out")


def _read_text(file: Path, problems: Problems, *, document: Document) -> Iterator[str]:
    if document == "file" and file.stat().st_size > LARGEST:
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


def _read_csv(file: Path, problems: Problems, *, column: str) -> Iterator[str]:
    csv.field_size_limit(LARGEST)
    rows = _csv_rows(file, problems)
    number, header = next(rows, (1, []))
    if header and (wrong := column_fault(column, header)):
        problems.add(file, number, wrong)
        return
    place = header.index(column) if header else 0
    for row, values in rows:
        if len(values) != len(header):
            problems.add(
                file, row, f"{len(values)} fields where the header has {len(header)}; quote fields with commas"
            )
        else:
            yield from _good(file, row, column, values[place], problems)


def _csv_rows(file: Path, problems: Problems) -> Iterator[tuple[int, list[str]]]:
    """Rows that are not blank, each with the number of its first line."""
    rows = csv.reader((line for _, line in lines(file, problems)), strict=True)
    while True:
        first = rows.line_num + 1
        try:
            values = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            problems.add(file, first, f"quotes do not match ({error}); close them, and double those inside a field")
            continue
        if values:
            yield first, values


def _read_json(file: Path, problems: Problems, *, column: str) -> Iterator[str]:
    for number, row in _json_rows(file, problems):
        if not isinstance(row, Mapping):
            problems.add(file, number, f'{row!r:.40} where an object {{"{column}": …}} is expected; write one')
        elif wrong := column_fault(column, list(row)):
            problems.add(file, number, wrong)
        else:
            yield from _good(file, number, column, row[column], problems)


def _json_rows(file: Path, problems: Problems) -> Iterator[tuple[int, Any]]:
    """Numbered rows: one object a line, or, where a .json file begins with a bracket, the elements of one array."""
    numbered = ((number, line) for number, line in lines(file, problems) if line.strip())
    for number, line in numbered:
        if ending(file) == ".json" and line.lstrip().startswith("["):
            yield from _json_array(file, number, "".join([line, *(rest for _, rest in numbered)]), problems)
            return
        try:
            row = json.loads(line.strip())
        except json.JSONDecodeError as error:
            problems.add(file, number, f"not JSON ({error.msg} at character {error.colno}); write one object a line")
        except (ValueError, RecursionError) as error:
            problems.add(file, number, f"not JSON ({error}); write one object a line")
        else:
            yield number, row


def _json_array(file: Path, first: int, text: str, problems: Problems) -> Iterator[tuple[int, Any]]:
    try:
        yield from enumerate(json.loads(text), 1)
    except json.JSONDecodeError as error:
        problems.add(file, first + error.lineno - 1, f"not JSON ({error.msg}); write one array, or one object a line")
    except (ValueError, RecursionError) as error:
        problems.add(file, first, f"not JSON ({error}); write one array, or one object a line")


def _read_parquet(file: Path, problems: Problems, *, column: str) -> Iterator[str]:
    import pyarrow
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(file) as table:
            if wrong := _schema_fault(table.schema_arrow, column):
                problems.add(file, None, wrong)
                return
            number = 0
            for batch in table.iter_batches(batch_size=PARQUET_ROWS, columns=[column]):
                for value in batch.column(0).cast(pyarrow.large_binary()).to_pylist():
                    number += 1
                    yield from _good(file, number, column, _utf8(value), problems)
    except (pyarrow.ArrowException, OSError) as error:
        problems.add(file, None, f"is no Parquet file, or damaged ({str(error).splitlines()[0]}); write it again")


def _schema_fault(schema: Any, column: str) -> str | None:
    import pyarrow

    if wrong := column_fault(column, schema.names):
        return wrong
    kind = schema.field(column).type
    if not (pyarrow.types.is_string(kind) or pyarrow.types.is_large_string(kind)):
        return f"column '{column}' holds {kind}; write it as strings"
    return None


def _utf8(value: bytes | None) -> str | None:
    """Decoded; a byte that is not UTF-8 becomes half a character, which no text may hold."""
    return None if value is None else value.decode(errors="surrogateescape")


def _good(file: Path, row: int, column: str, value: object, problems: Problems) -> Iterator[str]:
    wrong = fault(value)
    if wrong is None:
        yield clean(str(value))
    else:
        problems.add(file, row, f"'{column}' {wrong}")
