"""Where a task's files are looked for, and what is said where one is not there."""

from pathlib import Path

import pytest
from omegaconf import OmegaConf

from genai_hf.errors import ConfigError, DataError
from genai_hf.settings import task_files

CONF = Path(__file__).parents[2] / "conf" / "task"
TRAINED = ("train", "dev")


def task(name, **changed):
    node = OmegaConf.to_container(OmegaConf.load(CONF / f"{name}.yaml"))
    node = node.get("task", node)  # of a file whose keys are everybody's
    if node.pop("defaults", None):
        node["diagnostic"] = OmegaConf.to_container(OmegaConf.load(CONF / "ax.yaml"))
    return node | changed


def touch(folder, *paths):
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).touch()


def found(name, folder, path=".", files=None, **changed):
    """Files by split, by their paths below the folder."""
    data = {"path": None if path is None else str(folder / path), "files": files}
    splits = task_files.find(task(name, **changed), data)
    return {split: [str(file.relative_to(folder)) for file in files] for split, files in splits.items()}


def message(kind, name, data, **changed):
    with pytest.raises(kind) as caught:
        task_files.find(task(name, **changed), data)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("path", [".", "RTE"])
def test_glues_own_folder_may_be_named_or_the_tasks_in_it(tmp_path, path):
    touch(tmp_path, "RTE/train.tsv", "RTE/dev.tsv", "RTE/test.tsv", "WNLI/train.tsv")
    expected = {"train": ["RTE/train.tsv"], "validation": ["RTE/dev.tsv"], "test": ["RTE/test.tsv"]}
    assert found("rte", tmp_path, path) == expected


@pytest.mark.parametrize("path", [".", "MNLI"])
@pytest.mark.parametrize(
    ("there", "taken"),
    [
        (["diagnostic/diagnostic.tsv"], "diagnostic/diagnostic.tsv"),
        (["diagnostic/diagnostic.tsv", "diagnostic/diagnostic-full.tsv"], "diagnostic/diagnostic-full.tsv"),
        (["diagnostic/test.jsonl"], "diagnostic/test.jsonl"),
        ([], None),
    ],
)
def test_mnli_has_two_sets_of_each_and_the_diagnostic_one_beside_it(tmp_path, path, there, taken):
    names = {"train": "train", "validation_matched": "dev_matched", "validation_mismatched": "dev_mismatched"}
    names |= {"test_matched": "test_matched", "test_mismatched": "test_mismatched"}
    touch(tmp_path, *(f"MNLI/{name}.tsv" for name in names.values()), *there)
    expected = {split: [f"MNLI/{name}.tsv"] for split, name in names.items()}
    assert found("mnli", tmp_path, path) == expected | ({"diagnostic": [taken]} if taken else {})


@pytest.mark.parametrize("ending", [f"{kind}{packed}" for kind in task_files.KINDS for packed in ("", ".gz")])
def test_a_folder_has_a_file_of_any_kind_for_each_split(tmp_path, ending):
    touch(tmp_path, f"train{ending}", f"validation{ending}", f"test{ending}", "README.md")
    assert found("local", tmp_path) == {split: [f"{split}{ending}"] for split in ("train", "validation", "test")}


def test_splits_may_be_of_different_kinds_and_only_training_is_needed_for_a_task_of_ones_own(tmp_path):
    touch(tmp_path, "train.csv", "dev.jsonl.gz")
    assert found("local", tmp_path) == {"train": ["train.csv"], "validation": ["dev.jsonl.gz"]}
    assert found("local", tmp_path, "train.csv") == {"train": ["train.csv"]}


@pytest.mark.parametrize("name", ["dev", "validation", "valid", "val"])
def test_the_file_to_validate_on_has_its_usual_names(tmp_path, name):
    touch(tmp_path, "train.csv", f"{name}.csv", "values.csv")
    assert found("local", tmp_path) == {"train": ["train.csv"], "validation": [f"{name}.csv"]}


