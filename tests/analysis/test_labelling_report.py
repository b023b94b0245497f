"""What the report of a model that labels texts says, from written-out outputs, and which figures test sets give."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from glue_folder import MNLI, SCORED, THREE, VOTES, knowing, mnli, put, write_glue

from genai_hf import cli
from genai_hf.analysis.labelling import LabellingReport, answers
from genai_hf.analysis.labelling_tables import confusion, data_table, epochs, hardest, scatter
from genai_hf.data.splits import Split
from genai_hf.data.task import Task
from genai_hf.reports.sections import Table

OWN = Task(
    name="own", text="text", label="label", problem="classification", metrics=["accuracy", "f1_macro"],
    metric="accuracy", validation=["validation"], labels=["cat", "dog", "fish"],
)  # fmt: skip
NUMBERS = Task(
    name="own", text="text", label="label", problem="regression", metrics=["spearman"], metric="spearman",
    validation=["validation"], scale=[0, 5],
)  # fmt: skip


def test_a_file_of_predictions_has_the_leaderboards_names_or_else_the_labels_own():
    predicted = np.array([2.0, 0.0, 1.0])
    assert answers(OWN, predicted) == "index\tprediction\n0\tfish\n1\tcat\n2\tdog\n"
    named = Task(**{**vars(OWN), "answers": ["0", "1", "2"]})
    assert answers(named, predicted) == "index\tprediction\n0\t2\n1\t0\n2\t1\n"
    assert answers(OWN, np.array([])) == "index\tprediction\n"


def test_a_predicted_number_has_three_decimals_within_the_scale_if_there_is_one():
    predicted = np.array([-0.25, -1e-9, 0.0004, 1.23456, 4.9996, 7.0])
    lines = "index\tprediction\n0\t0.000\n1\t0.000\n2\t0.000\n3\t1.235\n4\t5.000\n5\t5.000\n"
    assert answers(NUMBERS, predicted) == lines
    free = Task(**{**vars(NUMBERS), "scale": None})
    assert answers(free, predicted[[0, 5]]) == "index\tprediction\n0\t-0.250\n1\t7.000\n"


def test_the_confusion_matrix_counts_what_was_taken_for_what():
    table = confusion(OWN.names, np.array([0.0, 0, 0, 1, 1]), np.array([0.0, 0, 1, 1, 0]))
    assert table.columns == ["", "said cat", "said dog", "said fish", "of these found"]
    assert table.rows == [
        ["cat", 2, 1, 0, "66.7%"],
        ["dog", 1, 1, 0, "50.0%"],
        ["fish", 0, 0, 0, "0.0%"],
        ["of what was said, right", "66.7%", "50.0%", "0.0%", None],
    ]


def test_the_hardest_examples_are_those_with_the_largest_loss_first():
    split = Split(["a", "b", "c" * 400], None, [0.0, 1.0, 2.0])
    outputs = np.log([[0.25, 0.5, 0.25], [0.1, 0.8, 0.1], [0.6, 0.3, 0.1]])
    table = hardest(OWN, split, outputs, 2, "validation")
    assert table.columns == ["text", "right", "said", "probability of what is right"]
    assert table.rows == [["c" * 300, "fish", "cat", "10.0%"], ["a", "cat", "dog", "25.0%"]]
    assert len(hardest(OWN, split, outputs, 10, "validation").rows) == 3


def test_the_hardest_examples_of_a_regression_are_the_farthest_apart():
    split = Split(["a", "b"], ["c", "d"], [1.0, 4.5])
    table = hardest(NUMBERS, split, np.array([[1.5], [1.0]]), 2, "validation")
    assert table.columns == ["text", "second text", "right", "said", "apart"]
    assert table.rows == [["b", "d", "4.5", "1.00", "3.50"], ["a", "c", "1", "1.50", "0.50"]]


def test_a_regression_is_drawn_as_points_of_right_and_predicted():
    figure = scatter(np.array([1.0, 4.5]), np.array([1.5, 1.0]))
    assert (figure.kind, figure.series) == ("scatter", {"validation": [(1.0, 1.5), (4.5, 1.0)]})


def test_the_data_are_counted_as_labels_lengths_cuts_doubles_and_leaks():
    splits = {
        "train": Split(["a", "b", "a", "c"], None, [0.0, 1.0, 0.0, 0.0], left_out=2),
        "validation": Split(["a", "d"], None, [0.0, 2.0]),
        "more": Split(["d"], None, [1.0]),
        "test": Split(["b", "e"], None, None),
    }
    rows = {
        "train": SimpleNamespace(lengths=np.array([3, 4, 3, 6]), cut=np.array([False, False, False, True])),
        "validation": SimpleNamespace(lengths=np.array([3, 9, 5]), cut=np.array([False, True, False])),
        "test": SimpleNamespace(lengths=np.array([2, 2]), cut=np.array([False, False])),
    }
    validation = {name: splits[name] for name in ("validation", "more")}
    examples = SimpleNamespace(splits=splits, validation=validation, test={"test": splits["test"]}, task=OWN)
    assert data_table(examples, rows).rows == [
        ["train", 4, "cat 75.0%, dog 25.0%, fish 0.0%", 4.0, 6, 1, 1, None, 2],
        ["validation", 2, "cat 50.0%, dog 0.0%, fish 50.0%", 6.0, 9, 1, 0, 1, 0],
        ["more", 1, "cat 0.0%, dog 100.0%, fish 0.0%", 5.0, 5, 0, 0, 0, 0],
        ["test: test", 2, "not given", 2.0, 2, 0, 0, 1, 0],
    ]


@pytest.mark.parametrize(
    ("split", "command"),
    [
        (Split(["cat", " it's fish ", "x" * 200], None, [0.0, 1.0, 2.0]), """genai-hf predict a/b 'it'"'"'s fish'"""),
        (Split(["cat", "-lrb-"], None, [0.0, 1.0]), "genai-hf predict a/b -- -lrb-"),
        (Split(["x", "cat"], ["one", "$two"], [0.0, 1.0]), "genai-hf predict a/b cat '$two'"),
    ],
)
def test_the_report_says_how_to_ask_with_an_example_of_readable_length(split, command):
    report = LabellingReport(examples=SimpleNamespace(validation={"validation": split}, test={}, task=OWN), rows={})
    assert report.question(Path("a/b")) == command


def trained(best=None, metric="accuracy", step=4):
    """What is asked of a Trainer after two epochs of two steps."""
    history = [
        {"step": 0, "epoch": 0, "eval_accuracy": 0.25, "eval_f1_macro": 0.2, "eval_loss": 2.0},
        {"step": 1, "epoch": 0.5, "loss": 1.0},
        {"step": 2, "epoch": 1.0, "eval_accuracy": 0.75, "eval_f1_macro": 0.7, "eval_loss": 1.0},
        {"step": 4, "epoch": 2.0, "eval_accuracy": 0.5, "eval_f1_macro": None, "eval_loss": 0.5},
        {"step": 4, "epoch": 2.0, "eval_accuracy": 0.75, "eval_f1_macro": 0.7, "eval_loss": 1.0},
    ]
    state = SimpleNamespace(log_history=history, global_step=step, best_model_checkpoint=best)
    return SimpleNamespace(
        state=state, args=SimpleNamespace(load_best_model_at_end=best is not None, metric_for_best_model=metric)
    )


def test_the_epochs_say_which_is_final_and_what_decided():
    table = epochs(trained("/somewhere/else/checkpoint-2"), OWN.scores)
    assert table.columns == [
        "epoch", "step", "accuracy (validation)", "F1 macro (validation)", "loss (validation)", "final",
    ]  # fmt: skip
    assert table.rows == [
        [0, 0, "25.0%", "0.200", "2", ""],
        [1.0, 2, "75.0%", "0.700", "1", "yes"],
        [2.0, 4, "50.0%", None, "0.500", ""],
    ]
    assert table.note == (
        "The final model is that with the best accuracy (validation). "
        "A score that chose its own epoch is a little too good."
    )


@pytest.mark.parametrize("metric", ["loss", "eval_loss"])
def test_another_deciding_metric_is_named(metric):
    assert "the best loss (validation)." in epochs(trained("x/checkpoint-4", metric), OWN.scores).note


def test_without_a_choice_the_last_epoch_is_final():
    table = epochs(trained(), OWN.scores)
    assert [row[-1] for row in table.rows] == ["", "", "yes"]
    assert table.note == "The final model is the last one."
    assert epochs(trained(step=0), OWN.scores) is None


def test_test_sets_with_labels_are_scored_each_by_its_own_metrics_and_name(tmp_path, monkeypatch):
    monkeypatch.setenv("GENAI_HF_ROOT", str(tmp_path / "outputs"))
    folder = write_glue(tmp_path / "glue")
    for kind, right in (("matched", THREE[0]), ("mismatched", THREE[1])):
        rows = [(*mnli(n, "the cat", "alpha a cat"), *[right if n else THREE[0]] * 6) for n in range(4)]
        put(folder / f"MNLI/test_{kind}.tsv", [*MNLI, *VOTES, "gold_label"], rows)
    full = ["Lexical Semantics", "Predicate-Argument Structure", "Logic", "Knowledge", "Domain"]
    rows = [("", "", "", "", "News", "the cat", f"{word} here", THREE[k]) for k, word in enumerate(["alpha", "beta"])]
    put(folder / "diagnostic/diagnostic-full.tsv", [*full, "Premise", "Hypothesis", "Label"], rows)
    words = ["glue", "task=mnli", f"data.path={folder}", *SCORED, knowing(tmp_path / "model", THREE), "run=r"]
    assert cli.main(words) == 0
    found = json.loads((tmp_path / "outputs" / "glue" / "r" / "metrics.json").read_text())
    figures = {key: value for key, value in found.items() if key.startswith("test_") and "loss" not in key}
    assert figures == {
        "test_accuracy": 1.0,
        "test_mnli-mm_accuracy": 0.25,
        "test_ax_matthews": 1.0,
        "test_ax_accuracy": 1.0,
    }
    assert not (tmp_path / "outputs" / "glue" / "r" / "predictions").exists()


def test_predictions_without_a_test_file_and_a_negative_count_are_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("GENAI_HF_ROOT", str(tmp_path / "outputs"))
    folder = write_glue(tmp_path / "glue")
    (folder / "RTE" / "test.tsv").unlink()
    checkpoint = knowing(tmp_path / "model", ["entailment", "not_entailment"])
    words = ["glue", "task=rte", f"data.path={folder}", *SCORED, checkpoint]
    capsys.readouterr()
    for setting, said in (
        ("predict=true", "'predict': task=rte has no test file here; leave it out"),
        ("hardest=-1", "'hardest' must be at least 0, got -1"),
    ):
        assert cli.main([*words, setting]) == 2
        assert capsys.readouterr().err == f"genai-hf glue: {said}\n"
    assert not list((tmp_path / "outputs").rglob("*.json"))
    assert cli.main([*words, "hardest=0", "run=r"]) == 0
    assert "Hardest" not in (tmp_path / "outputs" / "glue" / "r" / "report.md").read_text()


def test_the_sections_are_tables_of_as_many_cells_as_columns():
    table = confusion(["one", "two"], np.array([0.0]), np.array([1.0]))
    assert isinstance(table, Table)
    assert {len(row) for row in table.rows} == {len(table.columns)}
