import json

import pytest

from genai_hf import data
from genai_hf.data import cache, docs_task, python_docs
from genai_hf.errors import ConfigError, DataError

LONG = "It says {} in more than eight words, each of which stands for itself."


@pytest.fixture
def library(tmp_path, monkeypatch):
    """A library of two packages and a module; the dict may be changed, which is like another Python."""
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "cache"))
    sources = {
        "alpha/__init__.py": f'"""Title.\n\n{LONG.format("alpha first")}\n\n=====\n{LONG.format("alpha second")}\n"""',
        "alpha/deep/more.py": f'def f():\n    """{LONG.format("f and what it gives to its caller, if anything")}"""',
        "beta.py": f'"""{LONG.format("nothing that alpha has not said: beta is quite another kind")}\n\nToo short."""',
        "gamma/__init__.py": "x = 1",
    }

    def read(scope):
        for path, source in sources.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(source)
        return {path: tmp_path / path for path in sources}

    monkeypatch.setattr(python_docs, "sources", read)
    return sources


def made(packages=("alpha", "beta"), share=0.5):
    sides = docs_task.splits(packages, share)
    return sorted((text, label) for texts, labels in sides.values() for text, label in zip(texts, labels, strict=True))


def test_a_paragraph_of_eight_words_is_an_example_of_its_package(library):
    assert made() == [
        ("It says alpha first in more than eight words, each of which stands for itself.", 0),
        (
            "It says f and what it gives to its caller, if anything in more than eight words, each of which stands "
            "for itself.",
            0,
        ),
        (
            "It says nothing that alpha has not said: beta is quite another kind in more than eight words, each of "
            "which stands for itself.",
            1,
        ),
    ]


def test_the_order_of_the_packages_numbers_them(library):
    assert {label for text, label in made(("beta", "alpha")) if "beta" in text} == {0}


def test_a_docstring_stays_on_one_side(library):
    first, second = ("the very first of all paragraphs", "quite other things than those before it had")
    library["alpha/__init__.py"] = f'"""First come {first}.\n\nThen come {second}."""'
    for share in (0.1, 0.3, 0.5, 0.7, 0.9):
        sides = docs_task.splits(["alpha", "beta"], share)
        of_one = [name for name, (texts, _) in sides.items() for text in texts if " come " in text]
        assert of_one in (["train", "train"], ["validation", "validation"])


def test_a_larger_share_holds_out_the_same_docstrings_and_others():
    few, more = (docs_task.splits(["email", "json"], share) for share in (0.1, 0.4))
    assert set(few["validation"][0]) < set(more["validation"][0])
    total = sum(len(texts) for texts, _ in few.values())
    assert sum(len(texts) for texts, _ in more.values()) == total
    assert 0.02 * total < len(few["validation"][0]) < 0.25 * total
    assert not set(few["train"][0]) & set(few["validation"][0])


@pytest.mark.parametrize("package", ["gamma", "delta", "alpha/deep"])
def test_a_package_without_documentation_is_named(library, package):
    with pytest.raises(DataError) as caught:
        docs_task.splits(["alpha", package], 0.5)
    assert str(caught.value) == f"task.labels: Python's library has no documented package '{package}'; leave it out"


def test_examples_are_made_once_for_the_same_sources_and_packages(library, monkeypatch):
    before = made()
    paragraphs = docs_task._paragraphs
    asked = []
    monkeypatch.setattr(docs_task, "_paragraphs", lambda *settings: asked.append(settings) or paragraphs(*settings))
    assert (made(share=0.9), asked) == (before, [])
    made(("beta", "alpha"))
    library["beta.py"] = f'"""{LONG.format("wholly new things of which nobody before has heard a word")}"""'
    assert made() != before
    assert len(asked) == 2


def test_what_the_cache_keeps_is_plain(library):
    before = made()
    (file,) = (cache.cache_folder() / "docs_task").glob("*.json")
    assert len(json.loads(file.read_text())) == 3
    assert made() == before


def settings(**changed):
    given = {"name": "python_docs", "source": "python_docs", "text": "text", "label": "label"}
    given |= {"problem": "classification", "labels": ["alpha", "beta"], "metrics": ["accuracy"], "metric": "accuracy"}
    return data.Task(**given | {"validation": ["validation"]} | changed)


def test_it_is_a_task_like_any_other(library):
    found = data.labelled(task=settings(), validation_share=0.5)
    assert found.splits.keys() == {"train", "validation"}
    assert (found.test, found.splits["train"].pairs) == ({}, None)
    assert sum(map(len, found.splits.values())) == 3


def test_it_takes_no_file(library, tmp_path):
    with pytest.raises(ConfigError) as caught:
        data.labelled(task=settings(), path=str(tmp_path))
    assert str(caught.value) == "'data.path': task=python_docs brings its own text; name your task: task=local"