def test_of_two_files_for_one_split_one_is_named(tmp_path):
    touch(tmp_path, "train.csv", "dev.csv", "valid.csv")
    files = {"validation": str(tmp_path / "valid.csv")}
    assert found("local", tmp_path, files=files) == {"train": ["train.csv"], "validation": ["valid.csv"]}


def test_shards_come_in_their_order(tmp_path):
    shards = [f"train-{number:05}-of-00011.parquet" for number in range(11)]
    touch(tmp_path, *shards, "test-00000-of-00001.parquet", "validation_matched-00000-of-00001.parquet")
    assert found("local", tmp_path) == {"train": shards, "test": ["test-00000-of-00001.parquet"]}


@pytest.mark.parametrize(
    ("there", "says"),
    [
        (["train-00001-of-00002.parquet"], 2),
        (["train-00000-of-00003.parquet", "train-00001-of-00003.parquet"], 3),
        (["train-00000-of-00001.parquet", "train-00000-of-00002.parquet", "train-00001-of-00002.parquet"], 1),
    ],
)
def test_training_does_not_begin_on_a_part_of_the_shards(tmp_path, there, says):
    touch(tmp_path, *there)
    assert message(DataError, "local", {"path": str(tmp_path)}) == (
        f"{tmp_path}/{there[0]}: its name says {says} files, {len(there)} are there; bring or remove the others"
    )


def test_single_files_go_before_those_of_the_folder(tmp_path):
    touch(tmp_path, "train.csv", "validation.csv", "more/mine.jsonl", "more/exam.tsv")
    files = {"validation": str(tmp_path / "more/mine.jsonl"), "test": str(tmp_path / "more/exam.tsv"), "train": None}
    expected = {"train": ["train.csv"], "validation": ["more/mine.jsonl"], "test": ["more/exam.tsv"]}
    assert found("local", tmp_path, files=files) == expected
    assert found("local", tmp_path, "train.csv", files=files) == expected


def test_single_files_are_enough(tmp_path):
    touch(tmp_path, "a.jsonl", "b.jsonl")
    files = {"train": str(tmp_path / "a.jsonl"), "validation": str(tmp_path / "b.jsonl")}
    assert found("rte", tmp_path, None, files) == {"train": ["a.jsonl"], "validation": ["b.jsonl"]}


def test_a_path_may_be_of_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    touch(tmp_path, "mine/train.csv", "glue/RTE/train.tsv")
    assert task_files.find(task("local"), {"path": "~/mine"}) == {"train": [tmp_path / "mine" / "train.csv"]}
    said = message(DataError, "rte", {"path": "~/glue"})
    assert f"{tmp_path}/glue/RTE holds none; {tmp_path}/glue/RTE/ holds train.tsv; " in said


def test_without_files_a_task_comes_from_the_hub_or_brings_its_own_text():
    assert task_files.find(task("rte"), {"path": None, "files": {"train": None}}) is None
    assert task_files.find(task("python_docs"), {}) is None
    assert task_files.find(task("local", hub={"name": "me/mine"}), {}) is None


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("local", {}, "'data.path' must be given for task=local: a file, or a folder with its files"),
        ("local", {"files": {"test": "f.csv"}},
         "'data.path' must be given for task=local: a file, or a folder with its files"),
        ("rte", {"files": {"test": "f.csv"}},
         "'data.files.test': the others would come from the Hub; name data.files.train too"),
        ("rte", {"files": {"test_matched": "f.csv"}},
         "'data.files.test_matched': rte has train, validation, test; name one of them"),
        ("mnli", {"files": {"validation": "f.csv"}},
         "'data.files.validation': mnli has train, validation_matched, validation_mismatched, test_matched, "
         "test_mismatched, diagnostic; name one of them"),
        ("python_docs", {"path": "f.csv"},
         "'data.path': task=python_docs brings its own text; name your task: task=local"),
        ("python_docs", {"files": {"train": "f.csv"}},
         "'data.path': task=python_docs brings its own text; name your task: task=local"),
        ("rte", {"files": {"train": 3}}, "'data.files.train' must be a path, got 3; name a file"),
        ("rte", {"files": {"train": ["f.csv"]}}, "'data.files.train' must be a path, got ['f.csv']; name a file"),
        ("rte", {"path": 3}, "'data.path' must be a path, got 3; name a file"),
        ("ax", {"path": "f.csv"}, "'task': ax has no training set; task=mnli answers it"),
    ],
)  # fmt: skip
def test_a_setting_that_does_not_suit_the_task_is_refused(tmp_path, monkeypatch, name, data, expected):
    monkeypatch.chdir(tmp_path)
    touch(tmp_path, "f.csv")
    assert message(ConfigError, name, data) == expected


