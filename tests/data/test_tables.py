import gzip
import json
from dataclasses import replace

import pandas
import pyarrow
import pytest
from pyarrow import parquet

from genai_hf.data import tables
from genai_hf.data.files import NO_UTF8
from genai_hf.data.problems import Problems
from genai_hf.data.tables import Columns
from genai_hf.errors import DataError

PAIR = Columns(
    texts=["a", "b"], others=["label"], optional=["label"], aliases={"one": "a", "1st": "a"}, remedy="see it"
)


def write(folder, ending, content):
    file = folder / f"f{ending}"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


def read(file, columns=PAIR):
    """The rows of a file, and the lines of what is wrong with it."""
    problems = Problems()
    rows = list(tables.rows(file, columns, problems))
    try:
        problems.raise_any()
    except DataError as error:
        return rows, str(error).replace(f"{file}:", "f:").splitlines()
    return rows, []


def test_a_quotation_mark_in_a_tsv_file_of_glue_is_a_letter(tmp_path):
    content = 'a\tb\n"open\tand "so\n""\t"\nx\ry\t\u2028z\x85\x0b\x0c\n'
    assert read(write(tmp_path, ".tsv", content), replace(PAIR, quotes=False))[0] == [
        (2, {"a": '"open', "b": 'and "so'}),
        (3, {"a": '""', "b": '"'}),
        (4, {"a": "x\ry", "b": "\u2028z\x85\x0b\x0c"}),
    ]


def test_any_other_tsv_file_has_the_quotation_marks_of_csv_as_pandas_writes_them(tmp_path):
    rows = [{"a": 'a\ttab and a "mark"', "b": "two\nlines"}, {"a": "it is 5'11\" tall", "b": '""'}]
    content = 'a\tb\n"a\ttab and a ""mark"""\t"two\nlines"\n"it is 5\'11"" tall"\t""""""\n'
    assert pandas.DataFrame(rows).to_csv(sep="\t", index=False) == content
    assert read(write(tmp_path, ".tsv", content)) == ([(2, rows[0]), (4, rows[1])], [])
    assert read(write(tmp_path, ".tsv", 'a\tb\nsaid "so"\tx\n')) == ([(2, {"a": 'said "so"', "b": "x"})], [])


def test_a_tsv_file_may_have_windows_line_ends_a_mark_blank_lines_and_be_packed(tmp_path):
    content = b"\xef\xbb\xbfa\tb\r\n\r\nx\ty\r\n \r\nz\tw"
    expected = [(3, {"a": "x", "b": "y"}), (5, {"a": "z", "b": "w"})]
    assert read(write(tmp_path, ".tsv", content)) == (expected, [])
    assert read(write(tmp_path, ".tsv.gz", gzip.compress(content))) == (expected, [])
    assert read(write(tmp_path, ".TSV", content)) == (expected, [])


def test_a_row_of_empty_fields_is_a_row(tmp_path):
    empty = {"a": "", "b": ""}
    assert read(write(tmp_path, ".tsv", "a\tb\n\t\n"))[0] == [(2, empty)]
    assert read(write(tmp_path, ".csv", "a,b\n,\n"))[0] == [(2, empty)]


def test_only_a_newline_ends_a_line_of_a_tsv_file(tmp_path):
    text = "x\u2028y\x85\x0b\x0c"
    assert read(write(tmp_path, ".tsv", f"a\tb\n{text}\tw\n"))[0] == [(2, {"a": text, "b": "w"})]


@pytest.mark.parametrize(
    ("header", "row", "taken"),
    [
        ("a\tb", "x\ty", {"a": "x", "b": "y"}),
        ("b\ta", "x\ty", {"a": "y", "b": "x"}),
        ("one\tb", "x\ty", {"a": "x", "b": "y"}),
        ("a\tone\tb", "x\ty\tz", {"a": "y", "b": "z"}),  # who says that one is a means it, whatever else is there
        ("1st\tone\tb", "x\ty\tz", {"a": "x", "b": "z"}),  # the last alias that is there
        ("a\tb\tlabel\tmore", "x\ty\t0\tz", {"a": "x", "b": "y", "label": "0"}),
    ],
)
def test_columns_are_found_by_name_and_alias(tmp_path, header, row, taken):
    assert read(write(tmp_path, ".tsv", f"{header}\n{row}\n")) == ([(2, taken)], [])


def test_a_file_without_a_header_is_read_by_the_columns_that_are_said_of_it(tmp_path):
    columns = Columns(texts=["b"], others=["label"], header=["id", "label", "b"])
    assert read(write(tmp_path, ".tsv", "7\t1\tx\n8\t0\ty\n"), columns) == (
        [(1, {"b": "x", "label": "1"}), (2, {"b": "y", "label": "0"})],
        [],
    )
    assert read(write(tmp_path, ".tsv", "b\tlabel\nx\t1\n"), columns) == ([(2, {"b": "x", "label": "1"})], [])
    assert read(write(tmp_path, ".tsv", "text\tlabel\nx\t1\n"), columns) == (
        [],
        ["f:1: no column 'b' among text, label; name another: data.column=…"],
    )


