"""A recipe of the user's own: what of its settings it reads, and what of ours is read in a copy."""

import ast
from importlib.resources import files
from pathlib import Path

import pytest

from genai_hf import cli, recipe_files
from genai_hf.errors import ConfigError
from genai_hf.settings import composing, own_sources

OVERRIDES = {"distill": ["of=bert_mlm"]}


def read(source: str) -> dict[str, bool]:
    return {one.key: one.required for one in own_sources.reads(ast.parse(source))}


@pytest.mark.parametrize(
    ("line", "keys"),
    [
        ("cfg.data.path", {"data.path": True}),
        ("cfg['data'].path", {"data.path": True}),
        ("cfg.get('data')", {"data": False}),
        ("OmegaConf.select(cfg, 'data.path')", {"data.path": False}),
        ("'mine' in cfg.data", {"data.mine": False}),
        ("cfg.data if cfg.seed else cfg.mine", {"data": False, "seed": False, "mine": False}),
        ("cfg.data.items()", {"data": True}),
        ("config.build(part, cfg.data, at='data', seed=cfg.seed)", {"data": True, "seed": True}),
        ("config.batching(cfg)", {}),
        ("helper(cfg)", {"": True}),
        ("cfg.copy()", {"": True}),
        ("cfg[key]", {"": True}),
        ("own(cfg, cfg.seed)\ndef own(cfg, seed):\n    return cfg.mine", {"seed": True, "mine": True}),
        ("cfg = other()", {"": True}),
    ],
)
def test_what_a_recipe_reads_is_told_from_its_source(line, keys):
    assert read(line) == keys


FEW = ("distill", "glue", "train_tokenizer")


@pytest.mark.parametrize(
    "name", [name if name in FEW else pytest.param(name, marks=pytest.mark.slow) for name in recipe_files.shipped()]
)
def test_a_copy_of_every_recipe_has_no_key_that_nobody_reads(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["cp", name, "copied"]) == 0
    composing.compose(recipe_files.find("copied.py"), OVERRIDES.get(name, []))


def test_keys_of_ones_own_may_be_read_by_the_recipe_or_by_other_values(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["cp", "bert_mlm", "reading"]) == 0
    source, settings = Path("reading.py"), Path("reading.yaml")
    source.write_text(source.read_text().replace("seed=cfg.seed", "seed=cfg.mine.seed + cfg.get('more', 0)", 1))
    settings.write_text(settings.read_text() + "mine: {seed: 3}\nother: 16\nblanks: {top: '${other}'}\n")
    assert composing.compose(recipe_files.find("reading.py")).mine.seed == 3


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("x = 1 / 0", "raising.py:5: ZeroDivisionError: division by zero; mend the recipe there"),
        ("from json import nothing", "raising.py:5: ImportError: cannot import name 'nothing' from 'json'"),
        ("x = nothing", "raising.py:5: NameError: name 'nothing' is not defined; mend the recipe there"),
        ("import beside", "raising.py:5: AttributeError: module 'json' has no attribute 'nothing'; mend the recipe"),
    ],
)
def test_what_a_recipe_raises_while_it_is_imported_is_a_line_with_its_place(line, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    Path("beside.py").write_text("import json\n\njson.nothing\n")
    Path("raising.yaml").write_text("defaults: [base]\n")
    Path("raising.py").write_text(f'"""Mine."""\n\n\ndef main(cfg): ...\n{line}\n')
    with pytest.raises(ConfigError) as caught:
        recipe_files.find("raising.py").load()
    assert str(caught.value).startswith(said)


def test_settings_that_are_not_utf_8_are_named_with_the_byte(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("latin.py").write_text('"""Mine."""\n\n\ndef main(cfg): ...\n')
    Path("latin.yaml").write_bytes(b"defaults: [base]\nnote: K\xe4se\n")
    assert cli.main(["./latin.py"]) == 2
    assert "latin.yaml: is not UTF-8 at byte 25; save it as UTF-8" in capsys.readouterr().err


def test_what_a_recipe_looks_up_in_a_table_must_be_in_it(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("of").mkdir()
    Path("of/mine.yaml").write_text(
        "# @package _global_\ndefaults: [/spanbert, /model@teacher.model: bert_tiny, _self_]\nof: spanbert\n"
    )
    assert cli.main(["distill", "--config-dir", ".", "of=mine"]) == 2
    assert capsys.readouterr().err == (
        "genai-hf distill: 'of' cannot be 'spanbert'; distill.py knows glue, bert_mlm, gpt_lm, t5_qa\n"
    )


def test_settings_of_ones_own_that_lack_what_the_recipe_reads(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    lines = files("genai_hf.conf").joinpath("bert_mlm.yaml").read_text().splitlines()
    (tmp_path / "bert_mlm.yaml").write_text("\n".join(line for line in lines if not line.startswith("second_text")))
    assert cli.main(["bert_mlm", "--config-dir", "."]) == 2
    said = "genai-hf bert_mlm: bert_mlm.yaml: lacks 'second_text', which bert_mlm.py:31 reads; write it there\n"
    assert capsys.readouterr().err == said