@pytest.mark.parametrize(
    ("name", "there", "path", "expected"),
    [
        ("rte", ["RTE/train.tsv"], ".",
         "task=rte needs a file for validation (dev.tsv or validation.jsonl): ROOT/RTE holds none; "
         "ROOT/RTE/ holds train.tsv; name it: data.files.validation=…"),
        ("rte", ["train.tsv"], "train.tsv",
         "task=rte needs a file for validation (dev.tsv or validation.jsonl): ROOT/train.tsv holds none; "
         "ROOT/ holds train.tsv; name it: data.files.validation=…"),
        ("mnli", ["MNLI/train.tsv", "MNLI/dev_matched.tsv"], "MNLI",
         "task=mnli needs a file for validation_mismatched (dev_mismatched.tsv or validation_mismatched.jsonl): "
         "ROOT/MNLI holds none; ROOT/MNLI/ holds dev_matched.tsv, train.tsv; "
         "name it: data.files.validation_mismatched=…"),
        ("local", ["trian.csv", "validation.csv"], ".",
         "task=local needs a file for train (train.tsv): ROOT holds none; ROOT/ holds trian.csv, validation.csv; "
         "name it: data.files.train=…"),
        ("local", ["a.csv"], "b.csv", "ROOT/b.csv: no such file; ROOT/ holds a.csv"),
        ("local", ["a.csv", "b.csv"], "*.csv", "ROOT/*.csv: one file is needed; ROOT/ holds a.csv, b.csv"),
        ("local", ["a.txt"], "a.txt",
         "ROOT/a.txt: a task is read from .tsv, .jsonl, .ndjson, .json, .csv, .parquet (also .gz); "
         "rename it, or convert it"),
        ("local", ["a.xlsx.gz"], "a.xlsx.gz",
         "ROOT/a.xlsx.gz: a task is read from .tsv, .jsonl, .ndjson, .json, .csv, .parquet (also .gz); "
         "rename it, or convert it"),
    ],
)  # fmt: skip
def test_a_file_that_is_not_there_is_named_with_what_is(tmp_path, name, there, path, expected):
    touch(tmp_path, *there)
    said = message(DataError, name, {"path": str(tmp_path / path)})
    assert said.replace(str(tmp_path), "ROOT") == expected


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"train": "folder"}, "folder: one file is needed; folder/ holds train.csv"),
        ({"train": "f.csv", "validation": "g.csv"}, "g.csv: no such file; ./ holds f.csv, folder/"),
        ({"train": "f.csv"},
         "task=rte needs a file for validation (dev.tsv or validation.jsonl): no file of it was named; "
         "name it: data.files.validation=…"),
    ],
)  # fmt: skip
def test_a_single_file_must_be_one(tmp_path, monkeypatch, files, expected):
    monkeypatch.chdir(tmp_path)
    touch(tmp_path, "folder/train.csv", "f.csv")
    assert message(DataError, "rte", {"files": files}) == expected


def test_only_files_are_taken_for_files(tmp_path):
    (tmp_path / "train.tsv").mkdir()
    (tmp_path / "validation.csv").symlink_to(tmp_path / "gone.csv")
    touch(tmp_path, "train.csv")
    assert found("local", tmp_path) == {"train": ["train.csv"]}
