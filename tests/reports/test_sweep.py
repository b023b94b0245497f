import csv
import json
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest
from run_folders import HOSTILE, assert_inert, page, write_run

from genai_hf.errors import UserError
from genai_hf.reports.render import write_report
from genai_hf.reports.sweep import SweepCell, load_sweep, write_sweep

FAILED = "trainer: the loss is no longer a number after step 7"


def cell(root, metrics, error=None, **overrides):
    folder = root / "bert_mlm" / (",".join(f"{key}={value}" for key, value in overrides.items()) + "-1a2b")
    if metrics is not False:
        write_run(folder, metrics=metrics)
    return SweepCell({key: str(value) for key, value in overrides.items()}, folder, error)


def loss(value, accuracy=0.25):
    return {"eval_loss": value, "eval_accuracy": accuracy, "steps": 20.0}


def svg_texts(folder):
    root = ET.fromstring((folder / "sweep.svg").read_text(encoding="utf-8"))
    return [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]


@pytest.fixture
def rates(tmp_path):
    """Two seeds at three rates: one cell unfinished, one failed."""
    return [
        cell(tmp_path, loss(4.0), model="bert_tiny", lr="1e-5", seed=1),
        cell(tmp_path, loss(4.2), model="bert_tiny", lr="1e-5", seed=2),
        cell(tmp_path, loss(3.5), model="bert_tiny", lr="1e-4", seed=1),
        cell(tmp_path, None, model="bert_tiny", lr="1e-4", seed=2),
        cell(tmp_path, loss(3.9), model="bert_tiny", lr="1e-3", seed=1),
        cell(tmp_path, False, FAILED, model="bert_tiny", lr="1e-3", seed=2),
    ]


def test_a_run_whose_final_numbers_are_none_is_named_unless_it_failed_for_them(rates, tmp_path):
    write_sweep(tmp_path / "sweep", "Rates", rates)
    (rates[0].folder / "metrics.json").write_text('["eval_loss"]')
    with pytest.raises(UserError, match=r"seed=1-1a2b/metrics\.json holds no names and numbers; run it "):
        write_sweep(tmp_path / "sweep", *load_sweep(tmp_path / "sweep"))
    failed = [replace(rates[0], error="its metrics.json holds no numbers"), *rates[1:]]
    text = page(write_sweep(tmp_path / "sweep", "Rates", failed)).text
    assert "3 of 6 runs finished, 2 failed." in text


MARKDOWN = """\
# Rates

4 of 6 runs finished, 1 failed. Best loss (validation): 3.500 with lr=1e-4, seed=1.

In every run: model=bert_tiny.

![eval_loss](sweep.svg)

## Loss (validation) over seeds

| lr | runs | mean | standard deviation | lowest | highest |
| --- | ---: | ---: | ---: | ---: | ---: |
| 1e-5 | 2 | 4.100 | 0.141 | 4 | 4.200 |
| 1e-4 | 1 | 3.500 | – | 3.500 | 3.500 |
| 1e-3 | 1 | 3.900 | – | 3.900 | 3.900 |

## Runs

| lr | seed | state | loss (validation) | accuracy (validation) |
| --- | ---: | --- | ---: | ---: |
| 1e-5 | 1 | [finished](../bert_mlm/model%3Dbert_tiny%2Clr%3D1e-5%2Cseed%3D1-1a2b/report.md) | 4 | 25.0% |
| 1e-5 | 2 | finished | 4.200 | 25.0% |
| 1e-4 | 1 | finished | 3.500 | 25.0% |
| 1e-4 | 2 | unfinished | – | – |
| 1e-3 | 1 | finished | 3.900 | 25.0% |
| 1e-3 | 2 | failed | – | – |

## What failed

- lr=1e-3, seed=2: trainer: the loss is no longer a number after step 7
"""


def test_the_table_has_a_row_a_run_and_says_what_failed(rates, tmp_path):
    write_report(rates[0].folder)
    path = write_sweep(tmp_path / "sweep", "Rates", rates)
    assert (tmp_path / "sweep" / "sweep.md").read_text(encoding="utf-8") == MARKDOWN
    parsed = page(path)
    assert FAILED in parsed.text
    links = [attributes["href"] for tag, attributes in parsed.tags if tag == "a"]
    assert links == ["../bert_mlm/model%3Dbert_tiny%2Clr%3D1e-5%2Cseed%3D1-1a2b/report.html"]
    assert_inert(path)


