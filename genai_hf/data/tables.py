"""CSV, tab-separated, JSON and Parquet files as rows of named columns, one at a time, whatever the size of the file."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from genai_hf.data.files import ending, lines
from genai_hf.data.json_rows import json_rows
from genai_hf.data.problems import Problems, column_fault, shown

LARGEST = 2**30  # characters of one field; the csv module's own limit of 131,072 is less than a novel
PARQUET_ROWS = 256  # rows decoded at a time

Row = tuple[int, dict[str, Any]]  # its number in the file, from 1, and its columns


@dataclass(frozen=True)
class Columns:
    """Which columns are wanted of a file, and by what names it may know them.

    Args:
        texts: Those that hold text.
        others: Those that hold anything.
        optional: Those of `others` that a file may lack.
        aliases: A file's own name for a column, to the wanted one; the last that is there goes before the wanted one.
        header: Names of the columns of a file whose first line has as many fields and does not name them.
        remedy: What to do where one is missing, after a semicolon.
        quotes: Whether a field of a .tsv file that begins with a quotation mark ends with one and may hold tabs, line
            ends and doubled marks between, as in a .csv file and as pandas writes it; in GLUE's own files a quotation
            mark is a letter like any other.
        seen: Gathers the names that files have.
    """

    texts: Sequence[str]
    others: Sequence[str] = ()
    optional: Sequence[str] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    header: Sequence[str] | None = None
    remedy: str = "name another: data.column=…"
    quotes: bool = True
    seen: set[str] = field(default_factory=set)

    def find(self, names: Sequence[str]) -> tuple[dict[str, str], str | None]:
        """The file's name of each wanted column that is there, and what is wrong if one is not."""
        self.seen.update(names)
        found = {}
        for column in (*self.texts, *self.others):
            other = [name for name, wanted in self.aliases.items() if wanted == column and name in names]
            known = other[-1] if other else column
            wrong = column_fault(known, names, self.remedy)
            if wrong is None:
                found[column] = known
            elif column not in self.optional or known in names:
                return {}, wrong
        return found, None


def rows(file: Path, columns: Columns, problems: Problems) -> Iterator[Row]:
    """The rows of a file, with the wanted columns that it has; what is wrong goes into problems."""
    kind = ending(file)
    if kind in {".csv", ".tsv"}:
        return _separated(file, columns, problems, tabs=kind == ".tsv")
    if kind == ".parquet":
        return _parquet(file, columns, problems)
    return _json(file, columns, problems)


def _separated(file: Path, columns: Columns, problems: Problems, *, tabs: bool) -> Iterator[Row]:
    numbered = _records(file, problems, tabs=tabs) if columns.quotes or not tabs else _tsv_lines(file, problems)
    number, first = next(numbered, (1, []))
    if not first:
        return
    found, wrong = columns.find(first)
    header = first
    if wrong and columns.header and len(columns.header) == len(first):
        header = list(columns.header)
        found, wrong = columns.find(header)
    if wrong:
        problems.add(file, number, _joined(first, tabs=tabs) or wrong)
        return
    places = {column: header.index(name) for column, name in found.items()}
    quote = "a tab too many or too few, or a line that is broken" if tabs else "quote fields with commas"
    for row, values in numbered if header is first else chain([(number, first)], numbered):
        if len(values) != len(header):
            problems.add(file, row, f"{_count(len(values))} where the header has {len(header)}; {quote}")
        else:
            yield row, {column: values[place] for column, place in places.items()}


def _joined(header: Sequence[str], *, tabs: bool) -> str | None:
    """What is wrong with a header of one field that holds another separator."""
    mark = next((mark for mark in (",;|" if tabs else ";\t|") if mark in header[0]), None) if len(header) == 1 else None
    remedy = "set tabs, or let its name end in .csv" if tabs else "set commas, or tabs and let its name end in .tsv"
    return None if mark is None else f"has {mark!r} between its columns; {remedy}"


def _count(fields: int) -> str:
    return f"{fields} field{'' if fields == 1 else 's'}"


