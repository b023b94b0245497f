"""The verb predict on runs whose model says the label that a text names."""

import gzip
import json
import shutil
from pathlib import Path

import pytest
from glue_folder import NAMES, SCORED, TWO, knowing, write_glue

from genai_hf import cli

# Outputs are -0.722 and 0.990 for beta, 0.629 and -0.361 for alpha: 1 / (1 + e^-1.712) and 1 / (1 + e^-0.990).
BETA, ALPHA = 0.847, 0.729


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> Path:
    """Runs of a task with single texts, of one with pairs whose head has another order, and of a regression."""
    folder = tmp_path_factory.mktemp("predict")
    data = f"data.path={write_glue(folder / 'glue')}"
    for task, called in (("sst2", ()), ("rte", TWO[::-1]), ("stsb", ())):
        checkpoint = knowing(folder / task, NAMES[task], called=called)
        words = ["glue", f"task={task}", data, *SCORED, checkpoint, f"root={folder}", f"run={task}"]
        assert cli.main(words) == 0
    return folder / "glue"


@pytest.fixture
def ask(runs, capsys):
    """Standard output of a question to a run; nothing else is said."""

    def asked(run: str, *words: str) -> str:
        capsys.readouterr()
        assert cli.main(["predict", str(runs / run), *map(str, words)]) == 0
        said = capsys.readouterr()
        assert said.err == ""
        return said.out

    return asked


@pytest.fixture
def refused(capsys):
    """The line that a question is refused with."""

    def asked(*words: object) -> str:
        capsys.readouterr()
        assert cli.main(["predict", *map(str, words)]) == 2
        said = capsys.readouterr()
        assert said.out == ""
        (line,) = said.err.splitlines()
        return line.removeprefix("genai-hf predict: ")

    return asked


def test_a_sentence_has_every_label_with_its_probability_the_likeliest_first(ask):
    assert ask("sst2", "beta the dog") == f"{'positive':24}84.7%\n{'negative':24}15.3%\n"
    assert ask("sst2", "alpha the dog") == f"{'negative':24}72.9%\n{'positive':24}27.1%\n"


def test_a_pair_is_two_texts_and_labels_are_by_name_in_whatever_order_the_head_has_them(ask):
    assert ask("rte", "the cat", "beta here") == f"{'not_entailment':24}84.7%\n{'entailment':24}15.3%\n"
    assert ask("rte", "alpha the cat", "here") == f"{'entailment':24}72.9%\n{'not_entailment':24}27.1%\n"


def test_a_regression_is_a_number(ask):
    assert ask("stsb", "the cat", "gamma here") == "2.718\n"
    (value,) = map(json.loads, ask("stsb", "the cat", "gamma here", "--json").splitlines())
    assert value == {"text": "the cat", "text_pair": "gamma here", "value": pytest.approx(2.718)}


def test_json_is_an_object_a_text_with_its_labels(ask):
    (single,) = map(json.loads, ask("sst2", "beta", "--json").splitlines())
    assert (list(single), single["text"], list(single["labels"])) == (
        ["text", "labels"],
        "beta",
        ["positive", "negative"],
    )
    assert single["labels"] == pytest.approx({"positive": BETA, "negative": 1 - BETA}, abs=5e-4)
    (pair,) = map(json.loads, ask("rte", "the cat", "alpha", "--json").splitlines())
    assert (pair["text"], pair["text_pair"], list(pair["labels"])) == ("the cat", "alpha", TWO)
    assert pair["labels"]["entailment"] == pytest.approx(ALPHA, abs=5e-4)


def test_a_long_text_is_a_text_and_is_cut(ask):
    assert ask("sst2", "beta the cat sleeps " * 200) == f"{'positive':24}84.7%\n{'negative':24}15.3%\n"
    assert ask("sst2", "x" * 300).count("\n") == 2


def test_a_text_that_begins_with_a_dash_comes_after_two(ask):
    assert ask("sst2", "--", "-beta").count("\n") == 2


@pytest.mark.parametrize("text", ["beta\nhere", "- beta", "beta in /tmp", ".", "/", "see beta.csv here", "日本 beta"])
def test_a_text_is_a_text_whatever_it_looks_like(text, ask):
    assert ask("sst2", text).splitlines()[0].split()[0] in NAMES["sst2"]


