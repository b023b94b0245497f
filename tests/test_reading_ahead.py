"""A recipe's data is read before torch is imported, once, and by every recipe that has any."""

import logging
import re
import sys
from pathlib import Path

import glue_folder
import pytest
from omegaconf import DictConfig

import genai_hf
from genai_hf import cli, config, prepared, reading_ahead, recipe_files
from genai_hf.collators.causal import CausalLMCollator
from genai_hf.data import remarks, splits
from genai_hf.errors import DataError
from genai_hf.settings import composing

FEW = ("bert_mlm", "distill", "glue", "instruct", "t5_spans")


@pytest.mark.parametrize(
    "name", [name if name in FEW else pytest.param(name, marks=pytest.mark.slow) for name in recipe_files.shipped()]
)
def test_every_part_of_the_data_that_a_recipe_names_is_read_ahead(name, tmp_path):
    recipe, file = recipe_files.find(name), tmp_path / "capitals.jsonl"
    file.write_text(
        "".join(f'{{"question": "{number}?", "answers": ["{number}"]}}\n' for number in range(40)), encoding="utf-8"
    )
    cfg = composing.compose(recipe, [f"supervised.capitals.path={file}"] if name == "t5_spans" else [])
    (source,) = {one.path.read_text(encoding="utf-8") for one in recipe_files.with_base(recipe, cfg)[-1:]}
    named = re.findall(r"config\.build\(\s*data\.\w+,.*?\bat=f?\"(\w+)", source, re.DOTALL)
    assert "data" in named
    assert {at.partition(".")[0] for at in reading_ahead.read(cfg, recipe)} == set(named)


def settings(folder: Path, *more: str) -> list[str]:
    file = folder / "sentiment.csv"
    file.write_text("text,label\n" + "a cat,yes\na dog,no\na cat,yes\n" * 10, encoding="utf-8")
    return ["task=local", f"data.path={file}", *glue_folder.UNTRAINED, "trainer.max_steps=1", *more]


def test_a_run_reads_its_files_once_and_says_once_what_is_odd_in_them(tmp_path, monkeypatch, capsys):
    read, seen = splits.read_rows, list[str]()
    module = sys.modules["genai_hf.data.labelled"]  # whose name in the package is the function's
    monkeypatch.setattr(module, "read_rows", lambda *given: (seen.append(given[1]), read(*given))[1])
    monkeypatch.setenv("GENAI_HF_ROOT", str(tmp_path / "outputs"))
    genai_hf.run(genai_hf.compose("glue", settings(tmp_path)))
    assert seen == ["train"]
    assert capsys.readouterr().err.count("rows repeat an earlier one") == 1


def made(result: object) -> dict[str, prepared.Made]:
    said = ["said before"]
    of = (CausalLMCollator, {"packing": "stream"}, {"end_of_text": 2})
    return {"batch": prepared.Made(*of, result, lambda: remarks.say(said))}


def built(at: str = "batch", packing: str = "stream", end_of_text: int = 2) -> object:
    return config.build(CausalLMCollator, {"packing": packing}, at=at, end_of_text=end_of_text)


def test_what_was_made_is_given_out_once_with_what_it_said(capsys):
    with prepared.keep(made("made")):
        assert built() == "made"
        assert capsys.readouterr().err == "said before\n"
        assert built() == CausalLMCollator(end_of_text=2, packing="stream")
        assert capsys.readouterr().err == ""


@pytest.mark.parametrize("other", [{"at": "other"}, {"packing": "documents"}, {"end_of_text": 3}])
def test_what_was_made_of_other_settings_is_not(other):
    with prepared.keep(made("made")):
        assert isinstance(built(**other), CausalLMCollator)


def test_nothing_is_kept_behind_its_context():
    with prepared.keep(made("made")):
        pass
    assert isinstance(built(), CausalLMCollator)


