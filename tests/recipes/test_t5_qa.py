"""Answers end to end: training, the report, the test set, and what the verb predict says."""

import json
import shutil
from pathlib import Path

import pytest

import genai_hf
from genai_hf import cli
from genai_hf.analysis.answerer import Answerer
from genai_hf.reports import sections

SOUNDS = {"cat": "meow", "dog": "woof", "cow": "moo", "owl": "hoot"}
SIZES = ["model.config.d_model=32", "model.config.d_ff=64", "tokenizer.vocab_size=300"]
TRAINING = [
    "trainer.num_train_epochs=2",
    "trainer.per_device_train_batch_size=8",
    "trainer.eval_strategy=no",
    "trainer.save_strategy=no",
    "trainer.load_best_model_at_end=false",
    "trainer.learning_rate=1e-2",
    "trainer.lr_scheduler_type=linear",
    "trainer.use_cpu=true",
    "precision=fp32",
]


def write(file: Path, numbers: range) -> None:
    names = list(SOUNDS)
    rows = [
        {"q": f"what does {names[n % 4]} number {n} say?", "a": ["the " + SOUNDS[names[n % 4]], "noise"]}
        for n in numbers
    ]
    file.write_text("\n".join(map(json.dumps, rows)))


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """The folder of a run on what animals say."""
    folder = tmp_path_factory.mktemp("qa")
    for name, numbers in (("train", range(160)), ("validation", range(160, 180)), ("test", range(180, 190))):
        write(folder / f"{name}.jsonl", numbers)
    data = ["pairs=questions", f"data.path={folder}", "data.input=q", "data.answers=a"]
    assert cli.main(["t5_qa", *data, *SIZES, *TRAINING, f"root={folder}", "run=r", "samples=3"]) == 0
    return folder / "t5_qa" / "r"


def metrics(run: Path) -> dict[str, float]:
    return json.loads((run / "metrics.json").read_text())


