"""The suite's table from run folders that hold nothing but their settings and written-out scores."""

import csv
import json
import xml.etree.ElementTree as ET
import zipfile

from run_folders import HOSTILE, assert_inert, page

from genai_hf.reports import glue, sections
from genai_hf.reports.glue import PUBLISHED
from genai_hf.reports.run_folder import deciding
from genai_hf.reports.sweep import SweepCell, load_sweep, write_sweep

# By hand: means 84, 83, 71, 90, 93, 52, 85, 88, 66 and 56; second metrics two points more or less.
SCORES = {
    "mnli": {"accuracy": 0.84, "mismatched_accuracy": 0.83},
    "qqp": {"f1": 0.71, "accuracy": 0.89},
    "qnli": {"accuracy": 0.90},
    "sst2": {"accuracy": 0.93},
    "cola": {"matthews": 0.52},
    "stsb": {"spearman": 0.85, "pearson": 0.87},
    "mrpc": {"f1": 0.88, "accuracy": 0.84},
    "rte": {"accuracy": 0.66},
    "wnli": {"accuracy": 0.56},
}
CONFIG = """\
recipe: glue
seed: {seed}
task:
  name: {task}
  metric: {metric}
trainer:
  metric_for_best_model: {metric}
"""


def cell(root, task, scores, seed=0, error=None, answers=None, **overrides):
    """A finished run, or one without scores that is not."""
    own = {"task": task, "seed": str(seed), **{key.replace("__", "."): value for key, value in overrides.items()}}
    folder = root / "glue" / ",".join(f"{key}={value}" for key, value in own.items())
    folder.mkdir(parents=True)
    metric = next(iter(scores or {"accuracy": 0}))
    (folder / "config.yaml").write_text(CONFIG.format(seed=seed, task=task, metric=metric))
    if scores is not None:
        numbers = {f"eval_{name}": value for name, value in scores.items()} | {"steps": 9.0}
        (folder / "metrics.json").write_text(json.dumps(numbers))
    for name, text in (answers or {}).items():
        (folder / "predictions").mkdir(exist_ok=True)
        (folder / "predictions" / f"{name}.tsv").write_text(text)
    return SweepCell(own, folder, error)


def tables(folder, cells):
    """What the sweep leaves, by title."""
    glue.write(folder, cells)
    return {section.title: section for section in sections.load(folder)}


def test_the_columns_are_the_courses_in_order_and_the_published_rows_stand_below(tmp_path):
    cells = [cell(tmp_path, task, scores) for task, scores in SCORES.items()]
    table = tables(tmp_path / "sweep", cells)["GLUE"]
    assert table.columns == [
        "", "MNLI-m", "MNLI-mm", "QQP", "QNLI", "SST-2", "CoLA", "STS-B", "MRPC", "RTE", "WNLI", "Average",
    ]  # fmt: skip
    assert table.rows == [
        ["this sweep", "84.0", "83.0", "71.0", "90.0", "93.0", "52.0", "85.0", "88.0", "66.0", "56.0", "79.1"],
        ["Pre-OpenAI SOTA, published (test)", "80.6", "80.1", "66.1", "82.3", "93.2", "35.0", "81.0", "86.0", "61.7",
         None, "74.0"],
        ["BiLSTM+ELMo+Attn, published (test)", "76.4", "76.1", "64.8", "79.8", "90.4", "36.0", "73.3", "84.9", "56.8",
         None, "71.0"],
        ["OpenAI GPT, published (test)", "82.1", "81.4", "70.3", "87.4", "91.3", "45.4", "80.0", "82.3", "56.0",
         None, "75.1"],
        ["BERT base, published (test)", "84.6", "83.4", "71.2", "90.5", "93.5", "52.1", "85.8", "88.9", "66.4",
         None, "79.6"],
        ["BERT large, published (test)", "86.7", "85.9", "72.1", "92.7", "94.9", "60.5", "86.5", "89.3", "70.1",
         None, "82.1"],
    ]  # fmt: skip


