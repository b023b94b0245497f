"""A file that changes between its fingerprint and its reading trains nothing and is not kept under a wrong name."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from asking import ask

from genai_hf import data, encoding, fingerprints, tokenization
from genai_hf.data import files
from genai_hf.errors import DataError

SAID = "changed while it was read; wait until it is written, then repeat the command"
CAME = "came while others were read; wait until all are there, then repeat the command"


def grow(file: Path) -> None:
    file.write_bytes(file.read_bytes() * 2)


def shrink(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def rewrite(file: Path) -> None:
    """Other bytes, as many."""
    time.sleep(0.02)  # or the clock of the file system would not have gone on
    file.write_bytes(file.read_bytes().replace(b"fine", b"good"))


def replace(file: Path) -> None:
    """Another file in its place, as long and as old."""
    other, then = file.with_suffix(".new"), file.stat()
    other.write_bytes(file.read_bytes().replace(b"fine", b"good"))
    os.utime(other, ns=(then.st_atime_ns, then.st_mtime_ns))
    other.replace(file)


def disguise(file: Path) -> None:
    """Other bytes in the same file, as many and as old."""
    then = file.stat()
    rewrite(file)
    os.utime(file, ns=(then.st_atime_ns, then.st_mtime_ns))


CHANGES = [grow, shrink, rewrite, replace, disguise]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the files lie, the cache and the runs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GENAI_HF_ROOT", "outputs")
    monkeypatch.setenv("GENAI_HF_CACHE", "cache")
    return tmp_path


def kept(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and path.suffix not in {".txt", ".jsonl", ".new"}]


@pytest.fixture
def novel() -> Path:
    file = Path("novel.txt")
    file.write_text("a fine line of text\n" * 200)
    return file


def after(function: Callable[..., Any], change: Callable[[Path], object], file: Path) -> Callable[..., Any]:
    """The function, after which the file is changed the first time."""

    def changing(*given: Any, **named: Any) -> Any:
        result = function(*given, **named)
        if waiting:
            waiting.pop()(file)
        return result

    waiting = [change]
    return changing


@pytest.mark.parametrize("change", CHANGES)
def test_a_text_that_changes_while_it_is_checked_is_refused(change, novel, folder, monkeypatch):
    monkeypatch.setattr(files, "fingerprint", after(files.fingerprint, change, novel))
    with pytest.raises(DataError, match=f"novel.txt: {SAID}"):
        data.documents(format="text", path="novel.txt", document="line")
    assert kept(folder) == []


@pytest.mark.parametrize("limit", [None, 50])
@pytest.mark.parametrize("change", CHANGES)
def test_a_text_that_changes_before_it_is_tokenised_is_not_kept(change, limit, novel, folder, tokenizer):
    corpus = data.documents(format="text", path="novel.txt", document="line", max_tokens=limit)
    checked = kept(folder)
    change(novel)
    with pytest.raises(DataError, match=f"novel.txt: {SAID}"):
        encoding.tokenise(corpus, tokenizer)
    with pytest.raises(DataError, match=f"novel.txt: {SAID}"):
        tokenization.load_or_train(corpus=corpus, vocab_size=300)
    assert kept(folder) == checked


def test_of_several_texts_each_must_stay(novel, tokenizer):
    corpora = [data.documents(format="text", path=path) for path in ("novel.txt", "novel.txt")]
    both = data.together(corpora[0], corpora[1:])
    grow(novel)
    with pytest.raises(DataError, match=SAID):
        encoding.tokenise(both, tokenizer)


RECIPES = {
    "bert_mlm": (["data=json", "sequence_length=16"], {"text": "a fine line of text"}),
    "glue": (["task=local", "task.labels=[no,yes]"], {"text": "a fine line", "label": "no"}),
    "instruct": (["instructions=alpaca", "sequence_length=192"], {"instruction": "write", "output": "a fine line"}),
    "t5_qa": (["pairs=questions"], {"question": "a fine line", "answers": "yes"}),
    "train_tokenizer": (["data=json", "tokenizer.vocab_size=300"], {"text": "a fine line of text"}),
}
SMALL = ["tokenizer.vocab_size=300", "tokenizer.multiple_of=1", "precision=fp32"]


@pytest.mark.parametrize("change", [grow, replace])
@pytest.mark.parametrize("recipe", RECIPES)
def test_a_run_whose_data_changes_while_it_begins_trains_nothing(recipe, change, folder, monkeypatch, capsys):
    words, row = RECIPES[recipe]
    file = Path("a.jsonl")
    rows = [{**row, next(iter(row)): f"a fine line of text {number}"} for number in range(99)]
    rows[0] |= {"label": "yes"} if "label" in row else {}
    file.write_text("".join(json.dumps(one) + "\n" for one in rows))
    monkeypatch.setattr(fingerprints, "of", after(fingerprints.of, change, file))
    answer = ask([recipe, *words, "data.path=a.jsonl", *SMALL], capsys)
    assert answer.code == 2
    assert answer.said.splitlines()[-1] == f"genai-hf {recipe}: a.jsonl: {SAID}"
    assert kept(folder / "outputs") == []


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("texts/b.txt", 2, f"texts/b.txt: {CAME}"),
        ("texts/below/b.txt", 2, f"texts/below/b.txt: {CAME}"),
        ("texts/b.png", 0, ""),
    ],
)
def test_a_text_that_comes_into_the_folder_while_it_is_read_is_named(name, code, said, folder, monkeypatch, capsys):
    Path("texts").mkdir()
    Path("texts/a.txt").write_text("".join(f"a fine line of text {number}\n\n" for number in range(99)))
    Path(name).parent.mkdir(exist_ok=True)
    monkeypatch.setattr(fingerprints, "of", after(fingerprints.of, lambda file: file.write_text("more"), Path(name)))
    words = ["train_tokenizer", "data=text", "data.path=texts", "data.document=paragraph", "tokenizer.vocab_size=300"]
    answer = ask([*words, "tokenizer.multiple_of=1"], capsys)
    assert answer.code == code, answer
    if said:
        assert answer.said.splitlines()[-1] == f"genai-hf train_tokenizer: {said}"


def test_a_file_that_the_system_cannot_read_is_refused_before_a_run_has_a_folder(folder, monkeypatch, capsys):
    unreadable = Path("/proc/self/mem")  # whoever asks: nothing lies at its beginning
    if not unreadable.is_file():
        pytest.skip("this system has no file that nobody can read")
    answer = ask(["bert_mlm", "data=text", f"data.path={unreadable}"], capsys)
    assert (answer.code, answer.said) == (
        2,
        f"genai-hf bert_mlm: {unreadable}: cannot be read (Input/output error); allow it, or leave the file out",
    )
    assert [*folder.iterdir()] == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_is_not_allowed_is_refused_before_a_run_has_a_folder(novel, folder, capsys):
    novel.chmod(0)
    answer = ask(["bert_mlm", "data=text", f"data.path={novel}"], capsys)
    assert (answer.code, answer.said) == (
        2,
        "genai-hf bert_mlm: novel.txt: cannot be read (Permission denied); allow it, or leave the file out",
    )
    assert [*folder.iterdir()] == [folder / "novel.txt"]
