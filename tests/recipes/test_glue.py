"""The recipe on GLUE's folder in miniature, through the command: files for the leaderboard, the suite, beginnings."""

import csv
import json
import re
import shutil
import zipfile
from pathlib import Path

import pytest
import torch
from glue_folder import NAMES, SCORED, SMALL, THREE, TWO, UNTRAINED, knowing, write_glue
from safetensors.torch import load_file

from genai_hf import cli
from genai_hf.objectives.labelling import Labelling

ZEROS_AND_ONES = "index\tprediction\n0\t0\n1\t1\n2\t0\n3\t1\n"
ENTAILMENT = "index\tprediction\n0\tentailment\n1\tnot_entailment\n2\tentailment\n3\tnot_entailment\n"
GOLDEN = {
    "cola": {"CoLA.tsv": ZEROS_AND_ONES},
    "sst2": {"SST-2.tsv": ZEROS_AND_ONES},
    "mrpc": {"MRPC.tsv": ZEROS_AND_ONES},
    "stsb": {"STS-B.tsv": "index\tprediction\n0\t5.000\n1\t0.000\n2\t2.718\n3\t0.000\n"},
    "qqp": {"QQP.tsv": ZEROS_AND_ONES},
    "mnli": {
        "MNLI-m.tsv": "index\tprediction\n0\tentailment\n1\tneutral\n2\tcontradiction\n3\tneutral\n",
        "MNLI-mm.tsv": "index\tprediction\n0\tneutral\n1\tcontradiction\n2\tneutral\n3\tentailment\n",
        "AX.tsv": "index\tprediction\n0\tcontradiction\n1\tcontradiction\n2\tentailment\n3\tneutral\n",
    },
    "qnli": {"QNLI.tsv": ENTAILMENT},
    "rte": {"RTE.tsv": ENTAILMENT},
    "wnli": {"WNLI.tsv": ZEROS_AND_ONES},
}
ROTATED = [THREE[2], *THREE[:2]]
TRAINED = [*UNTRAINED, "trainer.max_steps=1"]


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> str:
    return f"data.path={write_glue(tmp_path_factory.mktemp('glue_data'))}"


@pytest.fixture
def root(monkeypatch, tmp_path) -> Path:
    monkeypatch.setenv("GENAI_HF_ROOT", str(tmp_path / "outputs"))
    return tmp_path / "outputs" / "glue"


def metrics(folder: Path) -> dict[str, float]:
    return json.loads((folder / "metrics.json").read_text())


def predictions(folder: Path) -> dict[str, str]:
    return {file.name: file.read_text() for file in (folder / "predictions").iterdir()}


def one_line(said: str) -> str:
    """What the command said, which is a line."""
    (line,) = said.splitlines()
    return line


@pytest.mark.parametrize(
    ("task", "called"),
    [*((task, ()) for task in NAMES), ("mnli", ROTATED), ("rte", TWO[::-1]), ("wnli", ("Entailment", "not-entailment")),
     ("cola", ("LABEL_0", "LABEL_1"))],
)  # fmt: skip
def test_predictions_are_the_leaderboards_files_whatever_the_heads_order(task, called, data, root, tmp_path):
    checkpoint = knowing(tmp_path / "model", NAMES[task], called=called)
    assert cli.main(["glue", f"task={task}", data, *SCORED, checkpoint, "predict=true", "run=r"]) == 0
    assert predictions(root / "r") == GOLDEN[task]


def test_both_sets_of_mnli_are_scored_under_their_names(data, root, tmp_path):
    checkpoint = knowing(tmp_path / "model", THREE)
    assert cli.main(["glue", "task=mnli", data, *SCORED, checkpoint, "run=r"]) == 0
    found = metrics(root / "r")
    assert (found["eval_accuracy"], found["eval_mismatched_accuracy"], found["eval_majority_accuracy"]) == (1, 1, 0.5)
    assert not (root / "r" / "predictions").exists()


def test_a_checkpoint_is_scored_as_it_is_without_epochs(data, root, tmp_path):
    checkpoint = knowing(tmp_path / "model", NAMES["mrpc"])
    assert cli.main(["glue", "task=mrpc", data, *SCORED, checkpoint, "run=r"]) == 0
    found = metrics(root / "r")
    assert (found["eval_f1"], found["eval_accuracy"], found["steps"]) == (1.0, 1.0, 0.0)
    before, after = (load_file(folder / "model.safetensors") for folder in (tmp_path / "model", root / "r" / "model"))
    assert all(torch.equal(before[key], after[key]) for key in before)
    assert "## Epochs" not in (root / "r" / "report.md").read_text()


