"""Files of text to train on that are wrong: text, CSV, JSON and Parquet."""

import gzip
import io
from collections.abc import Sequence
from typing import Any

import pyarrow
from asking import Case
from pyarrow import parquet

UTF8 = "save the file as UTF-8 (iconv -f CP1252 -t UTF-8 if it is Windows' or Latin-1)"
ANOTHER = "name another: data.column=…"
QUOTES = "close them, and double those inside a field"
NO_BYTE = "holds a NUL byte; save the file as UTF-8 text"
LINE, ARRAY = "write one object a line", "write one array, or one object a line"
PARQUET = "is no Parquet file, or damaged"
# What no reader of pyarrow's would make: "a" and a letter of Latin-1 in a column of text.
LATIN1 = pyarrow.StringArray.from_buffers(
    2, pyarrow.array([0, 1, 2], "int32").buffers()[1], pyarrow.py_buffer(b"a\xe9")
)
GOOD = '{"text": "fine"}\n'


def text(cause: str, content: str | bytes, said: str, *, name: str = "a.txt", document: str = "line") -> Case:
    """A text file that is refused."""
    words = ["gpt_lm", "data=text", f"data.path={name}", f"data.document={document}"]
    return Case(cause=cause, words=words, said=said, files={name: content})


def table(cause: str, content: str | bytes, said: str, *, name: str = "a.csv") -> Case:
    """A file of rows with a column `text` that is refused."""
    kind = {"jsonl": "json"}.get(name.split(".")[1], name.split(".")[1])
    words = ["bert_mlm", f"data={kind}", f"data.path={name}"]
    return Case(cause=cause, words=words, said=said, files={name: content})


def json(cause: str, content: str | bytes, said: str, *, name: str = "a.jsonl") -> Case:
    """The same of JSON."""
    return table(cause, content, said, name=name)


def packed(cause: str, said: str, *, cut: int | None = None, **columns: Any) -> Case:
    """The same of Parquet, of which only the first bytes are there."""
    stream = io.BytesIO()
    parquet.write_table(pyarrow.table(columns), stream)
    return table(cause, stream.getvalue()[:cut], said, name="a.parquet")


TEXT: Sequence[Case] = [
    text("A text file is empty", "", "a.txt: holds no text; fill it, or leave it out"),
    text("A text file has blank lines alone", "\n \n\t\r\n", "a.txt: holds no text; fill it, or leave it out"),
    text("A text file is in Latin-1", b"fine\ncaf\xe9\n", f"a.txt:2: is not UTF-8 (byte 0xe9 at 4); {UTF8}"),
    text("A text file is in Windows' letters", b"\x93fine\x94\n", f"a.txt:1: is not UTF-8 (byte 0x93 at 1); {UTF8}"),
    text("A text file breaks off inside a letter", b"fine\xe2\x82", f"a.txt:1: is not UTF-8 (byte 0xe2 at 5); {UTF8}"),
    text("A text file is in UTF-16", "fine\n".encode("utf-16"),
         "a.txt: is UTF-16; save it as UTF-8 (iconv -f UTF-16 -t UTF-8)"),
    text("A text file is in UTF-16 and does not say so", "fine".encode("utf-16-be"), f"a.txt:1: {NO_BYTE}"),
    text("A text file is in UTF-32", "fine\n".encode("utf-32"),
         "a.txt: is UTF-32; save it as UTF-8 (iconv -f UTF-32 -t UTF-8)"),
    text("A text file holds a NUL byte", b"fine\n" * 9 + b"a\0b\n", f"a.txt:10: {NO_BYTE}", document="file"),
    text("A picture is named as text", b"\x89PNG\r\n\x1a\n\0",
         f"a.png:1: is not UTF-8 (byte 0x89 at 1); {UTF8}\na.png:3: {NO_BYTE}", name="a.png"),
    text("A gzipped file is not called .gz", gzip.compress(b"fine\n"), "a.txt: is gzipped; let its name end in .gz"),
    text("A workbook is called .txt", b"PK\3\4\n",
         "a.txt: is a zip archive or a workbook; unpack it, or save it as text"),
    text("A file called .gz is not gzipped", b"fine\n",
         "a.txt.gz: is damaged or cut short (Not a gzipped file (b'fi')); compress or copy it again", name="a.txt.gz"),
    text("A gzipped file is cut short", gzip.compress(b"fine\n" * 99)[:-9],
         "a.txt.gz: is damaged or cut short (Compressed file ended before the end-of-stream marker was reached); "
         "compress or copy it again", name="a.txt.gz"),
]  # fmt: skip