def test_each_average_is_its_own_number_and_says_what_it_is(tmp_path):
    cells = [cell(tmp_path, task, scores) for task, scores in SCORES.items()]
    rows = tables(tmp_path / "sweep", cells)["Averages"].rows
    # 712 / 9; tasks: 83.5, 80, 86, 86, 52, 93, 90, 66 and WNLI's 56; macro: 83.5, 71, 88, 85, 52, 93, 90, 66, 56.
    assert [row[:3] for row in rows] == [
        ["this sweep", "bert_table", "79.1"],
        ["this sweep", "leaderboard", "76.9"],
        ["this sweep", "no_wnli", "79.6"],
        ["this sweep", "macro", "76.1"],
    ]
    assert rows[1][3] == "the mean over the nine tasks of the mean of each one's metrics"


def test_an_incomplete_row_has_no_average_and_the_missing_tasks_are_named(tmp_path):
    cells = [cell(tmp_path, task, scores) for task, scores in SCORES.items() if task not in {"cola", "wnli"}]
    cells.append(cell(tmp_path, "cola", None))
    found = tables(tmp_path / "sweep", cells)
    assert found["GLUE"].rows[0][-1] is None
    assert [row[2:] for row in found["Averages"].rows] == [
        [None, "missing: cola"],
        [None, "missing: cola, wnli"],
        [None, "missing: cola"],
        [None, "missing: cola, wnli"],
    ]
    assert "CoLA" not in found["GLUE"].columns


def test_half_of_mnli_is_no_mnli(tmp_path):
    scores = SCORES | {"mnli": {"accuracy": 0.84}}
    found = tables(tmp_path / "sweep", [cell(tmp_path, task, own) for task, own in scores.items()])
    assert found["GLUE"].rows[0][1:3] == ["84.0", None]
    assert found["Averages"].rows[0][2:] == [None, "missing: mnli"]


def test_mean_deviation_and_interval_over_seeds_are_exact(tmp_path):
    cells = [cell(tmp_path, "rte", {"accuracy": score}, seed) for seed, score in [(1, 0.6), (2, 0.65), (3, 0.7)]]
    cells += [cell(tmp_path, "cola", {"matthews": score}, seed) for seed, score in [(1, 0.5), (2, 0.4)]]
    cells += [cell(tmp_path, "sst2", {"accuracy": 0.9}, seed=1)]
    found = tables(tmp_path / "sweep", cells)
    assert found["GLUE"].columns == ["", "SST-2", "CoLA", "RTE", "Average"]
    assert found["GLUE"].rows[0] == ["this sweep", "90.0", "45.0 ± 7.1", "65.0 ± 5.0", None]
    # Student's t for 2 degrees of freedom is 4.3027, for one 12.7062: 4.3027 x 5 / sqrt 3 = 12.42, 12.7062 x 5 = 63.53.
    assert found["Over seeds"].rows == [
        ["this sweep", "SST-2", 1, "90.00", "90.00", None, None, None],
        ["this sweep", "CoLA", 2, "45.00", "45.00", "7.07", "-18.53", "108.53"],
        ["this sweep", "RTE", 3, "65.00", "65.00", "5.00", "52.58", "77.42"],
    ]


def test_settings_that_vary_are_rows_of_their_own_and_failed_runs_are_left_out(tmp_path):
    rates = [("1e-5", 0.6, None), ("2e-5", 0.7, None), ("3e-5", 0.9, "the loss is no longer a number")]
    cells = [
        cell(tmp_path, "rte", {"accuracy": score}, seed, error, trainer__learning_rate=rate, precision="fp32")
        for rate, score, error in rates
        for seed in (1, 2)
    ]
    found = tables(tmp_path / "sweep", cells)
    assert [row[:2] for row in found["GLUE"].rows[:3]] == [
        ["trainer.learning_rate=1e-5", "60.0 ± 0.0"],
        ["trainer.learning_rate=2e-5", "70.0 ± 0.0"],
        ["trainer.learning_rate=3e-5", None],
    ]