FILES = {
    "csv": 'sentence,other\n"beta the dog, here",1\nalpha a cat,2\n',
    "tsv": "other\tsentence\n1\tbeta the dog, here\n2\talpha a cat\n",
    "jsonl": '{"sentence": "beta the dog, here"}\n\n{"sentence": "alpha a cat", "label": "unknown"}\n',
    "json": '[{"sentence": "beta the dog, here"}, {"sentence": "alpha a cat"}]',
    "txt": "beta the dog, here\n\n  alpha a cat  \n",
}


@pytest.mark.parametrize("kind", FILES)
def test_a_file_has_a_line_a_row(kind, ask, tmp_path):
    file = tmp_path / f"some texts.{kind}"
    file.write_text(FILES[kind])
    assert ask("sst2", file) == "positive\t84.7%\tbeta the dog, here\nnegative\t72.9%\talpha a cat\n"
    objects = [json.loads(line) for line in ask("sst2", file, "--json").splitlines()]
    assert [(row["text"], next(iter(row["labels"]))) for row in objects] == [
        ("beta the dog, here", "positive"),
        ("alpha a cat", "negative"),
    ]


def test_files_of_pairs_of_numbers_and_packed_ones_are_read_too(ask, tmp_path):
    pairs = tmp_path / "pairs.csv"
    pairs.write_text("sentence1,sentence2\nthe cat,beta here\nalpha the cat,there\n")
    assert ask("rte", pairs) == "not_entailment\t84.7%\tthe cat\nentailment\t72.9%\talpha the cat\n"
    scores = tmp_path / "pairs.jsonl.gz"
    with gzip.open(scores, "wt") as stream:
        stream.write('{"sentence1": "the cat", "sentence2": "gamma"}\n' * 2)
    assert ask("stsb", scores) == "2.718\tthe cat\n" * 2


def test_more_texts_than_a_batch_keep_their_order(ask, tmp_path):
    file = tmp_path / "many.txt"
    words = ["beta", "alpha", "beta", "beta", "alpha"] * 30
    file.write_text("\n".join(f"{word} the cat {'runs ' * (n % 7)}" for n, word in enumerate(words)))
    said = [line.partition("\t")[0] for line in ask("sst2", file).splitlines()]
    assert said == [{"beta": "positive", "alpha": "negative"}[word] for word in words]


def test_a_file_with_one_row_has_its_line_too(ask, tmp_path):
    file = tmp_path / "one.txt"
    file.write_text("beta\n")
    assert ask("sst2", file) == "positive\t84.7%\tbeta\n"


def test_a_file_is_read_with_the_names_that_training_gave_its_columns(runs, capsys, tmp_path):
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    for split in ("train", "validation"):
        rows = [f"{word} the cat,{label}" for word, label in [("alpha", "negative"), ("beta", "positive")] * 4]
        (theirs / f"{split}.csv").write_text("\n".join(["review,label", *rows]))
    words = ["task=local", f"data.path={theirs}", "data.rename={review: text}", f"root={tmp_path}", "run=own"]
    assert cli.main(["glue", *words, *SCORED, knowing(tmp_path / "model", NAMES["sst2"])]) == 0
    capsys.readouterr()
    assert cli.main(["predict", str(tmp_path / "glue" / "own"), str(theirs / "train.csv")]) == 0
    assert capsys.readouterr().out.splitlines()[:2] == [
        "negative\t72.9%\talpha the cat",
        "positive\t84.7%\tbeta the cat",
    ]


def test_one_text_for_two_and_two_for_one_are_refused(runs, refused, tmp_path):
    assert refused(runs / "rte", "the cat") == "this model takes pairs of texts: give two"
    assert refused(runs / "sst2", "the cat", "the dog") == "this model takes single texts: give one"
    file = tmp_path / "lines.txt"
    file.write_text("beta\n")
    lines = f"{file}: a line is one text, and rte has pairs; give a table with both columns"
    assert refused(runs / "rte", file) == lines


def test_no_text_an_empty_one_and_one_too_many_are_refused(runs, refused):
    name = 'name a run and a text: genai-hf predict outputs/glue/… "a sentence" ["a second one"]'
    assert [refused(), refused(runs / "sst2"), refused(runs / "rte", "a", "b", "c")] == [name] * 3
    assert refused(runs / "sst2", "") == "a text is empty; give one"
    assert refused(runs / "rte", "the cat", " \n") == "a text is empty; give one"