def test_the_csv_holds_every_override_and_metric_unrounded(rates, tmp_path):
    write_sweep(tmp_path / "sweep", "Rates", rates)
    with (tmp_path / "sweep" / "sweep.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert rows[1] == {
        "model": "bert_tiny", "lr": "1e-5", "seed": "2", "state": "finished", "eval_loss": "4.2",
        "eval_accuracy": "0.25", "steps": "20.0", "error": "",
        "folder": "../bert_mlm/model=bert_tiny,lr=1e-5,seed=2-1a2b",
    }  # fmt: skip
    assert (rows[5]["state"], rows[5]["eval_loss"], rows[5]["error"]) == ("failed", "", FAILED)


def test_one_numeric_setting_is_a_line_over_it_with_the_spread_of_its_seeds(rates, tmp_path):
    write_sweep(tmp_path / "sweep", "Rates", rates)
    assert svg_texts(tmp_path / "sweep")[:3] == ["1e-5", "1e-4", "1e-3"]
    assert {"loss (validation)", "lr", "mean", "lowest", "highest"} <= set(svg_texts(tmp_path / "sweep"))


def test_one_setting_in_words_is_bars(tmp_path):
    cells = [cell(tmp_path, loss(4.0 - i), peft=name) for i, name in enumerate(["none", "lora", "prefix"])]
    write_sweep(tmp_path / "sweep", "s", cells)
    assert [text for text in svg_texts(tmp_path / "sweep") if text] == [
        "peft=none", "4", "peft=lora", "3", "peft=prefix", "2", "loss (validation)",
    ]  # fmt: skip


def test_two_settings_are_a_heat_map_of_means_over_seeds(tmp_path):
    cells = [
        cell(tmp_path, loss(rate + seed), peft=name, lr=rate, seed=seed)
        for name, rate, seed in [("none", 1, 0), ("none", 1, 1), ("none", 2, 0), ("lora", 2, 0)]
    ]
    write_sweep(tmp_path / "sweep", "s", cells)
    label = "loss (validation); down: peft, across: lr"
    assert svg_texts(tmp_path / "sweep") == ["1", "2", "none", "lora", "1.500", "2", "2", label]


def test_settings_that_change_what_the_evaluation_asks_are_named(tmp_path):
    caution = "Compare with care: masking.probability also changed what the evaluation asks."
    for setting, said in [("masking.probability", True), ("trainer.learning_rate", False)]:
        cells = [cell(tmp_path, loss(3.0 + rate), **{setting: rate}) for rate in (0.1, 0.2)]
        write_sweep(tmp_path / "sweep", "s", cells)
        assert (caution in page(tmp_path / "sweep" / "report.html").text) == said
        assert (caution in (tmp_path / "sweep" / "sweep.md").read_text()) == said


def test_seeds_alone_are_what_varied(tmp_path):
    write_sweep(tmp_path / "sweep", "s", [cell(tmp_path, loss(4.0 + seed), seed=seed) for seed in (1, 2)])
    assert {"seed", "loss (validation)"} <= set(svg_texts(tmp_path / "sweep"))
    assert "over seeds" not in (tmp_path / "sweep" / "sweep.md").read_text()


@pytest.mark.parametrize(
    ("metrics", "main"),
    [
        ({"train_loss": 1.0, "eval_f1": 0.5, "eval_loss": 2.0}, "Best loss (validation): 2 "),
        ({"train_loss": 1.0, "eval_runtime": 2.0, "eval_f1": 0.5}, "Best F1 (validation): 0.500 "),
        ({"steps": 3.0, "tokens_per_word": 1.25}, "Best tokens per word: 1.250 "),
    ],
)
def test_the_main_metric_is_the_validation_loss_or_the_first_other_result(tmp_path, metrics, main):
    write_sweep(tmp_path / "sweep", "s", [cell(tmp_path, metrics, a=1), cell(tmp_path, None, a=2)])
    assert main in (tmp_path / "sweep" / "sweep.md").read_text(encoding="utf-8")