def test_what_pretraining_gives_is_beside_the_commonest_class(tmp_path):
    scratch = {"accuracy": 0.55, "mismatched_accuracy": 0.54, "majority_accuracy": 0.35}
    pretrained = {"accuracy": 0.8, "mismatched_accuracy": 0.79, "majority_accuracy": 0.35}
    cells = [
        cell(tmp_path, "mnli", scores, seed, model__from_scratch=value, trainer__learning_rate=rate)
        for value, scores in (("True", scratch), ("False", pretrained))  # as Hydra has them
        for rate in ("1e-5", "2e-5")
        for seed in (1, 2)
    ]
    table = tables(tmp_path / "sweep", cells)["From scratch and pretrained"]
    assert table.columns == ["", "metric", "runs", "commonest", "from scratch", "pretrained", "gain"]
    assert table.rows == 2 * [
        ["MNLI-m", "accuracy", 2, "35.0", "55.0 ± 0.0", "80.0 ± 0.0", "+25.0"],
        ["MNLI-mm", "accuracy", 2, None, "54.0 ± 0.0", "79.0 ± 0.0", "+25.0"],
    ]


def test_the_zip_takes_of_each_task_the_seed_that_is_best_on_its_validation_set(tmp_path):
    said = {1: -0.2, 2: -0.1, 3: -0.3}
    cells = [cell(tmp_path, "cola", {"matthews": v}, s, answers={"CoLA": f"seed {s}\n"}) for s, v in said.items()]
    mnli = {"MNLI-m": "m\n", "MNLI-mm": "mm\n", "AX": "ax\n", "notes": "not for the server\n"}
    cells += [cell(tmp_path, "mnli", SCORES["mnli"], seed=2, answers=mnli)]
    cells += [cell(tmp_path, "mnli", {"accuracy": 0.9}, seed=3)]  # the best has no predictions
    cells += [cell(tmp_path, "local", {"accuracy": 0.9}, seed=1, answers={"predictions": "own\n"})]
    table = tables(tmp_path / "sweep", cells)["For the leaderboard"]
    with zipfile.ZipFile(tmp_path / "sweep" / "submission.zip") as archive:
        packed = {name: archive.read(name).decode() for name in archive.namelist()}
    assert packed == {"MNLI-m.tsv": "m\n", "MNLI-mm.tsv": "mm\n", "CoLA.tsv": "seed 2\n", "AX.tsv": "ax\n"}
    lacks = "QQP, QNLI, SST-2, STS-B, MRPC, RTE, WNLI"
    assert table.rows == [["this sweep", "submission.zip", "MNLI-m 2, MNLI-mm 2, CoLA 2, AX 2", lacks]]


def test_the_same_runs_give_the_same_zip(tmp_path):
    cells = [cell(tmp_path, "rte", SCORES["rte"], answers={"RTE": "index\tprediction\n"})]
    zips = []
    for name in ("one", "two"):
        glue.write(tmp_path / name, cells)
        zips.append((tmp_path / name / "submission.zip").read_bytes())
    assert zips[0] == zips[1]


def test_the_csv_has_a_line_a_run_and_column_unrounded(tmp_path):
    cells = [cell(tmp_path, "rte", {"accuracy": 2 / 3}, seed) for seed in (1, 2)]
    glue.write(tmp_path / "sweep", cells)
    with (tmp_path / "sweep" / "glue.csv").open(newline="") as stream:
        rows = list(csv.reader(stream))
    assert rows == [
        ["setting", "column", "task", "metric", "seed", "score", "run"],
        ["this sweep", "RTE", "rte", "accuracy", "1", "0.6666666666666666", "task=rte,seed=1"],
        ["this sweep", "RTE", "rte", "accuracy", "2", "0.6666666666666666", "task=rte,seed=2"],
    ]


