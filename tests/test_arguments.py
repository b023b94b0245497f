"""The words after a recipe's name."""

from genai_hf.arguments import quoted


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
