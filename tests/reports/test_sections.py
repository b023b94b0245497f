import json
import math
import subprocess
import sys

import pytest

from genai_hf.errors import DataError
from genai_hf.reports.sections import Figure, Table, load, save

TABLE = Table("Blanks", ["text", "guess", "probability"], [["a ___", "b", 0.5], ["c ___", None, 1]], "Before.")
FIGURE = Figure("Merges", "merges", "tokens", {"bpe": [(0.0, 9.0), (10.0, 4.0)]}, log_y=True, kind="scatter")


def test_what_was_saved_is_loaded_in_order(tmp_path):
    save(tmp_path, TABLE)
    save(tmp_path, FIGURE)
    assert load(tmp_path) == [TABLE, FIGURE]


def test_a_folder_without_sections_has_none(tmp_path):
    assert load(tmp_path) == []


def test_a_section_of_the_same_title_is_replaced_in_its_place(tmp_path):
    save(tmp_path, TABLE)
    save(tmp_path, FIGURE)
    after = Table("Blanks", ["text"], [["now"]])
    save(tmp_path, after)
    assert load(tmp_path) == [after, FIGURE]


def test_numbers_that_json_does_not_know_are_null_in_the_file_and_absent_from_a_series(tmp_path):
    save(tmp_path, Table("t", ["a", "b"], [[math.nan, math.inf]]))
    save(tmp_path, Figure("f", "x", "y", {"s": [(0.0, math.nan), (1.0, 2.0), (-math.inf, 3.0)]}))
    written = (tmp_path / "sections.json").read_text()
    assert json.loads(written, parse_constant=pytest.fail)[0]["rows"] == [[None, None]]
    assert load(tmp_path)[0] == Table("t", ["a", "b"], [[None, None]])
    assert load(tmp_path)[1].series == {"s": [(1.0, 2.0)]}


def test_saving_leaves_no_other_file(tmp_path):
    save(tmp_path, TABLE)
    save(tmp_path, TABLE)
    assert [path.name for path in tmp_path.iterdir()] == ["sections.json"]


def test_the_folder_is_made_where_there_is_none(tmp_path):
    save(tmp_path / "new" / "run", TABLE)
    assert load(tmp_path / "new" / "run") == [TABLE]


def test_a_row_of_another_length_is_refused():
    with pytest.raises(ValueError, match="table 'T': row 1 has 1 cells, there are 2 columns"):
        Table("T", ["a", "b"], [[1, 2], [3]])


@pytest.mark.parametrize(
    "damaged",
    ["{", "{}", "[1]", '[{"title": "t"}]', '[{"title": "t", "section": "table", "columns": ["a"], "rows": [1]}]'],
)
def test_a_damaged_file_is_named_in_one_line(tmp_path, damaged):
    (tmp_path / "sections.json").write_text(damaged)
    with pytest.raises(DataError, match=r"sections\.json: .*; delete it") as caught:
        load(tmp_path)
    assert "\n" not in str(caught.value)


def test_importing_sections_imports_nothing_heavy():
    heavy = "{'torch', 'transformers', 'numpy', 'matplotlib', 'jinja2'}"
    code = f"import sys, genai_hf.reports.sections; print({heavy} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"
