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