CSV: Sequence[Case] = [
    table("A CSV file is empty", "", "a.csv: holds no text; fill it, or leave it out"),
    table("A CSV file is a header alone", "text\n", "a.csv: holds no text; fill it, or leave it out"),
    table("The column of the text is not there", "body,id\nfine,1\n",
         f"a.csv:1: no column 'text' among body, id; {ANOTHER}"),
    table("The column of the text is spelt otherwise", "Text,id\nfine,1\n",
         f"a.csv:1: no column 'text' among Text, id; did you mean 'Text'? {ANOTHER}"),
    table("Two columns have the name of the text", "text,text\na,b\n",
         f"a.csv:1: 2 columns 'text' among text, text; {ANOTHER}"),
    table("Semicolons stand between the columns", "text;id\nfine;1\n",
         "a.csv:1: has ';' between its columns; set commas, or tabs and let its name end in .tsv"),
    table("Tabs stand between the columns of a CSV file", "text\tid\nfine\t1\n",
         "a.csv:1: has '\\t' between its columns; set commas, or tabs and let its name end in .tsv"),
    table("A cell is empty", "id,text\n1,fine\n2,\n", "a.csv:3: 'text' is empty; leave the row out"),
    table("A cell holds spaces alone", "id,text\n1,  \n", "a.csv:2: 'text' is empty; leave the row out"),
    table("A quotation mark is not closed", 'text\nfine\n"open\nfine\n',
         f"a.csv:3: quotes do not match (unexpected end of data); {QUOTES}"),
    table("A quotation mark stands inside a quoted field", 'text\n"a "b" c"\nfine\n',
         f"""a.csv:2: quotes do not match (',' expected after '"'); {QUOTES}"""),
    table("A comma too many", "text,id\nfine,1\none, two,2\n",
         "a.csv:3: 3 fields where the header has 2; quote fields with commas"),
    table("The last line of a CSV file breaks off", "id,text\n1,fine\n2",
         "a.csv:3: 1 field where the header has 2; quote fields with commas"),
    table("One line in the middle is in Latin-1", b"text\nfine\ncaf\xe9\nfine\n",
         f"a.csv:3: is not UTF-8 (byte 0xe9 at 4); {UTF8}"),
    table("A CSV file is in UTF-16", "text\nfine\n".encode("utf-16"),
         "a.csv: is UTF-16; save it as UTF-8 (iconv -f UTF-16 -t UTF-8)"),
    table("A cell holds a NUL byte", b"text\nfine\na\0b\n", f"a.csv:3: {NO_BYTE}"),
    table("Lines end in carriage returns alone", "text\rfine\rfine\r",
         "a.csv:1: has a carriage return that ends no line; end lines with a newline, or quote the field"),
    table("A gzipped CSV file is empty", gzip.compress(b""), "a.csv.gz: holds no text; fill it, or leave it out",
         name="a.csv.gz"),
    table("Several rows are wrong, each in another way", 'id,text\n1,\n2,a,b\n3,fine\n4," "\n',
         "a.csv:2: 'text' is empty; leave the row out\na.csv:3: 3 fields where the header has 2; quote fields with "
         "commas\na.csv:5: 'text' is empty; leave the row out"),
    table("More than twenty rows are wrong", "id,text\n" + "1,\n" * 31,
         "\n".join([*(f"a.csv:{row}: 'text' is empty; leave the row out" for row in range(2, 22)), "… and 11 more"])),
]  # fmt: skip