def test_the_model_learns_and_the_test_set_is_scored_once_at_the_end(run):
    after, lines = metrics(run), [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    before = next(line for line in lines if "eval_loss" in line)
    assert after["eval_loss"] < after["eval_unigram_loss"] < before["eval_loss"]
    assert {f"test_{name.removeprefix('eval_')}" for name in after if name.startswith("eval_")} <= after.keys()
    assert after["eval_majority_exact_match"] == after["test_majority_exact_match"] == 1.0  # every row takes "noise"
    assert not any("test_exact_match" in line for line in lines)


def test_the_report_has_the_data_the_epochs_and_answers_that_the_verb_repeats(run, capsys):
    capsys.readouterr()
    found = {section.title: section for section in sections.load(run)}
    assert list(found) == ["The data", "Epochs", "Best answers", "Worst answers", "Ask it", "Speed"]
    assert [row[:3] for row in found["The data"].rows] == [
        ["train", 160, 2.0],
        ["validation", 20, 2.0],
        ["test", 10, 2.0],
    ]
    best = found["Best answers"]
    assert best.columns[:3] == ["text", "answer", "references"]
    assert len(best.rows) == len(found["Worst answers"].rows) == 3
    text, answer, references, *_ = best.rows[0]
    assert text == "what does cat number 160 say?"  # without the prefix
    assert references == "the meow | noise"
    assert cli.main(["predict", str(run), text]) == 0
    assert capsys.readouterr().out == f"{answer}\n"  # the verb frames, cuts and generates as the evaluation did


def test_a_question_has_its_answer_and_a_file_an_answer_a_row(run, capsys, tmp_path):
    texts = ["what does owl number 7 say?", "what does cow number 3 say?"]
    capsys.readouterr()
    for text in texts:
        assert cli.main(["predict", str(run), text]) == 0
    said = capsys.readouterr().out.splitlines()
    assert cli.main(["predict", str(run), texts[0], "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"text": texts[0], "answer": said[0]}
    table = tmp_path / "ask.csv"
    table.write_text("\n".join(["q", *texts]))
    assert cli.main(["predict", str(run), str(table)]) == 0
    assert capsys.readouterr().out == "".join(f"{a}\t{t}\n" for a, t in zip(said, texts, strict=True))
    assert cli.main(["predict", str(run), "one", "two"]) == 2
    assert "this model takes single texts: give one" in capsys.readouterr().err
    assert cli.main(["predict", str(run), " "]) == 2
    assert "a text is empty" in capsys.readouterr().err


def test_an_answer_of_two_lines_is_one_line_of_a_file(run, capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(Answerer, "__call__", lambda self, texts: iter(["so\tmuch\nmore"] * len(texts)))
    table = tmp_path / "ask.csv"
    table.write_text('q\n"one\n text"\n')
    capsys.readouterr()
    assert cli.main(["predict", str(run), str(table)]) == 0
    assert capsys.readouterr().out == "so much more\tone text\n"
    shutil.copytree(run, tmp_path / "damaged")
    (tmp_path / "damaged" / "model" / "config.json").write_text("[]")
    assert cli.main(["predict", str(tmp_path / "damaged"), "one"]) == 2
    assert "config.json is missing or damaged" in capsys.readouterr().err


def test_a_run_begins_with_the_model_of_another(run, tmp_path):
    folder = run.parents[1]
    data = ["pairs=questions", f"data.path={folder}", "data.input=q", "data.answers=a"]
    words = [
        *data,
        f"init_from={run}",
        "precision=fp32",
        "trainer.num_train_epochs=0",
        "trainer.use_cpu=true",
        f"root={tmp_path}",
    ]
    again = genai_hf.run(genai_hf.compose("t5_qa", words))
    assert again["eval_loss"] == pytest.approx(metrics(run)["eval_loss"], rel=1e-6)


def test_edited_data_under_a_finished_run_is_refused(tmp_path, capsys):
    files = {name: tmp_path / f"{name}.jsonl" for name in ("one", "two", "held")}
    for number, file in enumerate(files.values()):
        write(file, range(8 * number, 8 * number + 8))
    named = [f"data.files.train=[{files['one']},{files['two']}]", f"data.files.validation={files['held']}"]
    words = [
        "t5_qa",
        "pairs=questions",
        *named,
        "data.input=q",
        "data.answers=a",
        *SIZES,
        *TRAINING,
        f"root={tmp_path}",
    ]
    assert cli.main([*words, "trainer.num_train_epochs=0"]) == 0
    write(files["two"], range(50, 58))
    assert cli.main([*words, "trainer.num_train_epochs=0"]) == 2
    assert "files.data.train" in capsys.readouterr().err


def test_a_run_below_the_folder_of_its_data_is_finished_when_it_is_asked_for_again(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "train.jsonl", range(16))
    data = ["pairs=questions", "data.path=.", "data.input=q", "data.answers=a"]
    words = ["t5_qa", *data, *SIZES, *TRAINING, "trainer.num_train_epochs=0", "root=outputs"]
    assert cli.main(words) == 0
    (metrics_file,) = tmp_path.glob("outputs/t5_qa/*/metrics.json")
    before = metrics_file.stat().st_mtime_ns
    assert cli.main(words) == 0
    assert metrics_file.stat().st_mtime_ns == before
    write(tmp_path / "train.jsonl", range(17))
    capsys.readouterr()
    assert cli.main(words) == 2
    assert "files.data.train" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["scores=[bleu]"],
            "scores: scores must be different ones of exact_match, exact_match_with_articles, f1, rouge1, rouge2, "
            "rougeL, got bleu",
        ),
        (["scores=f1"], "'scores' must be Sequence[str], got 'f1'"),
        (["target=last"], "'target' must be one of"),
        (["decoding.beams=0"], "decoding: beams must be at least 1, got 0"),
        (["target_length=2"], "settings: target_length must be at least 6, got 2"),
        (["pairs=questions"], "'data.path' must be given: the training file, or a folder with a file for each split"),
        (["data.path=."], "'data.path': python_questions brings its own text; for files say pairs=questions"),
        (["tokenizer.family=bert", "tokenizer.algorithm=wordpiece"], "'tokenizer': it ends no text with an end token"),
        (["samples=-1"], "'samples' must be at least 0, got -1"),
    ],
)
def test_a_wrong_setting_is_refused_in_one_line(words, said, capsys):
    assert cli.main(["inspect", "t5_qa", *words]) == 2
    assert capsys.readouterr().err.partition(": ")[2].startswith(said)


def test_inspect_shows_both_sides_with_the_rates(capsys):
    assert cli.main(["inspect", "t5_qa", "--n", "3"]) == 0
    shown = capsys.readouterr().out
    assert shown.count("encoder: ▁question") == shown.count("decoder: <pad>›") == 3
    assert "inputs cut" in shown
    assert cli.main(["inspect", "t5_qa", "--n", "1", "--json"]) == 0
    (example,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert example["decoder_input_ids"] == [0, *example["labels"][:-1]]


def test_summaries_are_values(capsys):
    assert cli.main(["inspect", "t5_qa", "pairs=python_summaries", "--n", "1"]) == 0
    assert "▁sum" in capsys.readouterr().out