TSV_FAULTS = [
    ("", [], []),
    ("a\tb\n", [], []),
    ("a\tc\nx\ty\n", [], ["f:1: no column 'b' among a, c; see it"]),
    ("a\tb\tb\nx\ty\tz\n", [], ["f:1: 2 columns 'b' among a, b, b; see it"]),
    ("a\tb\tone\tone\nx\ty\tz\tz\n", [], ["f:1: 2 columns 'one' among a, b, one, one; see it"]),
    ("a\tb\tlabel\tlabel\nx\ty\t0\t1\n", [], ["f:1: 2 columns 'label' among a, b, label, label; see it"]),
    ("a\tb\nx\ty\tz\nx\nx\ty\n", [4],
     ["f:2: 3 fields where the header has 2; a tab too many or too few, or a line that is broken",
      "f:3: 1 field where the header has 2; a tab too many or too few, or a line that is broken"]),
    ('a\tb\n"Well" he said\ty\nx\ty\n"open\ty\n', [3],
     ["f:2: quotes do not match (a tab expected after '\"'); close them, and double those inside a field",
      "f:4: quotes do not match (unexpected end of data); close them, and double those inside a field"]),
    (b"a\tb\ncaf\xe9\ty\nx\0\ty\nx\ty\n", [4],
     [f"f:2: is not UTF-8 (byte 0xe9 at 4); {NO_UTF8}",
      "f:3: holds a NUL byte; save the file as UTF-8 text"]),
    ("a\tb\nx\ty\n".encode("utf-16"), [], ["f: is UTF-16; save it as UTF-8 (iconv -f UTF-16 -t UTF-8)"]),
]  # fmt: skip


@pytest.mark.parametrize(("content", "good", "expected"), TSV_FAULTS)
def test_a_bad_tsv_file_is_named_with_row_and_remedy(tmp_path, content, good, expected):
    rows, problems = read(write(tmp_path, ".tsv", content))
    assert ([number for number, _ in rows], problems) == (good, expected)


@pytest.mark.parametrize(
    ("ending", "content"),
    [
        (".csv", b'a,b\nx,y\ncaf\xe9,y\n"x\n\xe9",y\nx,"y\nz"\n'),
        (
            ".jsonl",
            b'\n{"a": "x", "b": "y"}\n{"a": "caf\xe9", "b": "y"}\n{"a": "x\0", "b": ""}\n{"a": "x", "b": "y\\nz"}\n',
        ),
    ],
)
def test_a_row_with_a_damaged_line_is_not_given_and_its_neighbours_are(tmp_path, ending, content):
    rows, problems = read(write(tmp_path, ending, content))
    assert rows == [(2, {"a": "x", "b": "y"}), (rows[-1][0], {"a": "x", "b": "y\nz"})]
    assert len(problems) == 2


def test_a_json_array_with_a_damaged_line_is_not_given(tmp_path):
    content = b'[{"a": "x", "b": "y"},\n{"a": "caf\xe9", "b": "y"}]'
    rows, problems = read(write(tmp_path, ".json", content))
    assert (rows, len(problems)) == ([], 1)


def test_a_consumers_own_problem_costs_no_row(tmp_path):
    problems, file = Problems(), write(tmp_path, ".tsv", "a\tb\nx\ty\nz\tw\n")
    numbers = []
    for number, _ in tables.rows(file, PAIR, problems):
        numbers.append(number)
        problems.add(file, number, "is disliked; like it")
    assert (numbers, problems.count) == ([2, 3], 2)


def test_rows_of_json_may_each_have_or_lack_what_is_optional(tmp_path):
    rows = [{"a": "x", "b": "y", "label": 1}, {"b": "y", "a": "x", "more": {}}, {"one": "x", "b": "y", "label": None}]
    found, problems = read(write(tmp_path, ".jsonl", "\n".join(map(json.dumps, rows))))
    assert found == [
        (1, {"a": "x", "b": "y", "label": 1}),
        (2, {"a": "x", "b": "y"}),
        (3, {"a": "x", "b": "y", "label": None}),
    ]
    assert problems == []


def test_parquet_gives_every_kind_of_label_as_python_has_it(tmp_path):
    kinds = [[1, 0], [1.5, None], [True, False], ["x", "y"], [["x"], []]]
    for values in [*map(pyarrow.array, kinds), pyarrow.array(["x", "y"]).dictionary_encode()]:
        table = pyarrow.table(
            {"a": ["p", "q"], "b": pyarrow.array(["r", "s"], pyarrow.large_string()), "label": values}
        )
        parquet.write_table(table, tmp_path / "f.parquet")
        assert [row["label"] for _, row in read(tmp_path / "f.parquet")[0]] == values.to_pylist()


@pytest.mark.parametrize(
    "kind", [pyarrow.string_view(), pyarrow.large_string(), pyarrow.dictionary(pyarrow.int32(), pyarrow.string())]
)
def test_parquet_text_is_text_however_it_is_stored_such_as_by_categories(tmp_path, kind):
    texts = pyarrow.array(["x", "y", None, "x"]).cast(kind)
    parquet.write_table(pyarrow.table({"a": texts, "b": ["p", "q", "r", "s"]}), tmp_path / "f.parquet")
    assert [row["a"] for _, row in read(tmp_path / "f.parquet")[0]] == ["x", "y", None, "x"]


def test_parquet_text_of_another_type_is_refused_by_its_name_in_the_file(tmp_path):
    parquet.write_table(pyarrow.table({"one": [1], "b": ["y"]}), tmp_path / "f.parquet")
    assert read(tmp_path / "f.parquet") == ([], ["f: column 'one' holds int64; write it as strings"])
