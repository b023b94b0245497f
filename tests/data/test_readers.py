import gzip
import hashlib
import json

import pyarrow
import pytest
from pyarrow import parquet

from genai_hf.data import readers, tables
from genai_hf.data.problems import Problems
from genai_hf.errors import DataError

UTF8 = "save the file as UTF-8 (iconv -f CP1252 -t UTF-8 if it is Windows' or Latin-1)"


def texts(file, *, column="text", document="file"):
    """What the file's documents are; raises what is wrong with it."""
    problems = Problems()
    kind = {".txt": "text", ".csv": "csv", ".parquet": "parquet"}.get(file.name[1:].removesuffix(".gz"), "json")
    read = list(readers.read([file], readers.reader(kind, column=column, document=document), problems))
    problems.raise_any()
    return read


def write(folder, ending, content):
    file = folder / f"f{ending}"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


def message(file, **settings):
    with pytest.raises(DataError) as caught:
        texts(file, **settings)
    return str(caught.value).replace(f"{file}:", "f:")


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ("file", ["one\n\ntwo\nthree\n \nfour"]),
        ("paragraph", ["one", "two\nthree", "four"]),
        ("line", ["one", "two", "three", "four"]),
    ],
)
def test_a_text_file_is_one_document_or_its_paragraphs_or_lines(tmp_path, document, expected):
    assert texts(write(tmp_path, ".txt", "one\n\ntwo\r\nthree\n \nfour\n"), document=document) == expected


def test_csv_text_is_taken_as_it_stands(tmp_path):
    content = '\ufeffid,text\r\n1,NA\r\n2,null\r\n3,nan\r\n4,"a, ""b""\r\nc"\r\n\r\n5, 1.0 \r\n'
    assert texts(write(tmp_path, ".csv", content)) == ["NA", "null", "nan", 'a, "b"\nc', " 1.0 "]


def test_a_novel_fits_a_csv_field(tmp_path):
    assert texts(write(tmp_path, ".csv", "text\n" + "word " * 100_000)) == ["word " * 100_000]


@pytest.mark.parametrize(
    ("ending", "content"),
    [
        (".jsonl", '\ufeff{"id": 1, "body": "\\ufeffone"}\r\n\r\n{"body": "NA"}\n'),
        (".json", '{"body": "one"}\n{"body": "NA"}'),
        (".json", ' [{"body": "one"},\n {"body": "NA"}]\n'),
        (".ndjson.gz", gzip.compress(b'{"body": "one"}\n{"body": "NA"}\n', mtime=0)),
    ],
)
def test_json_is_an_object_a_line_or_one_array(tmp_path, ending, content):
    assert texts(write(tmp_path, ending, content), column="body") == ["one", "NA"]


@pytest.mark.parametrize("kind", [pyarrow.string(), pyarrow.large_string()])
def test_parquet_text_is_taken_as_it_stands(tmp_path, kind):
    rows = [f"row {number}" for number in range(1000)]
    table = pyarrow.table({"id": range(1000), "text": pyarrow.array(rows, kind)})
    parquet.write_table(table, tmp_path / "f.parquet", row_group_size=100)
    assert texts(tmp_path / "f.parquet") == rows


TEXT_FAULTS = [
    (b"caf\xc3\xa9\ncaf\xe9\n", f"f:2: is not UTF-8 (byte 0xe9 at 4); {UTF8}"),
    (b"a\nb\0c\n", "f:2: holds a NUL byte; save the file as UTF-8 text"),
    ("one".encode("utf-16"), "f: is UTF-16; save it as UTF-8 (iconv -f UTF-16 -t UTF-8)"),
    (b"", "f: holds no text; fill it, or leave it out"),
    (b"\xef\xbb\xbf \r\n", "f: holds no text; fill it, or leave it out"),
]


@pytest.mark.parametrize(("content", "expected"), TEXT_FAULTS)
def test_a_bad_text_file_is_named_with_line_and_remedy(tmp_path, content, expected):
    assert message(write(tmp_path, ".txt", content)) == expected


