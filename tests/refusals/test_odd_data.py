"""What is odd and right is kept as it stands; what repeats or is cut is counted and said; what changes is refused."""

import gzip
import json
from pathlib import Path

import pyarrow
import pytest
from asking import ask
from pyarrow import parquet

from genai_hf import data
from genai_hf.data import files

WORDS = ["NA", "null", "nan", "None", "N/A", "#N/A", "-100", "-1", "0", "1e5", "true", "1_000", " two  spaces ", "é"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the files lie, the cache and the runs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GENAI_HF_ROOT", "outputs")
    monkeypatch.setenv("GENAI_HF_CACHE", "cache")
    return tmp_path


def write(name: str, texts: list[str]) -> str:
    """The texts as a file of any kind."""
    if name.endswith(".parquet"):
        parquet.write_table(pyarrow.table({"text": texts}), name)
        return name
    lines = {
        ".txt": lambda: "\n".join(texts),
        ".csv": lambda: "\n".join(["id,text", *(f"{place},{text}" for place, text in enumerate(texts))]),
        ".jsonl": lambda: "\n".join(json.dumps({"text": text}) for text in texts),
    }[files.ending(Path(name))]()
    content = lines.encode() + b"\n"
    if name.startswith("windows"):
        content = b"\xef\xbb\xbf" + content.replace(b"\n", b"\r\n")
    Path(name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return name


NAMES = ["a.txt", "a.csv", "a.jsonl", "a.csv.gz", "a.parquet", "windows.txt", "windows.csv", "windows.jsonl"]


@pytest.mark.parametrize("name", NAMES)
def test_words_that_look_like_nothing_or_like_numbers_stay_text(name):
    kind = {".txt": "text", ".jsonl": "json"}.get(files.ending(Path(name)), files.ending(Path(name)).removeprefix("."))
    lines = {"document": "line"} if kind == "text" else {}
    assert list(data.documents(format=kind, path=write(name, WORDS), **lines).read()) == WORDS


def test_words_that_look_like_nothing_stay_text_beside_a_label_and_as_an_answer():
    write("a.csv", [f"{word},{number % 2}" for number, word in enumerate(WORDS)])
    Path("b.csv").write_text(Path("a.csv").read_text().replace("id,text", "id,text,label"))
    task = data.Task(name="own", text="text", label="label", problem="classification", metrics=["accuracy"],
                     metric="accuracy", validation=["validation"])  # fmt: skip
    found = data.labelled(task=task, path="b.csv").splits
    assert sorted([*found["train"].texts, *found["validation"].texts]) == sorted(WORDS)
    Path("c.csv").write_text("question,answers\n" + "".join(f"{word},{word}\n" for word in WORDS))
    pairs = data.text_pairs(path="c.csv").splits
    kept = [*zip(pairs["train"].inputs, pairs["train"].answers, strict=True)]
    kept += zip(pairs["validation"].inputs, pairs["validation"].answers, strict=True)
    assert sorted(kept) == sorted((word, [word.strip()]) for word in WORDS)


SMALL = ["tokenizer.vocab_size=300", "tokenizer.multiple_of=1", "trainer.use_cpu=true", "precision=fp32"]
LONG = "a text of so many words that nothing of what the end says is seen by who reads a few alone"


def said(words: list[str], capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What `inspect` says beside the examples."""
    answer = ask(["inspect", *words, *SMALL, "--n", "1"], capsys)
    assert answer.code == 0, answer
    return answer.said.splitlines()


def test_documents_that_repeat_others_are_counted_and_kept(capsys):
    write("a.csv", [f"this is text number {number % 40}" for number in range(48)])
    words = ["gpt_lm", "data=csv", "data.path=a.csv", "sequence_length=16"]
    for _ in range(2):  # the second time it comes from the cache
        assert said(words, capsys) == ["a: 8 of 48 documents repeat an earlier one"]


def test_labelled_rows_that_repeat_others_contradict_them_or_are_cut_are_counted(capsys):
    rows = [f"text {number % 20},{'no' if number % 20 < 10 else 'yes'}" for number in range(30)]
    train = "\n".join(["text,label", *rows, "text 0,yes", f"{LONG},no"])
    Path("train.csv").write_text(train)
    Path("validation.csv").write_text("text,label\ntext one,no\ntext two,yes\n")
    words = ["task=local", "data.path=.", "sequence_length=12"]
    expected = [
        "train: 11 of 32 rows repeat an earlier one, 1 of them with another label; "
        "1 of 32 rows (3.1%) are cut to 12 tokens"
    ]
    assert said(["glue", *words], capsys) == expected
    assert said(["gpt_extract", *words, "sequence_length=12"], capsys) == expected


def test_a_label_of_a_single_row_is_named(capsys):
    Path("a.csv").write_text("text,label\n" + "one,no\ntwo,yes\nthree,no\nfour,yes\n" * 2 + "five,NA\nsix,ye\n")
    assert said(["glue", "task=local", "data.path=a.csv"], capsys)[0] == "a.csv: labels of a single row: NA, ye"


def test_labels_that_differ_in_capitals_alone_are_named(capsys):
    rows = [f"text {n},{('pos', 'Pos', 'neg')[n % 3]}" for n in range(30)]
    Path("a.csv").write_text("\n".join(["text,label", *rows]))
    expected = "a.csv: labels that differ in capitals alone: Pos and pos"
    assert said(["glue", "task=local", "data.path=a.csv"], capsys)[0] == expected


def test_rows_that_are_left_out_are_counted(capsys):
    Path("a.csv").write_text("text,label\n" + "one,no\ntwo,yes\nthree,maybe\nfour,no\nfive,yes\n" * 2)
    words = ["task=local", "data.path=a.csv", "task.labels=[no,yes]", "task.faulty_rows=skip"]
    assert said(["glue", *words], capsys)[0] == "train: 2 of 10 rows are left out as faulty"
    Path("q.csv").write_text("question,answers\n" + "".join(f"what is {n},{n or ''}\n" for n in range(10)))
    words = ["pairs=questions", "data.path=q.csv", "data.faulty_rows=skip"]
    assert said(["t5_qa", *words], capsys)[0] == "train: 1 of 10 rows are left out as faulty"


def test_answers_and_instructions_that_repeat_or_are_cut_are_counted(capsys):
    for split, count in (("train", 24), ("validation", 3)):
        asked = [{"question": f"question {n % 20}", "answers": "yes"} for n in range(count)]
        told = [{"instruction": f"do {n % 20}", "output": "yes"} for n in range(count)]
        for name, rows in (("q", asked), ("i", told)):
            long = {**rows[0], ("question" if name == "q" else "instruction"): " ".join([LONG] * 4)}
            (Path(name) / f"{split}.jsonl").parent.mkdir(exist_ok=True)
            lines = [*rows, long] if split == "train" else rows
            (Path(name) / f"{split}.jsonl").write_text("\n".join(map(json.dumps, lines)))
    expected = "train: 4 of 25 rows repeat an earlier one; 1 of 25 rows (4.0%) are cut to "
    again = "validation: 3 of 3 rows stand in train too"
    assert said(["t5_qa", "pairs=questions", "data.path=q"], capsys) == [again, f"{expected}48 and 16 tokens"]
    assert said(["instruct", "instructions=alpaca", "data.path=i", "sequence_length=192"], capsys) == [
        again, f"{expected}192 tokens"
    ]  # fmt: skip
