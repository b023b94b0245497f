import gc
import re
import sys

import pytest

from genai_hf import data
from genai_hf.data import python_docs

SOURCE = b'''# -*- coding: latin-1 -*-
"""Module.

    Indented \xe9.
"""
x = "no docstring"
class A:
    "A class.  \\w"
    def f(self):
        """First."""
        def inner():
            """Inner."""
        """no docstring"""
if x:
    async def g(): "Async."
else:
    try: pass
    except OSError:
        def h():
            """Handler \\ud800."""
match x:
    case 1:
        def i():
            """Case."""
lambda: """no docstring"""
def j(): f"""no docstring"""
'''


def test_docstrings_come_cleaned_in_order_of_appearance():
    expected = ["Module.\n\nIndented é.", "A class.  \\w", "First.", "Inner.", "Async.", "Handler ?.", "Case."]
    assert list(python_docs.docstrings(SOURCE)) == expected


@pytest.mark.parametrize("source", [b"def (", b"\xff", b"x = 1\0"])
def test_what_is_no_python_is_refused(source):
    with pytest.raises((SyntaxError, ValueError)):
        list(python_docs.docstrings(source))


def test_an_endless_chain_of_branches_is_read():
    chain = "if x: pass\n" + "elif x: pass\n" * 900 + "else:\n def f(): 'Deep.'\n"
    assert list(python_docs.docstrings(chain.encode())) == ["Deep."]


def test_sources_are_the_modules_that_every_install_has():
    sources = python_docs.sources("standard_library")
    assert list(sources) == sorted(sources)
    assert {"argparse.py", "json/decoder.py", "email/mime/text.py", "unittest/case.py"} <= sources.keys()
    left_out = re.compile(
        r"(^|/)(test|tests|idle_test|site-packages|tkinter|idlelib|turtle\.py|distutils|lib2to3)(/|$)"
    )
    assert not [path for path in sources if left_out.search(path)]


def test_the_environment_adds_installed_packages():
    sources = python_docs.sources("environment")
    assert {"argparse.py", "numpy/linalg/_linalg.py", "omegaconf/dictconfig.py"} <= sources.keys()


def test_documents_are_topics_then_files_without_duplicates_and_titles(tmp_path, monkeypatch):
    twenty = " ".join(f"word{number}" for number in range(20))
    monkeypatch.setattr(python_docs, "topics", {"b": f"{twenty} of b\n", "a": twenty, "c": "Only a few words\n"})
    first = f'"""{twenty.upper()} of b."""\ndef f():\n    """{twenty[::-1]}"""\ndef g():\n    """New."""\n'
    (tmp_path / "first.py").write_text(first)
    (tmp_path / "second.py").write_text(f'"""Title."""\ndef f():\n    """{twenty[::-1]}"""\n')
    (tmp_path / "third.py").write_text("def (")
    (tmp_path / "fourth.py").write_text("")
    files = {name: tmp_path / f"{name}.py" for name in ("first", "second", "third", "fourth")}
    monkeypatch.setattr(python_docs, "sources", lambda scope: files)
    documents, notes = python_docs.load("standard_library")
    # Of the topics b holds a; of the docstrings the first is b's, and one stands twice.
    assert documents == [f"{twenty} of b", f"{twenty[::-1]}\n\nNew."]
    assert notes == {"exact_duplicates": 1, "near_duplicates": 2, "short": 2, "unreadable": 1}


@pytest.fixture(scope="module")
def corpora(tmp_path_factory):
    """The standard library's text twice and its first three documents, and how often it was made for that."""
    made = []
    make = python_docs._make
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENAI_HF_CACHE", str(tmp_path_factory.mktemp("docs")))
        patch.setattr(python_docs, "_make", lambda files: made.append(1) or make(files))
        return [data.documents(format="python_docs", max_documents=most) for most in (None, None, 3)], len(made)


def test_the_standard_library_is_read_once_and_gives_the_same_corpus(corpora):
    (first, second, _), made = corpora
    assert made == 1
    assert first.fingerprint == second.fingerprint
    assert first.name == "python_docs-{}.{}".format(*sys.version_info)
    texts = list(first.read())
    assert texts == list(first.read()) == list(second.read())
    assert len(texts) == first.notes["documents"] > 300
    assert 1_000_000 < sum(map(len, texts)) < 4_000_000
    assert any(text.startswith("Command-line parsing library") for text in texts)  # argparse
    assert first.notes["exact_duplicates"] > 100 < first.notes["near_duplicates"]


def test_fewer_documents_are_another_corpus(corpora):
    (whole, _, few), _ = corpora
    assert list(few.read()) == list(whole.read())[:3]
    assert few.fingerprint != whole.fingerprint
    assert few.notes["documents"] == 3


def test_reading_leaves_the_garbage_collector_as_it_was(tmp_path):
    (tmp_path / "a.py").write_text("def (")
    python_docs._make({"a.py": tmp_path / "a.py"})
    assert gc.isenabled()


def test_drawn_lines_go_and_written_ones_stay():
    text = "Table\n=====\n+---+----+\n| x | y  |\n+---+----+\n>>> import io\n---- a ----\n(...) rest\n...\n*****"
    assert python_docs.DRAWN.sub("", text) == "Table\n| x | y  |\n>>> import io\n---- a ----\n(...) rest\n"