JSON: Sequence[Case] = [
    json("A JSON file is empty", "", "a.jsonl: holds no text; fill it, or leave it out"),
    json("An object lacks the text", GOOD + '{"body": "fine"}\n', f"a.jsonl:2: no column 'text' among body; {ANOTHER}"),
    json("A text is null", GOOD + '{"text": null}\n', "a.jsonl:2: 'text' is null; leave the row out"),
    json("A text is empty", '{"text": ""}\n', "a.jsonl:1: 'text' is empty; leave the row out"),
    json("A text is a number", '{"text": 3}\n', "a.jsonl:1: 'text' is 3; write it as a string"),
    json("A text is NaN", '{"text": NaN}\n', "a.jsonl:1: 'text' is nan; write it as a string"),
    json("A text is a list", '{"text": ["fine"]}\n', "a.jsonl:1: 'text' is ['fine']; write it as a string"),
    json("A text holds a NUL character", '{"text": "a\\u0000b"}\n',
         "a.jsonl:1: 'text' holds a NUL character; take it out"),
    json("A text holds half a character", '{"text": "\\ud800"}\n',
         "a.jsonl:1: 'text' holds half a character (a lone surrogate); write it as UTF-8"),
    json("An object has a key twice", '{"text": "one", "text": "two"}\n',
         f"a.jsonl:1: not JSON (an object has the key 'text' twice); {LINE}"),
    json("One line in the middle is no JSON", GOOD + '{"text": "fine"\n' + GOOD,
         f"a.jsonl:2: not JSON (Expecting ',' delimiter at character 16); {LINE}"),
    json("The last line of a JSON file breaks off", GOOD + '{"text": "fi',
         f"a.jsonl:2: not JSON (Unterminated string starting at at character 10); {LINE}"),
    json("A line is a list", '["fine"]\n',
         """a.jsonl:1: ['fine'] where an object {"text": …} is expected; write one"""),
    json("Lines are nested without end", "[" * 100_000 + "\n",
         "a.jsonl:1: not JSON (maximum recursion depth exceeded…"),
    json("A JSON array breaks off", '[{"text": "fine"},\n{"text"',
         f"a.json:2: not JSON (Expecting ':' delimiter); {ARRAY}", name="a.json"),
    json("A row of a JSON array has no text", '[{"text": "fine"}, {"text": null}]',
         "a.json:2: 'text' is null; leave the row out", name="a.json"),
    json("The rows of a JSON file lie under a key", '{"data": [{"text": "fine"}]}',
         f"a.json:1: no column 'text' among data; {ANOTHER}", name="a.json"),
]  # fmt: skip

PARQUETS: Sequence[Case] = [
    packed("A Parquet file lacks the column of the text", f"a.parquet: no column 'text' among body; {ANOTHER}",
         body=["fine"]),
    packed("A Parquet file has no row", "a.parquet: holds no text; fill it, or leave it out",
         text=pyarrow.array([], pyarrow.string())),
    packed("A text of a Parquet file is null", "a.parquet:2: 'text' is null; leave the row out", text=["fine", None]),
    packed("The texts of a Parquet file are numbers", "a.parquet: column 'text' holds int64; write it as strings",
         text=[1, 2]),
    packed("The texts of a Parquet file are lists",
         "a.parquet: column 'text' holds list<element: string>; write it as strings", text=[["fine"]]),
    packed("A text of a Parquet file is not UTF-8",
         "a.parquet:2: 'text' holds half a character (a lone surrogate); write it as UTF-8",
         text=LATIN1),
    packed("A Parquet file is cut short", f"a.parquet: {PARQUET} (Parquet magic bytes not found in footer…", cut=-20,
         text=["fine"]),
    table("A CSV file is called .parquet", "text\nfine\n",
         f"a.parquet: {PARQUET} (Parquet magic bytes not found in footer…", name="a.parquet"),
    table("A Parquet file is empty", "", f"a.parquet: {PARQUET} (Parquet file size is 0 bytes); write it again",
         name="a.parquet"),
]  # fmt: skip

CASES: Sequence[Case] = [*TEXT, *CSV, *JSON, *PARQUETS]