def test_check_reads_what_a_recipe_that_trains_nothing_would(tmp_path, capsys):
    file = tmp_path / "a.txt"
    words = ["check", "train_tokenizer", "data=text", "data.document=line", f"data.path={file}"]
    file.write_bytes(b"one\ntwo\n")
    assert cli.main(words) == 0
    assert "\ndata          1 files, 2 documents, 6 characters\n" in capsys.readouterr().out
    file.write_bytes(b"one\n\xff\n")
    assert cli.main(words) == 2
    assert f"genai-hf check: {file}:2: is not UTF-8 (byte 0xff at 1)" in capsys.readouterr().err


OWN = """from genai_hf import config, data
from genai_hf.data import corpus
from genai_hf.data.corpus import documents

PLACE = {"at": "data"}


def build(cfg):
    LINES
"""


@pytest.mark.parametrize(
    ("lines", "read"),
    [
        ('text = config.build(documents, cfg.data, at="data")', {"data"}),
        ('text = config.build(corpus.documents, cfg.data, at="data")', {"data"}),
        ("text = config.build(data.documents, cfg.data, **PLACE)", set()),
        ('text = config.build(data.documents, node=cfg.data, at="data")', set()),
        ('texts = {name: config.build(data.documents, cfg.data, at="data") for name in ("data",)}', set()),
        (
            "texts = {name: config.build(data.documents, node, at=name) for name, node in cfg.items() if node.path}",
            set(),
        ),
        ('cfg.data.path = "another.txt"\n    text = config.build(data.documents, cfg.data, at="data")', set()),
        ('prepare(cfg)\n    text = config.build(data.documents, cfg.data, at="data")', set()),
        ('if cfg.seed:\n        text = config.build(data.documents, cfg.data, at="data")', set()),
    ],
)
def test_of_a_recipe_of_ones_own_is_read_ahead_what_is_certain(lines, read, tmp_path):
    (tmp_path / "a.txt").write_text("one\n")
    (tmp_path / "mine.py").write_text(OWN.replace("LINES", lines))
    node = {"format": "text", "path": str(tmp_path / "a.txt"), "document": "line"}
    recipe = recipe_files.RecipeFile(tmp_path / "mine.py", packaged=False)
    assert set(reading_ahead.read(DictConfig({"data": node, "seed": 1}), recipe)) == read


def test_what_a_reader_logs_is_in_the_runs_log_without_secrets(tmp_path, monkeypatch, capsys):
    read = splits.read_rows
    said = "hf_" + "a" * 34

    def warning(*given):
        logging.getLogger("a.library").warning("a token %s", said)
        return read(*given)

    monkeypatch.setattr(sys.modules["genai_hf.data.labelled"], "read_rows", warning)
    monkeypatch.setenv("GENAI_HF_ROOT", str(tmp_path / "outputs"))
    genai_hf.run(genai_hf.compose("glue", settings(tmp_path, "run=warned")))
    assert "a token" not in capsys.readouterr().err
    log = (tmp_path / "outputs/glue/warned/run.log").read_text(encoding="utf-8")
    assert "WARNING a.library: a token" in log
    assert said not in log


def test_a_run_whose_data_is_wrong_leaves_nothing_and_takes_nothing_away(tmp_path, monkeypatch):
    monkeypatch.setenv("GENAI_HF_ROOT", str(tmp_path / "outputs"))
    words = settings(tmp_path, "run=kept")
    genai_hf.run(genai_hf.compose("glue", words))
    folder = tmp_path / "outputs/glue/kept"
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    (tmp_path / "sentiment.csv").write_text("text,label\n,yes\na dog,no\n", encoding="utf-8")
    for again in range(2):
        with pytest.raises(DataError, match="'text' is empty"):
            genai_hf.build(genai_hf.compose("glue", [*words, "overwrite=true"]))
        with pytest.raises(DataError, match="'text' is empty"):
            genai_hf.run(genai_hf.compose("glue", [*words, f"run=new{again}"]))
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert [path.name for path in folder.parent.iterdir()] == ["kept"]
