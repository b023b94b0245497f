import gzip
import inspect

import pytest

from genai_hf import data, recipe_files
from genai_hf.data import corpus, readers
from genai_hf.errors import DataError
from genai_hf.settings import composing, schema


@pytest.fixture
def novels(tmp_path, monkeypatch):
    monkeypatch.setenv("GENAI_HF_CACHE", str(tmp_path / "cache"))
    file = tmp_path / "novels.jsonl.gz"
    file.write_bytes(gzip.compress(b'{"text": "\\ufeffCall me.", "id": "a"}\n{"text": "It was.", "id": "b"}\n'))
    return file


def test_files_become_a_corpus(novels):
    read = data.documents(format="json", path=str(novels), validation_share=0.5, max_tokens=100)
    assert (read.name, read.validation_share, read.max_tokens) == ("novels", 0.5, 100)
    assert list(read.read()) == list(read.read()) == ["Call me.", "It was."]
    assert read.notes == {"files": 1, "documents": 2, "characters": 15}


def test_several_files_are_named_after_their_folder(novels):
    for name in ("a", "b"):
        (novels.parent / f"{name}.txt").write_text(name)
    assert data.documents(format="text", path=f"{novels.parent}/*.txt").name == novels.parent.name


def test_a_moved_file_is_the_same_corpus_and_other_settings_are_another(novels):
    prints = [data.documents(format="json", path=str(novels)).fingerprint]
    moved = novels.rename(novels.parent / "moved.jsonl.gz")
    prints.append(data.documents(format="json", path=str(moved)).fingerprint)
    for settings in ({"column": "id"}, {"max_documents": 1}):
        prints.append(data.documents(format="json", path=str(moved), **settings).fingerprint)
    moved.write_bytes(moved.read_bytes() + gzip.compress(b'{"text": "More."}\n'))
    prints.append(data.documents(format="json", path=str(moved)).fingerprint)
    assert prints[0] == prints[1]
    assert len(set(prints)) == 4


def test_good_files_are_not_checked_twice(novels, monkeypatch):
    first = data.documents(format="json", path=str(novels))
    monkeypatch.setattr(readers, "read", None)
    assert data.documents(format="json", path=str(novels)).notes == first.notes


def test_bad_files_are_refused_each_time_and_at_once(novels):
    novels.write_bytes(gzip.compress(b'{"text": ""}\n'))
    for _ in range(2):
        with pytest.raises(DataError) as caught:
            data.documents(format="json", path=str(novels))
        assert str(caught.value) == f"{novels}:1: 'text' is empty; leave the row out"


def test_a_file_that_went_bad_after_its_check_is_refused_while_reading(novels):
    read = data.documents(format="json", path=str(novels))
    novels.write_bytes(gzip.compress(b'{"text": "fine"}\n{"text": 3}\n'))
    with pytest.raises(DataError, match=":2: 'text' is 3; write it as a string"):
        list(read.read())


def test_what_is_beyond_max_documents_is_not_looked_at(novels):
    novels.write_bytes(gzip.compress(b'{"text": "fine"}\n{"text": 3}\n'))
    assert list(data.documents(format="json", path=str(novels), max_documents=1).read()) == ["fine"]


IDLE = [
    ({"format": "python_docs", "path": "a.txt"},
     "path=a.txt does nothing with format=python_docs; "
     "it goes with data=text or data=csv or data=json or data=parquet"),
    ({"format": "text", "path": "a.txt", "column": "body"},
     "column=body does nothing with format=text; it goes with data=csv or data=json or data=parquet or data=hub"),
    ({"format": "csv", "path": "a.csv", "document": "line"},
     "document=line does nothing with format=csv; it goes with data=text"),
    ({"format": "json", "path": "a.json", "split": "test"},
     "split=test does nothing with format=json; it goes with data=hub"),
    ({"format": "hub", "name": "me/novels", "scope": "environment"},
     "scope=environment does nothing with format=hub; it goes with data=python_docs"),
    ({"format": "hub"}, "name must be given: data.name=…"),
    ({"format": "parquet"}, "path must be given: data.path=…"),
    ({"format": "text", "path": ""}, "path must be given: data.path=…"),
    ({"format": "python_docs", "max_documents": 0}, "max_documents must be at least 1, or null for no limit, got 0"),
    ({"format": "python_docs", "max_tokens": -1}, "max_tokens must be at least 1, or null for no limit, got -1"),
    ({"format": "python_docs", "validation_share": 1.0}, "validation_share must lie between 0 and 1, got 1.0"),
    ({"format": "python_docs", "validation_share": 0}, "validation_share must lie between 0 and 1, got 0"),
]  # fmt: skip


@pytest.mark.parametrize(("settings", "message"), IDLE)
def test_settings_that_do_nothing_or_lie_outside_their_range_are_refused(settings, message):
    with pytest.raises(ValueError, match=r"must|does nothing") as caught:
        data.documents(**settings)
    assert str(caught.value) == message


def test_every_option_of_the_group_has_the_settings_of_its_format():
    recipe, taken = recipe_files.find("bert_mlm"), set(schema.fields("genai_hf.data.documents"))
    everywhere = {"format", "max_documents", "validation_share", "max_tokens"}
    for name, keys in corpus.TAKES.items():
        overrides = [f"data={name}", *(f"data.{key}=x" for key in ("path", "name") if key in keys)]
        settings = composing.compose(recipe, overrides).data
        assert settings.format == name
        assert set(settings) == keys | everywhere <= taken
        for key in settings:
            if key not in {"path", "name", "format"} and (name, key) != ("hub", "max_tokens"):
                assert settings[key] == inspect.signature(data.documents).parameters[key].default
