"""What is on the Hub is asked for once; without an answer the command says what to put where."""

import sys
import urllib.request
from threading import Event

import bad_networks
import huggingface_hub
import pytest
from asking import ask, require
from huggingface_hub import constants

from genai_hf import reaching, recipe_files
from genai_hf.data import hub
from genai_hf.errors import DataError
from genai_hf.settings import checking
from genai_hf.settings.composing import compose

PARAMETERS = [pytest.param(case, id=case.cause) for case in bad_networks.CASES]
LONGEST = 2.0  # s


@pytest.fixture
def _silence(monkeypatch):
    """A network that swallows every question: addresses are looked up, and nobody ever answers."""
    ended = Event()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(urllib.request, "getproxies", dict)

    def swallow(*_, **__):
        ended.wait(30)
        raise OSError("nobody answered")

    monkeypatch.setattr(reaching.socket, "create_connection", swallow)
    monkeypatch.setattr(huggingface_hub.HfApi, "dataset_info", swallow)
    yield
    ended.set()


@pytest.mark.usefixtures("_silence")
@pytest.mark.parametrize("case", PARAMETERS)
def test_what_nobody_answers_is_said_in_time(case, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(reaching, "PATIENCE", 0.05)
    answer = ask(case.words, capsys)
    require(case, answer)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("case", PARAMETERS)
def test_what_may_not_be_asked_is_said_at_once(case, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    answer = ask(case.words, capsys)
    said = case.said.replace(bad_networks.SILENT, "HF_HUB_OFFLINE forbids the network")
    assert answer.said.partition(": ")[2] == said
    assert answer.seconds < LONGEST


@pytest.mark.usefixtures("_silence")
def test_the_whole_wait_is_short_and_not_repeated(capsys):
    answer = ask(["bert_mlm", "model=pretrained", "model.name=owner/name"], capsys)
    assert bad_networks.SILENT in answer.said
    assert reaching.PATIENCE <= answer.seconds < reaching.PATIENCE + 1.5  # of a busy machine


@pytest.mark.usefixtures("_silence")
def test_a_data_set_that_nobody_answers_for_says_what_to_put_where(monkeypatch):
    monkeypatch.setattr(hub, "PATIENCE", 0.05)
    with pytest.raises(DataError, match=r"the Hub did not answer within .* give its files: data.path="):
        hub.commit("owner/name", None)


@pytest.mark.usefixtures("_silence")
def test_what_was_downloaded_before_is_used_and_nobody_is_asked_again(tmp_path, monkeypatch, capsys):
    snapshot = tmp_path / "models--owner--name/snapshots/abc"
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text("{}")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(reaching, "PATIENCE", 0.05)
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    recipe = recipe_files.find("bert_mlm")
    checking.check(compose(recipe, ["model=pretrained", "model.name=owner/name"]), recipe)
    assert capsys.readouterr().err == "the Hub cannot be reached: owner/name is taken as it was downloaded before\n"
    assert constants.HF_HUB_OFFLINE


def test_a_proxy_is_trusted_to_answer(monkeypatch):
    monkeypatch.setattr(urllib.request, "getproxies", lambda: {"https": "http://127.0.0.1:9"})
    assert reaching.answers("https://example.invalid")


def test_a_test_that_asks_for_the_network_would_fail():
    audit = sys.modules["conftest"]
    assert not reaching.answers("https://203.0.113.1")
    assert audit._asked == ["socket.getaddrinfo 203.0.113.1"]
    audit._asked.clear()