CSV_FAULTS = [
    (b"", "f: holds no text; fill it, or leave it out"),
    ("text\n", "f: holds no text; fill it, or leave it out"),
    ("id,body\n1,a\n", "f:1: no column 'text' among id, body; name another: data.column=…"),
    ("text,id,text\na,1,b\n", "f:1: 2 columns 'text' among text, id, text; name another: data.column=…"),
    ("id,text\n1,a\n2,b,c\n3\n4,d\n",
     "f:3: 3 fields where the header has 2; quote fields with commas\n"
     "f:4: 1 field where the header has 2; quote fields with commas"),
    ('id,text\n1,a\n2,""\n3, \n', "f:3: 'text' is empty; leave the row out\nf:4: 'text' is empty; leave the row out"),
    ('text\na\n"b\nc\n',
     "f:3: quotes do not match (unexpected end of data); close them, and double those inside a field"),
    ('text\n"b" c\nd\n""\n',
     "f:2: quotes do not match (',' expected after '\"'); close them, and double those inside a field\n"
     "f:4: 'text' is empty; leave the row out"),
    (b"text\ncaf\xe9\nb\0\n",
     f"f:2: is not UTF-8 (byte 0xe9 at 4); {UTF8}\nf:3: holds a NUL byte; save the file as UTF-8 text"),
    ("text\na\n".encode("utf-16"), "f: is UTF-16; save it as UTF-8 (iconv -f UTF-16 -t UTF-8)"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "expected"), CSV_FAULTS)
def test_a_bad_csv_file_is_named_with_row_and_remedy(tmp_path, content, expected):
    assert message(write(tmp_path, ".csv", content)) == expected


JSONL_FAULTS = [
    (b"", "f: holds no text; fill it, or leave it out"),
    ('{"text": "a"}\n{"text": "b"\n{"text": "c"}\n',
     "f:2: not JSON (Expecting ',' delimiter at character 13); write one object a line"),
    ('{"text": "a"}\n{"body": "b", "id": 2}\n', "f:2: no column 'text' among body, id; name another: data.column=…"),
    ('{"text": null}\n{"text": 12}\n{"text": ["a"]}\n{"text": " "}\n',
     "f:1: 'text' is null; leave the row out\n"
     "f:2: 'text' is 12; write it as a string\n"
     "f:3: 'text' is ['a']; write it as a string\n"
     "f:4: 'text' is empty; leave the row out"),
    ('["a"]\n', "f:1: ['a'] where an object {\"text\": …} is expected; write one"),
    ('{"text": "a\\u0000b"}\n{"text": "\\ud800"}\n',
     "f:1: 'text' holds a NUL character; take it out\n"
     "f:2: 'text' holds half a character (a lone surrogate); write it as UTF-8"),
    (b'{"text": "caf\xe9"}\n', f"f:1: is not UTF-8 (byte 0xe9 at 14); {UTF8}"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "expected"), JSONL_FAULTS)
def test_a_bad_jsonl_file_is_named_with_row_and_remedy(tmp_path, content, expected):
    assert message(write(tmp_path, ".jsonl", content)) == expected


def test_a_json_value_nested_without_end_is_a_fault_of_the_row(tmp_path):
    file = write(tmp_path, ".jsonl", "[" * 100_000)
    assert message(file).startswith("f:1: not JSON (maximum recursion depth exceeded")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('[{"text": "a"},\n{"text": }]', "f:2: not JSON (Expecting value); write one array, or one object a line"),
        ('[{"text": "a"}, {"text": ""}, 3]',
         "f:2: 'text' is empty; leave the row out\nf:3: 3 where an object {\"text\": …} is expected; write one"),
        ("[]", "f: holds no text; fill it, or leave it out"),
    ],
)  # fmt: skip
def test_a_bad_json_array_is_named_with_line_or_element(tmp_path, content, expected):
    assert message(write(tmp_path, ".json", content)) == expected