def _tsv_lines(file: Path, problems: Problems) -> Iterator[tuple[int, list[str]]]:
    """Lines that are not blank, cut at tabs; a quotation mark is a letter like any other, as in GLUE's own files."""
    noted = problems.count
    for number, line in lines(file, problems):
        if line.strip(" \r\n") and (number == 1 or problems.count == noted):
            yield number, line.rstrip("\n").split("\t")
        noted = problems.count


def _records(file: Path, problems: Problems, *, tabs: bool) -> Iterator[tuple[int, list[str]]]:
    """Rows that are not blank, by the rules of CSV, each with the number of its first line."""
    csv.field_size_limit(LARGEST)
    numbered = csv.reader((line for _, line in lines(file, problems)), strict=True, delimiter="\t" if tabs else ",")
    while True:
        first, noted = numbered.line_num + 1, problems.count
        try:
            values = next(numbered)
        except StopIteration:
            return
        except csv.Error as error:
            said = str(error).replace("'\t'", "a tab")
            wrong = f"quotes do not match ({said}); close them, and double those inside a field"
            if "new-line character" in str(error):
                wrong = "has a carriage return that ends no line; end lines with a newline, or quote the field"
            problems.add(file, first, wrong)
            continue
        is_blank = not values or (tabs and len(values) == 1 and not values[0].strip(" "))
        if not is_blank and (first == 1 or problems.count == noted):
            yield first, values


def _json(file: Path, columns: Columns, problems: Problems) -> Iterator[Row]:
    example = (*columns.texts, *columns.others)[0]
    known: dict[tuple[str, ...], tuple[dict[str, str], str | None]] = {}
    for number, row in json_rows(file, problems):
        if not isinstance(row, Mapping):
            if number == 1 and isinstance(row, list) and row and isinstance(row[0], Mapping):
                problems.add(file, None, "is one JSON array; let its name end in .json, or write an object a line")
                return
            problems.add(file, number, f'{shown(row)} where an object {{"{example}": …}} is expected; write one')
            continue
        keys = tuple(row)
        if keys not in known:
            known[keys] = columns.find(keys)
        found, wrong = known[keys]
        if wrong:
            problems.add(file, number, wrong)
        else:
            yield number, {column: row[name] for column, name in found.items()}


def _parquet(file: Path, columns: Columns, problems: Problems) -> Iterator[Row]:
    import pyarrow
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(file) as table:
            found, wrong = columns.find(table.schema_arrow.names)
            wrong = wrong or _not_text(table.schema_arrow, [found[column] for column in columns.texts])
            if wrong:
                problems.add(file, None, wrong)
                return
            number = 0
            for batch in table.iter_batches(batch_size=PARQUET_ROWS, columns=list(found.values())):
                values = {column: _values(batch.column(name)) for column, name in found.items()}
                for row in range(batch.num_rows):
                    number += 1
                    yield number, {column: column_values[row] for column, column_values in values.items()}
    except (pyarrow.ArrowException, OSError) as error:
        problems.add(file, None, f"is no Parquet file, or damaged ({str(error).splitlines()[0]}); write it again")


def _not_text(schema: Any, names: Sequence[str]) -> str | None:
    for name in names:
        if not _is_text(schema.field(name).type):
            return f"column '{name}' holds {schema.field(name).type}; write it as strings"
    return None


def _is_text(kind: Any) -> bool:
    """Whether a column is of text, which pandas may have stored as categories."""
    import pyarrow

    types, kind = pyarrow.types, kind.value_type if pyarrow.types.is_dictionary(kind) else kind
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def _values(column: Any) -> list[Any]:
    """A column's values; a byte of text that is not UTF-8 becomes half a character, which no text may hold."""
    import pyarrow

    if not _is_text(column.type):
        return list(column.to_pylist())
    column = column.dictionary_decode() if pyarrow.types.is_dictionary(column.type) else column
    raw = column.cast(pyarrow.large_binary()).to_pylist()
    return [None if value is None else value.decode(errors="surrogateescape") for value in raw]