def test_the_epoch_with_the_best_score_is_the_final_model_and_the_report_says_so(data, root, monkeypatch):
    # The loss is best after the third epoch, F1 after the second; the fifth evaluation is that of the final model.
    said = iter([(0.1, 0.9), (0.5, 0.8), (0.75, 0.7), (0.6, 0.2), (0.75, 0.7)])

    def scripted(*_: object) -> dict[str, float]:
        f1, loss = next(said)
        return {"f1": f1, "accuracy": 0.5, "loss": loss}

    monkeypatch.setattr(Labelling, "metrics", scripted)
    kept = ["trainer.save_total_limit=3", "trainer.learning_rate=0.01", "run=r"]
    assert cli.main(["glue", "task=mrpc", data, *UNTRAINED, *kept]) == 0
    assert metrics(root / "r")["eval_f1"] == 0.75
    (final, *epochs) = (
        load_file(root / "r" / name / "model.safetensors")["classifier.weight"]
        for name in ("model", "checkpoint-2", "checkpoint-4", "checkpoint-6")
    )
    assert [torch.equal(final, epoch) for epoch in epochs] == [False, True, False]
    report = (root / "r" / "report.md").read_text()
    assert "| 2 | 4 | 0.750 | 50.0% | 0.700 | yes |" in report
    assert "| 3 | 6 | 0.600 | 50.0% | 0.200 |  |" in report
    assert "The final model is that with the best F1 (validation)." in report


@pytest.mark.parametrize("training", [["trainer.num_train_epochs=0"], ["trainer.max_steps=1"]])
def test_a_head_whose_labels_are_mixed_up_is_refused_in_a_line(training, data, root, tmp_path, capsys):
    folder = tmp_path / "model"
    checkpoint = knowing(folder, THREE)
    settings = json.loads((folder / "config.json").read_text())
    settings |= {"id2label": dict(enumerate(ROTATED)), "label2id": {name: place for place, name in enumerate(ROTATED)}}
    (folder / "config.json").write_text(json.dumps(settings))
    capsys.readouterr()
    words = ["glue", "task=mnli", data, *SMALL, "model=pretrained", checkpoint, *training, "predict=true"]
    assert cli.main(words) == 2
    first, last = (line for line in capsys.readouterr().err.splitlines() if "stand in train too" not in line)
    assert first.startswith("labels by name: the checkpoint's head has contradiction, entailment, neutral")
    assert last.startswith("genai-hf glue: the labels of matched are mixed up: 0.0% are right, and 100.0% with")
    assert not [path for path in root.rglob("*") if path.name in {"metrics.json", "model", "predictions"}]
    names = "head_labels=[entailment,neutral,contradiction]"
    assert cli.main([*words, names, "run=mended"]) == 0
    assert metrics(root / "mended")["eval_accuracy"] == 1.0


def test_a_run_begins_with_the_model_and_tokenizer_of_another(data, root, tmp_path, capsys):
    checkpoint = knowing(tmp_path / "model", TWO)
    assert cli.main(["glue", "task=rte", data, *SCORED, checkpoint, "run=first"]) == 0
    as_it_is = [*SMALL, "trainer.num_train_epochs=0", f"init_from={root / 'first'}"]
    assert cli.main(["glue", "task=qnli", data, *as_it_is, "run=same"]) == 0
    assert metrics(root / "same")["eval_accuracy"] == 1.0
    # The same names in another order: by them all are wrong, since alpha means not_entailment in WNLI's files.
    assert cli.main(["glue", "task=wnli", data, *as_it_is, "run=turned"]) == 0
    assert metrics(root / "turned")["eval_accuracy"] == 0.0
    capsys.readouterr()
    assert cli.main(["glue", "task=mrpc", data, *as_it_is, "run=other"]) == 0
    new = "a new head for not_equivalent, equivalent: the checkpoint's is for entailment, not_entailment"
    assert new in capsys.readouterr().err
    before, same, other = (load_file(root / run / "model" / "model.safetensors") for run in ("first", "same", "other"))
    assert all(torch.equal(before[key], same[key]) for key in before)
    assert {key for key in before if not torch.equal(before[key], other[key])} == {"classifier.weight"}
    assert json.loads((root / "other" / "model" / "config.json").read_text())["id2label"] == {
        "0": "not_equivalent",
        "1": "equivalent",
    }
    vocabularies = {(root / run / "model" / "tokenizer.json").read_text() for run in ("first", "same", "other")}
    assert len(vocabularies) == 1