@pytest.mark.parametrize(("ending", "row"), [(".txt.gz", "{}"), (".csv.gz", "{}"), (".jsonl.gz", '{{"text": "{}"}}')])
def test_a_cut_or_false_gzip_file_is_named_with_its_remedy(tmp_path, ending, row):
    rows = [row.format(hashlib.sha256(bytes([number])).hexdigest()) for number in range(200)]
    whole = gzip.compress("\n".join([row.format("text"), *rows] if ending != ".csv.gz" else ["text", *rows]).encode())
    cut = "Compressed file ended before the end-of-stream marker was reached"
    damaged = whole[:-8] + b"\0\0\0\0" + whole[-4:]  # its checksum
    for content, problem in [
        (whole[:-20], cut),
        (b"text", "Not a gzipped file (b'te')"),
        (damaged, "CRC check failed"),
    ]:
        said = message(write(tmp_path, ending, content))
        assert said.startswith(f"f: is damaged or cut short ({problem}")
        assert said.endswith("); compress or copy it again")


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pyarrow.array(["a", None, "", "NA"]),
         "f:2: 'text' is null; leave the row out\nf:3: 'text' is empty; leave the row out"),
        (pyarrow.array([1, 2]), "f: column 'text' holds int64; write it as strings"),
        (pyarrow.array([["a"]]), "f: column 'text' holds list<element: string>; write it as strings"),
        (pyarrow.array([b"a", b"caf\xe9"]).view(pyarrow.string()),
         "f:2: 'text' holds half a character (a lone surrogate); write it as UTF-8"),
        (pyarrow.array([], pyarrow.string()), "f: holds no text; fill it, or leave it out"),
    ],
)  # fmt: skip
def test_a_bad_parquet_file_is_named_with_row_and_remedy(tmp_path, column, expected):
    parquet.write_table(pyarrow.table({"text": column}), tmp_path / "f.parquet")
    assert message(tmp_path / "f.parquet") == expected


def test_a_parquet_file_without_the_column_or_without_an_end_is_named(tmp_path):
    parquet.write_table(pyarrow.table({"id": [1], "body": ["a"]}), tmp_path / "f.parquet")
    assert message(tmp_path / "f.parquet") == "f: no column 'text' among id, body; name another: data.column=…"
    cut = write(tmp_path, ".parquet", (tmp_path / "f.parquet").read_bytes()[:-9])
    assert message(cut).startswith("f: is no Parquet file, or damaged (Parquet magic bytes not found")


def test_twenty_problems_are_shown_and_the_others_counted(tmp_path):
    rows = [{"text": "" if number % 2 else "good"} for number in range(2500)]
    shown = message(write(tmp_path, ".jsonl", "\n".join(map(json.dumps, rows)))).splitlines()
    assert shown == [f"f:{row}: 'text' is empty; leave the row out" for row in range(2, 42, 2)] + ["… and 1,230 more"]


def test_the_problems_of_all_files_are_gathered(tmp_path):
    good, bad, empty = (tmp_path / name for name in ("a.csv", "b.csv", "c.csv"))
    good.write_text("text\nfine\n")
    bad.write_text("text\nfine,er\n")
    empty.touch()
    problems = Problems()
    reader = readers.reader("csv", column="text", document="file")
    assert list(readers.read([good, bad, empty], reader, problems)) == ["fine"]
    with pytest.raises(DataError) as caught:
        problems.raise_any()
    assert str(caught.value).splitlines() == [
        f"{bad}:2: 2 fields where the header has 1; quote fields with commas",
        f"{empty}: holds no text; fill it, or leave it out",
    ]


def test_a_text_file_too_large_for_one_document_is_refused_before_it_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "LARGEST", 10)
    file = write(tmp_path, ".txt", "twelve bytes")
    assert message(file) == "f: is too large for one document; cut it with data.document=paragraph (or line)"
    assert texts(file, document="line") == ["twelve bytes"]