def test_bytes_that_are_no_text_are_refused(runs, refused):
    assert (
        refused(runs / "sst2", "caf\udce9")
        == "'caf\ufffd' cannot be read as utf-8, this terminal's encoding; type it as UTF-8"
    )
    assert (
        refused(runs / "rte", "the cat", "\udcff")
        == "'\ufffd' cannot be read as utf-8, this terminal's encoding; type it as UTF-8"
    )


def test_a_wrong_option_is_refused(runs, refused):
    assert "-j" in refused(runs / "sst2", "the cat", "-j")


def test_a_file_that_is_missing_empty_or_without_the_column_is_refused(runs, refused, tmp_path):
    for kind in ("csv", "tsv", "jsonl", "parquet", "txt", "csv.gz"):
        assert refused(runs / "sst2", tmp_path / f"no.{kind}") == f"{tmp_path}/no.{kind}: no such file"
    for name, text, said in (
        ("empty.txt", "\n \n", ": holds no text; fill it"),
        ("empty.csv", "", ": holds no "),
        ("other.csv", "text\nbeta\n", ":1: no column 'sentence' among text; name another with task.text"),
        ("null.jsonl", '{"sentence": null}\n', ":1: 'sentence' is null; leave the row out"),
    ):
        (tmp_path / name).write_text(text)
        assert refused(runs / "sst2", tmp_path / name).startswith(f"{tmp_path / name}{said}")


def test_what_is_no_finished_run_of_labels_is_refused(runs, refused, tmp_path):
    where = f"{tmp_path / 'none'} is not a run; name its folder, such as outputs/glue/…"
    assert refused(tmp_path / "none", "beta") == where
    other = tmp_path / "other"
    other.mkdir()
    (other / "config.yaml").write_text("recipe: bert_mlm\n")
    assert (
        refused(other, "beta")
        == f"{other} has no model that labels texts or answers them; name a run of glue, gpt_extract or t5_qa"
    )
    begun = tmp_path / "begun"
    shutil.copytree(runs / "sst2", begun)
    (begun / "model" / "config.json").unlink()
    assert refused(begun, "beta") == f"{begun} has not finished; the same command that began it goes on with it"


@pytest.mark.parametrize("content", ["[]", "3", "{"])
def test_a_config_that_holds_no_object_is_refused(runs, refused, tmp_path, content):
    damaged = tmp_path / "damaged"
    shutil.copytree(runs / "sst2", damaged)
    file = damaged / "model" / "config.json"
    file.write_text(content)
    assert refused(damaged, "beta") == f"{file} is missing or damaged; begin the run anew with overwrite=true"


def test_a_label_of_two_lines_is_said_in_one(ask, runs, tmp_path):
    named = tmp_path / "named"
    shutil.copytree(runs / "sst2", named)
    file = named / "model" / "config.json"
    facts = json.loads(file.read_text())
    facts["id2label"] = {key: name.replace("positive", "so\tvery\npositive") for key, name in facts["id2label"].items()}
    facts["label2id"] = {name: int(key) for key, name in facts["id2label"].items()}
    file.write_text(json.dumps(facts))
    (named / "model" / "manifest.json").unlink()  # as one is told to who has changed a file
    table = tmp_path / "texts.txt"
    table.write_text("beta the dog\n")
    assert ask(named, table) == "so very positive\t84.7%\tbeta the dog\n"
    assert ask(named, "beta the dog") == f"{'so very positive':24}84.7%\n{'negative':24}15.3%\n"
    assert "so\tvery\npositive" in json.loads(ask(named, "beta the dog", "--json"))["labels"]


def test_damaged_settings_and_weights_are_refused(runs, refused, tmp_path):
    damaged = tmp_path / "damaged"
    shutil.copytree(runs / "sst2", damaged)
    weights = damaged / "model" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    assert f"{damaged / 'model'}: model.safetensors is damaged" in refused(damaged, "beta")
    weights.unlink()
    assert f"{damaged / 'model'}: model.safetensors is missing" in refused(damaged, "beta")
    for content in (b"a: [", b"\xff\xfe\xfa"):
        (damaged / "config.yaml").write_bytes(content)
        assert refused(damaged, "beta").startswith(f"{damaged / 'config.yaml'} is damaged; ")
