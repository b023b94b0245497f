"""The words after a recipe's name."""

from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from genai_hf.arguments import in_quotes, quoted


def test_a_folder_with_hydras_letters_in_its_name_is_quoted(tmp_path):
    folder = tmp_path / "task=rte,seed=1"
    folder.mkdir()
    assert quoted(f"init_from={folder}") == f"init_from='{folder}'"
    assert quoted(f"init_from={tmp_path}") == f"init_from={tmp_path}"
    assert quoted("seed=1,2") == "seed=1,2"
    assert quoted("task.labels=[a,b]") == "task.labels=[a,b]"


def test_a_value_that_is_quoted_already_stays(tmp_path):
    (tmp_path / "a=b").mkdir()
    assert quoted(f"data.path='{tmp_path}/a=b'") == f"data.path='{tmp_path}/a=b'"


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("k=Bücher.txt", "Bücher.txt"),
        ("k=it's.txt", "it's.txt"),
        ("k=a=b.txt", "a=b.txt"),
        ("k=[Käse, b c,'x, ü']", ["Käse", "b c", "x, ü"]),
        ("k={x: Kä se, y: [ö]}", {"x": "Kä se", "y": ["ö"]}),
        ("k=~/texts", str(Path("~/texts").expanduser())),
        ("k='~/texts'", "~/texts"),
        ("k=3", 3),
        ("k=", ""),
        ("k=${seed}", "${seed}"),
        (r"k=a\=b", "a=b"),
    ],
)
def test_letters_that_hydra_reads_in_quotes_only_get_them(typed, read):
    (override,) = OverridesParser.create().parse_overrides([quoted(typed)])
    assert override.value() == read


def test_each_value_of_a_sweep_gets_its_own_quotes():
    assert quoted("k=a,ä,b=c") == "k=a,'ä','b=c'"


@pytest.mark.parametrize("value", ["it's", r"C:\x", "a\\'b", "end\\", "ä[", "", "two\nlines"])
def test_a_value_in_quotes_is_read_letter_by_letter(value):
    (override,) = OverridesParser.create().parse_overrides([f"k={in_quotes(value)}"])
    assert override.value() == value


@pytest.mark.parametrize(
    "value",
    [
        "glob(bert*,exclude=*mini)",
        "sort(b,a,reverse=true)",
        "range(1,6,step=2)",
        "shuffle(list=[1,2])",
        "tag(t,sweep=choice(1,2))",
        "int(value=3)",
        "choice('a=b',c)",
        "1,2",
        "[a,b]",
        "{a: 1, b: [x, y]}",
        "null",
        "'a b'",
        "1e-3",
    ],
)
def test_what_hydra_reads_by_itself_stays_as_it_is(value):
    assert quoted(f"k={value}") == f"k={value}"


def test_a_file_of_digits_alone_does_not_make_a_sweep_a_text(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "1,2").touch()
    assert quoted("seed=1,2") == "seed=1,2"


def test_every_path_of_a_sweep_may_begin_at_home(monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    assert quoted("data.path=~/a,~/b") == "data.path=/home/me/a,/home/me/b"