def test_the_best_run_has_the_lowest_loss_or_the_highest_score(tmp_path):
    write_sweep(tmp_path / "one", "s", [cell(tmp_path, {"eval_loss": x}, a=x) for x in (2.5, 1.5, 3.5)])
    assert "with a=1.5." in (tmp_path / "one" / "sweep.md").read_text()
    write_sweep(tmp_path / "two", "s", [cell(tmp_path, {"eval_f1": x}, b=x) for x in (0.25, 0.75, 0.5)])
    assert "with b=0.75." in (tmp_path / "two" / "sweep.md").read_text()
    write_sweep(tmp_path / "tie", "s", [cell(tmp_path, {"eval_f1": min(x, 0.5)}, c=x) for x in (0.25, 0.5, 0.75)])
    assert "with c=0.5 and 1 more alike." in (tmp_path / "tie" / "sweep.md").read_text()


def test_a_share_is_drawn_in_percent(tmp_path):
    write_sweep(tmp_path / "sweep", "s", [cell(tmp_path, {"eval_accuracy": x}, peft=f"p{x}") for x in (0.25, 0.75)])
    assert {"25", "75", "accuracy (validation), percent"} <= set(svg_texts(tmp_path / "sweep"))


def test_a_sweep_can_be_written_again_from_its_folder(rates, tmp_path):
    folder = tmp_path / "sweep"
    path = write_sweep(folder, "Rates", rates)
    files = {file: file.read_bytes() for file in folder.iterdir()}
    assert sorted(file.name for file in files) == ["report.html", "sweep.csv", "sweep.json", "sweep.md", "sweep.svg"]
    title, cells = load_sweep(folder)
    assert (title, cells) == ("Rates", rates)
    assert write_sweep(folder, title, cells) == path
    assert {file: file.read_bytes() for file in folder.iterdir()} == files


def test_the_cells_are_found_from_the_sweeps_folder_wherever_it_lies(rates, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_sweep(tmp_path / "sweep", "Rates", rates)
    assert json.loads((tmp_path / "sweep" / "sweep.json").read_text())["cells"][0]["folder"].startswith("../bert_mlm/")
    _, cells = load_sweep(tmp_path / "sweep" / ".." / "sweep")
    assert cells[0].folder == rates[0].folder


def test_while_nothing_has_finished_there_is_no_picture(tmp_path):
    folder = tmp_path / "sweep"
    write_sweep(folder, "s", [cell(tmp_path, loss(1.0), a=1)])
    assert (folder / "sweep.svg").is_file()
    path = write_sweep(folder, "s", [cell(tmp_path, False, b=1), cell(tmp_path, None, b=2)])
    assert not (folder / "sweep.svg").exists()
    assert "sweep.svg" not in (folder / "sweep.md").read_text()
    assert "0 of 2 runs finished." in page(path).text
    assert "not started" in page(path).text
    assert "unfinished" in page(path).text


def test_an_empty_sweep_is_a_page_too(tmp_path):
    assert "0 of 0 runs finished." in page(write_sweep(tmp_path, "s", [])).text


def test_hostile_overrides_errors_and_titles_are_inert(tmp_path):
    text = HOSTILE.replace("\ud800", "")
    cells = [SweepCell({text: text, "b": "1"}, write_run(tmp_path / "javascript:alert(1)", metrics=loss(1.0)))]
    cells.append(SweepCell({text: "x", "b": "2"}, tmp_path / "b", text))
    write_report(cells[0].folder)
    path = write_sweep(tmp_path, text, cells)
    assert_inert(path)
    markdown = (tmp_path / "sweep.md").read_text(encoding="utf-8")
    assert "<img" not in markdown
    assert "](javascript:" not in markdown.replace("\\](", "")


@pytest.mark.parametrize("damaged", ["{", "[]", '{"title": "t"}', '{"title": "t", "cells": [{"overrides": {}}]}'])
def test_a_folder_without_a_sweep_and_a_damaged_one_are_refused_in_one_line(tmp_path, damaged):
    with pytest.raises(UserError, match=r"not a sweep's folder \(it has no sweep\.json\)"):
        load_sweep(tmp_path)
    (tmp_path / "sweep.json").write_text(damaged)
    with pytest.raises(UserError, match="not a sweep's list of runs"):
        load_sweep(tmp_path)