def test_a_task_of_ones_own_is_a_column_by_the_metric_that_decides(tmp_path):
    cells = [cell(tmp_path, "local", {"f1_macro": 0.5, "accuracy": 0.75}), cell(tmp_path, "rte", SCORES["rte"])]
    table = tables(tmp_path / "sweep", cells)["GLUE"]
    assert table.columns == ["", "RTE", "local", "Average"]
    assert table.rows[0] == ["this sweep", "66.0", "50.0", None]


def test_the_picture_has_a_row_a_setting_and_the_published_ones(tmp_path):
    glue.write(tmp_path / "sweep", [cell(tmp_path, "rte", SCORES["rte"])])
    drawing = ET.fromstring((tmp_path / "sweep" / "summary.svg").read_text(encoding="utf-8"))
    texts = {element.text for element in drawing.iter("{http://www.w3.org/2000/svg}text")}
    assert {"RTE", "this sweep", "66", "BERT large, test", "70.10"} <= texts


def test_while_nothing_has_finished_nothing_is_written_and_the_sweeps_page_is(tmp_path):
    cells = [cell(tmp_path, task, None, error="killed") for task in ("rte", "mrpc")]
    glue.write(tmp_path / "sweep", cells)
    assert not (tmp_path / "sweep").exists()
    assert "0 of 2 runs finished, 2 failed." in page(write_sweep(tmp_path / "sweep", "s", cells)).text


def test_the_sweeps_page_shows_the_table_and_no_best_task(tmp_path):
    cells = [cell(tmp_path, task, scores) for task, scores in SCORES.items()]
    folder = tmp_path / "sweep"
    glue.write(folder, cells)
    path = write_sweep(folder, "glue", cells)
    text = (folder / "sweep.md").read_text()
    assert "9 of 9 runs finished.\n" in text
    assert "Best" not in text
    assert (folder / "sweep.svg").read_text() == (folder / "summary.svg").read_text()
    assert all(name in page(path).text for name in PUBLISHED)
    assert_inert(path)
    before = path.read_bytes()
    assert write_sweep(folder, *load_sweep(folder)).read_bytes() == before


def test_hostile_settings_are_inert_in_the_table(tmp_path):
    text = HOSTILE.replace("\x00", "").replace("\ud800", "")
    cells = [cell(tmp_path, "rte", SCORES["rte"])]
    cells += [SweepCell(cells[0].overrides | {"data.path": value}, cells[0].folder) for value in (text, "x")]
    glue.write(tmp_path / "sweep", cells)
    assert_inert(write_sweep(tmp_path / "sweep", "s", cells))
    assert "<img" not in (tmp_path / "sweep" / "glue.md").read_text(encoding="utf-8")


def test_a_sweep_over_one_task_is_decided_by_the_tasks_own_metric(tmp_path):
    scores = [{"f1": 0.8, "accuracy": 0.7, "loss": 0.5}, {"f1": 0.7, "accuracy": 0.9, "loss": 0.1}]
    cells = [cell(tmp_path, "mrpc", own, trainer__learning_rate=f"{n}e-5") for n, own in enumerate(scores, 1)]
    same_task = [SweepCell({"trainer.learning_rate": c.overrides["trainer.learning_rate"]}, c.folder) for c in cells]
    assert deciding(cells[0].folder) == "eval_f1"
    text = page(write_sweep(tmp_path / "sweep", "s", same_task)).text
    assert "Best F1 (validation): 0.800 with trainer.learning_rate=1e-5." in text


def test_a_run_whose_settings_name_no_metric_is_decided_by_its_loss(tmp_path):
    assert deciding(tmp_path) == "eval_loss"
    (tmp_path / "config.yaml").write_text("trainer:\n  metric_for_best_model: null\n")
    assert deciding(tmp_path) == "eval_loss"