def test_two_beginnings_and_an_unfinished_one_are_refused_in_a_line(data, root, tmp_path, capsys):
    checkpoint = knowing(tmp_path / "model", TWO)
    words = ["glue", "task=rte", data, *SCORED]
    assert cli.main([*words, checkpoint, "run=first"]) == 0
    capsys.readouterr()
    assert cli.main([*words, checkpoint, f"init_from={root / 'first'}"]) == 2
    assert "'init_from': model.name=" in one_line(capsys.readouterr().err)
    assert cli.main(["glue", "task=rte", data, *UNTRAINED, f"init_from={root / 'first'}"]) == 2
    assert "begins with that run's model; leave model.config." in one_line(capsys.readouterr().err)
    shutil.rmtree(root / "first" / "model")
    assert cli.main(["glue", "task=rte", data, *SMALL, f"init_from={root / 'first'}"]) == 2
    said = one_line(capsys.readouterr().err)
    assert said.endswith("first holds no model; name the folder of a run that has finished")
    assert [path.name for path in root.iterdir()] == ["first"]


def test_a_hostile_text_is_letters_in_the_report(root, tmp_path):
    folder = tmp_path / "own"
    folder.mkdir()
    for split, count in (("train", 8), ("validation", 4)):
        rows = [
            {"text": f"<script>alert({n})</script> <img src=x onerror=alert(1)>", "label": "ab"[n % 2]}
            for n in range(count)
        ]
        (folder / f"{split}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert cli.main(["glue", "task=local", f"data.path={folder}", *TRAINED, "run=r"]) == 0
    page = (root / "r" / "report.html").read_text(encoding="utf-8")
    assert "Hardest examples" in page
    assert "&lt;script&gt;alert(3)&lt;/script&gt;" in page
    assert not re.search(r"<script|<img", page)
    assert not re.search(r"<script|<img", (root / "r" / "report.md").read_text().partition("## Settings")[0])


# The suite.


@pytest.fixture(scope="module")
def suite(data, tmp_path_factory) -> tuple[list[str], Path]:
    """All nine tasks by an untrained model, a step each; the command's words and the recipe's folder of runs."""
    root = tmp_path_factory.mktemp("suite")
    words = ["glue", "-m", data, *TRAINED, "predict=true", f"root={root}"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENAI_HF_CACHE", str(root / "cache"))
        assert cli.main(words) == 0
    return words, root / "glue"


def runs(folder: Path) -> dict[str, Path]:
    """The runs of a folder by their task."""
    found = [path for path in folder.iterdir() if path.name != "sweeps"]
    return {path.name.partition(",")[0].removeprefix("task=").partition("-")[0]: path for path in found}


def swept(folder: Path) -> Path:
    (found,) = (folder / "sweeps").iterdir()
    return found


def test_a_sweep_runs_all_nine_tasks_without_naming_them(suite):
    _, folder = suite
    assert set(runs(folder)) == {"cola", "sst2", "mrpc", "stsb", "qqp", "mnli", "qnli", "rte", "wnli"}
    assert {file.name for file in swept(folder).iterdir()} == {
        "glue.csv", "glue.md", "summary.svg", "submission.zip", "sections.json",
        "sweep.csv", "sweep.json", "sweep.md", "sweep.svg", "report.html",
    }  # fmt: skip


def test_the_suites_table_has_the_courses_columns_and_a_number_in_each(suite):
    _, folder = suite
    lines = (swept(folder) / "glue.md").read_text().splitlines()
    head = "|  | MNLI-m | MNLI-mm | QQP | QNLI | SST-2 | CoLA | STS-B | MRPC | RTE | WNLI | Average |"
    assert lines[2] == head
    ours = [cell.strip() for cell in lines[4].strip("|").split("|")]
    assert ours[0] == "this sweep"
    assert all(re.fullmatch(r"-?\d+\.\d", cell) for cell in ours[1:])
    assert head in (swept(folder) / "sweep.md").read_text()
    assert "MNLI-mm" in (swept(folder) / "report.html").read_text()


def test_the_suites_csv_has_the_unrounded_scores_of_the_runs(suite):
    _, folder = suite
    with (swept(folder) / "glue.csv").open(newline="") as stream:
        lines = {line["column"]: line for line in csv.DictReader(stream)}
    assert list(lines) == ["MNLI-m", "MNLI-mm", "QQP", "QNLI", "SST-2", "CoLA", "STS-B", "MRPC", "RTE", "WNLI"]
    own = runs(folder)
    for column, key in (("MNLI-mm", "mismatched_accuracy"), ("QQP", "f1"), ("STS-B", "spearman"), ("CoLA", "matthews")):
        line = lines[column]
        assert (line["metric"], line["seed"], line["run"]) == (key, "0", own[line["task"]].name)
        assert float(line["score"]) == metrics(own[line["task"]])[f"eval_{key}"]


def test_the_zip_holds_the_eleven_files_of_the_runs(suite):
    _, folder = suite
    with zipfile.ZipFile(swept(folder) / "submission.zip") as archive:
        packed = {name: archive.read(name).decode() for name in archive.namelist()}
    assert list(packed) == [
        "MNLI-m.tsv", "MNLI-mm.tsv", "QQP.tsv", "QNLI.tsv", "SST-2.tsv", "CoLA.tsv", "STS-B.tsv", "MRPC.tsv",
        "RTE.tsv", "WNLI.tsv", "AX.tsv",
    ]  # fmt: skip
    assert packed == {name: text for run in runs(folder).values() for name, text in predictions(run).items()}


def test_a_finished_suite_runs_nothing_again_and_a_deleted_run_alone(suite, capsys):
    words, folder = suite
    own = runs(folder)
    table = (swept(folder) / "glue.md").read_bytes()
    shutil.rmtree(own["wnli"])
    written = {task: (run / "metrics.json").stat().st_mtime_ns for task, run in own.items() if task != "wnli"}
    assert cli.main(words) == 0
    assert capsys.readouterr().err.count("finished before") == 8
    assert {task: (own[task] / "metrics.json").stat().st_mtime_ns for task in written} == written
    assert (own["wnli"] / "metrics.json").is_file()
    assert (swept(folder) / "glue.md").read_bytes() == table


def test_the_page_of_a_suite_is_written_again_with_its_table(suite, capsys):
    _, folder = suite
    page = swept(folder) / "report.html"
    before = page.read_bytes()
    page.unlink()
    assert cli.main(["report", str(swept(folder))]) == 0
    assert capsys.readouterr().out == f"{page}\n"
    assert page.read_bytes() == before
    assert b"BERT large, published (test)" in before


def test_tasks_that_are_named_are_all_that_runs(data, root, tmp_path):
    checkpoint = knowing(tmp_path / "model", TWO, called=("LABEL_0", "LABEL_1"))
    assert cli.main(["glue", "-m", "task=rte,mrpc", data, *SCORED, checkpoint]) == 0
    assert set(runs(root)) == {"rte", "mrpc"}
    lines = (swept(root) / "glue.md").read_text().splitlines()
    assert lines[2:5] == [
        "|  | MRPC | RTE | Average |",
        "| --- | ---: | ---: | ---: |",
        "| this sweep | 100.0 | 100.0 | – |",
    ]
    assert "| BERT base, published (test) | 88.9 | 66.4 | 79.6 |" in lines


def test_a_task_that_fails_does_not_stop_the_others(root, tmp_path, capsys):
    folder = write_glue(tmp_path / "glue")
    file = folder / "RTE" / "dev.tsv"
    file.write_text(file.read_text().replace("not_entailment", "perhaps", 1))
    checkpoint = knowing(tmp_path / "model", TWO, called=("LABEL_0", "LABEL_1"))
    capsys.readouterr()
    assert cli.main(["glue", "-m", "task=rte,wnli", f"data.path={folder}", *SCORED, checkpoint]) == 2
    said = capsys.readouterr().err
    assert f"job 1 failed: {file}:3: 'label' is 'perhaps', none of entailment, not_entailment" in said
    assert "Traceback" not in said
    assert set(runs(root)) == {"wnli"}
    page = (swept(root) / "sweep.md").read_text()
    assert "1 of 2 runs finished, 1 failed." in page
    assert "| this sweep | 100.0 | – |" in page
    assert f"- task=rte: {file}:3: 'label' is 'perhaps', none of entailment, not_entailment" in page


def test_a_suite_of_which_a_file_is_missing_runs_nothing(root, tmp_path, capsys):
    folder = write_glue(tmp_path / "glue")
    (folder / "RTE" / "dev.tsv").unlink()
    assert cli.main(["glue", "-m", "task=wnli,rte", f"data.path={folder}", *TRAINED]) == 2
    assert "task=rte needs a file for validation (dev.tsv" in one_line(capsys.readouterr().err)
    assert not root.exists()


def test_what_pretraining_gives_stands_beside_the_same_model_from_scratch(data, root, tmp_path):
    checkpoint = knowing(tmp_path / "model", TWO)
    words = ["glue", "-m", "task=rte", "model.from_scratch=true,false", data, *SCORED, checkpoint, "predict=true"]
    assert cli.main(words) == 0
    text = (swept(root) / "glue.md").read_text()
    (scratch,) = (path.parent for path in root.glob("*/config.yaml") if "from_scratch: true" in path.read_text())
    score = 100 * metrics(scratch)["eval_accuracy"]
    assert score < 100
    assert "## From scratch and pretrained" in text
    assert f"| RTE | accuracy | 1 | 50.0 | {score:.1f} | 100.0 | {100 - score:+.1f} |" in text
    assert {file.name for file in swept(root).glob("*.zip")} == {"submission-1.zip", "submission-2.zip"}
    with zipfile.ZipFile(swept(root) / "submission-2.zip") as archive:
        assert {name: archive.read(name).decode() for name in archive.namelist()} == GOLDEN["rte"]
