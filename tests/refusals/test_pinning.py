"""A model of the Hub is taken at one commit, with its tokenizer; which one is written down, and kept on resuming."""

import json
from pathlib import Path

import pytest
from huggingface_hub import constants
from model_parts import TEXTS, TRAIN, Files, adapter, bert, gpt2, run, tokenizer
from omegaconf import OmegaConf

from genai_hf import cli, pinning
from genai_hf.errors import ConfigError

FIRST, SECOND, OTHER = "1" * 40, "2" * 40, "3" * 40
NAME = "me/mine"


@pytest.fixture
def hub(tmp_path, monkeypatch) -> Path:
    """A cache as the Hub's library leaves it: of me/mine the tag v1, of 60 words, and main, of 64; and a decoder."""
    folder = tmp_path / "hub"
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(folder))
    monkeypatch.chdir(tmp_path)
    lay_out(tmp_path, TEXTS)
    for name, branch, commit, files in (
        ("mine", "v1", FIRST, bert(words=60) | tokenizer(60)),
        ("mine", "main", SECOND, bert()),
        ("writes", "main", OTHER, gpt2()),
    ):
        repository = folder / f"models--me--{name}"
        lay_out(repository, {f"snapshots/{commit}/{file.removeprefix('model/')}": files[file] for file in files})
        lay_out(repository, {f"refs/{branch}": commit})
    return folder


def lay_out(folder: Path, files: Files) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)


@pytest.mark.parametrize(
    ("words", "commit", "tokens"), [(["model.revision=v1"], FIRST, 60), ([], SECOND, 64)], ids=["tag", "newest"]
)
def test_the_commit_of_model_and_tokenizer_is_written_down_and_on_the_card(words, commit, tokens, hub, tmp_path):
    given = [f"model.name={NAME}", "trainer.max_steps=1", "run=pinned", f"root={tmp_path}"]
    assert cli.main([*TRAIN, *given, *words]) == 0
    left = tmp_path / "bert_mlm" / "pinned"
    written = OmegaConf.load(left / "config.yaml")
    assert [written.model.revision, written.tokenizer.revision] == [commit, commit]
    assert f"| model.revision | {commit} |" in (left / "model" / "README.md").read_text()
    assert len(json.loads((left / "model" / "tokenizer.json").read_text())["model"]["vocab"]) == tokens


def settings(**model):
    return OmegaConf.create({"model": {"name": NAME, "revision": None, **model}, "tokenizer": {"name": NAME}})


def test_a_run_goes_on_with_the_commit_that_it_began_with(hub):
    began, again = settings(), settings()
    pinning.pin(began, OmegaConf.create())
    (hub / "models--me--mine" / "refs" / "main").write_text(FIRST)
    pinning.pin(again, began)
    assert began == again
    assert again.model.revision == again.tokenizer.revision == SECOND
    with pytest.raises(ConfigError) as refused:
        pinning.pin(settings(revision="main"), began)
    assert str(refused.value) == (
        f"'model.revision': main of {NAME} was {SECOND} when this run began, and is {FIRST}; name the commit, "
        "or another run with run=…"
    )
    pinning.pin(settings(revision=FIRST), began)  # that is no mistake


def test_a_tokenizer_of_another_name_has_a_commit_of_its_own_and_a_folder_none(hub, tmp_path):
    lay_out(tmp_path, bert())
    cfg = OmegaConf.create({"model": {"name": "model", "revision": None}, "tokenizer": {"name": "me/writes"}})
    pinning.pin(cfg, OmegaConf.create())
    assert cfg == {
        "model": {"name": "model", "revision": None},
        "tokenizer": {"name": "me/writes", "revision": OTHER},
    }


def test_what_is_in_the_cache_without_being_a_model_is_refused(hub, capsys):
    (hub / "models--me--mine" / "snapshots" / SECOND / "config.json").write_text("{}")
    assert cli.main([*TRAIN, f"model.name={NAME}"]) == 2
    assert "config.json says no 'model_type'" in capsys.readouterr().err


def test_an_adapter_is_merged_into_the_commit_of_its_base(hub, tmp_path, capsys):
    lay_out(tmp_path, run(adapter("me/writes", revision=OTHER)))
    (hub / "models--me--writes" / "refs" / "main").write_text(FIRST)  # where there is none
    assert cli.main(["merge", "run"]) == 0
    assert "merged: " in capsys.readouterr().out
