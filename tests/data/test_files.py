import gzip
import hashlib

import pytest

from genai_hf.data import files
from genai_hf.errors import DataError


@pytest.fixture
def folder(tmp_path):
    for name in ("b.txt", "a.jsonl", "sub/c.JSONL.gz", "sub/d.csv", ".hidden/e.jsonl", "f.parquet", "g.tokens"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


def found(folder, path, kind):
    return [str(file.relative_to(folder)) for file in files.find(str(folder / path), kind)]


@pytest.mark.parametrize(
    ("path", "kind", "names"),
    [
        ("", "json", ["a.jsonl", "sub/c.JSONL.gz"]),
        ("sub", "csv", ["sub/d.csv"]),
        ("**/*.jsonl", "json", ["a.jsonl"]),
        ("*/*.[cC]*", "csv", ["sub/d.csv"]),
        ("g.tokens", "text", ["g.tokens"]),
        ("f.parquet", "parquet", ["f.parquet"]),
    ],
)
def test_a_path_stands_for_a_file_a_glob_or_a_folder(folder, path, kind, names):
    if path == "*/*.[cC]*":
        (folder / "sub/c.JSONL.gz").unlink()
    assert found(folder, path, kind) == names


def test_a_file_whose_name_looks_like_a_glob_is_found(tmp_path):
    (tmp_path / "a[1].txt").write_text("x")
    assert found(tmp_path, "a[1].txt", "text") == ["a[1].txt"]


@pytest.mark.parametrize(
    ("path", "kind", "message"),
    [
        ("a.json", "json", "{0}/a.json: no such file; {0}/ holds a.jsonl, b.txt, f.parquet, g.tokens, sub/"),
        ("no/where.csv", "csv", "{0}/no/where.csv: no such file; {0}/ holds a.jsonl, b.txt, f.parquet, g.tokens, sub/"),
        ("sub/*.txt", "text", "{0}/sub/*.txt: no file matches; {0}/sub/ holds c.JSONL.gz, d.csv"),
        ("sub", "text", "{0}/sub: no .txt (also .gz) file in this folder; {0}/sub/ holds c.JSONL.gz, d.csv"),
        ("b.txt", "csv", "{0}/b.txt: data=csv reads .csv (also .gz); read it with data=text"),
        ("f.parquet", "text", "{0}/f.parquet: data=text reads .txt (also .gz); read it with data=parquet"),
        (
            "g.tokens",
            "json",
            "{0}/g.tokens: data=json reads .json or .jsonl or .ndjson (also .gz); rename it, or convert it",
        ),
    ],
)
def test_what_is_not_there_is_refused_with_what_is(folder, path, kind, message):
    with pytest.raises(DataError) as caught:
        files.find(str(folder / path), kind)
    assert str(caught.value) == message.format(folder)


def test_a_path_that_the_system_refuses_is_said_in_one_line():
    with pytest.raises(DataError) as caught:
        files.find("x" * 300 + ".txt", "text")
    assert str(caught.value) == "x" * 300 + ".txt: cannot be read (File name too long); allow it, or name another"


def test_what_lies_in_a_hidden_folder_or_in_that_of_a_run_is_left_out(tmp_path):
    for name in ("a.txt", "below/b.txt", ".git/c.txt", "outputs/run/command.txt", "outputs/run/model/d.txt", ".e.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("a text")
    (tmp_path / "outputs" / "run" / "fingerprint.json").write_text("{}")
    assert [file.name for file in files.find(str(tmp_path), "text")] == ["a.txt", "b.txt"]


def test_a_full_folder_is_not_listed_whole(tmp_path):
    for number in range(9):
        (tmp_path / f"{number}.csv").touch()
    with pytest.raises(DataError) as caught:
        files.find(str(tmp_path), "text")
    assert str(caught.value).endswith("/ holds 0.csv, 1.csv, 2.csv, 3.csv, 4.csv and 4 more")


def test_the_fingerprint_is_of_bytes_and_settings_not_of_names(tmp_path):
    for name, content in (("a.txt", b"one"), ("b.txt", b"two"), ("c.txt", b"one")):
        (tmp_path / name).write_bytes(content)
    a, b, c = (tmp_path / name for name in ("a.txt", "b.txt", "c.txt"))
    by_hand = hashlib.sha256(
        b"[('column', 'text')]" + hashlib.sha256(b"one").digest() + hashlib.sha256(b"two").digest()
    )
    assert files.fingerprint([a, b], column="text") == by_hand.hexdigest()
    assert files.fingerprint([c, b], column="text") == by_hand.hexdigest()
    assert files.fingerprint([b, a], column="text") != by_hand.hexdigest()
    assert files.fingerprint([a, b], column="body") != by_hand.hexdigest()


@pytest.mark.parametrize("name", ["a.txt", "a.txt.gz"])
def test_lines_lose_their_byte_order_mark_and_carriage_returns(tmp_path, name):
    content = b"\xef\xbb\xbfone\r\n\r\ntw\xc3\xb6"
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    problems = files.Problems()
    assert list(files.lines(tmp_path / name, problems)) == [(1, "one\n"), (2, "\n"), (3, "twö")]
    assert problems.count == 0
