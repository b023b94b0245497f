"""A mistake with a model or a tokenizer is answered in a line, before anything expensive; and a good one is taken."""

from dataclasses import replace

import bad_models
import bad_runs
import bad_tokenizers
import bad_weights
import pytest
from asking import Case, ask, require
from model_parts import GOOD, NAMED, WRITER, adapter, in_shards, run

from genai_hf import manifests

SLOW = 2.0  # s, which a model on the Hub may take to be refused where there is no network


CASES = [*bad_models.CASES, *bad_tokenizers.CASES, *bad_weights.CASES, *bad_runs.CASES]


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, marks=pytest.mark.slow) if number % 2 else case for number, case in enumerate(CASES)],
    ids=lambda case: case.cause,
)
def test_a_mistake_is_answered_in_a_line(case, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    case.lay_out(tmp_path)
    require(case, ask(case.words, capsys))
    if "network" in case.cause:  # once more, for now the libraries are imported
        assert ask(case.words, capsys).seconds < SLOW


@pytest.mark.parametrize("cause", ["Weights of another shape", "Weights of more layers", "Weights of fewer layers"])
def test_a_look_at_a_run_says_the_same_of_its_weights(cause, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (case,) = (case for case in bad_weights.CASES if case.cause == cause)
    looked = replace(case, words=["check", *case.words])
    looked.lay_out(tmp_path)
    require(looked, ask(looked.words, capsys))


@pytest.mark.parametrize(
    ("words", "files"),
    [
        ((*NAMED, "trainer.max_steps=1"), in_shards(GOOD)),
        (("generate", "run", "w1 w2", "generation.max_new_tokens=2"), run(WRITER)),
        (("merge", "run"), run(adapter("model")) | WRITER),
        (("verify", "run", "--steps", "0"), run(WRITER)),
    ],
    ids=["shards", "run", "adapter", "manifest"],
)
def test_what_is_whole_is_taken(words, files, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Case(cause="", words=words, files=files, said="").lay_out(tmp_path)
    answer = ask(words, capsys)
    assert answer.code == 0, answer
    assert words[0] != "merge" or manifests.problem(tmp_path / "run" / "merged") is None
