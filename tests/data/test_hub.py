import threading
from itertools import islice

import pytest
from huggingface_hub import constants

from genai_hf import data
from genai_hf.data import hub
from genai_hf.errors import DataError

FILES = "download it where there is a network, and give its files: data.path=…"


@pytest.fixture
def online(monkeypatch):
    """A Hub with one data set of three rows; the list holds what was asked of it."""
    asked = []

    def stream(*arguments):
        asked.append(arguments)
        return ({"id": number, "text": f"\ufefftext {number}\r\n"} for number in range(3))

    monkeypatch.setattr(hub, "_ask", lambda name, revision: f"commit of {revision or 'main'}")
    monkeypatch.setattr(hub, "stream", stream)
    return asked


def test_a_stream_is_read_at_the_commit_that_was_found(online):
    corpus = data.documents(format="hub", name="me/novels", config="en", split="test", revision="v1", max_tokens=7)
    assert (corpus.name, corpus.max_tokens, online) == ("me/novels", 7, [])
    assert list(corpus.read()) == ["text 0\n", "text 1\n", "text 2\n"]
    assert online == [("me/novels", "en", "test", "commit of v1")]


def test_the_fingerprint_follows_the_commit_and_the_settings(online):
    settings = [{}, {"revision": "v1"}, {"config": "en"}, {"split": "test"}, {"column": "id"}, {"max_documents": 2}]
    fingerprints = {data.documents(format="hub", name="me/novels", **changed).fingerprint for changed in settings}
    assert len(fingerprints) == len(settings)
    assert data.documents(format="hub", name="me/novels").fingerprint in fingerprints


def test_at_most_max_documents_are_asked_for(online):
    assert len(list(data.documents(format="hub", name="me/novels", max_documents=2).read())) == 2


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"id": 1, "body": "a"}, "me/novels:2: no column 'text' among id, body; name another: data.column=…"),
        ({"text": None}, "me/novels:2: 'text' is null; leave the row out"),
    ],
)
def test_a_row_without_text_is_named(online, monkeypatch, row, message):
    monkeypatch.setattr(hub, "stream", lambda *arguments: [{"text": "fine"}, row])
    texts = data.documents(format="hub", name="me/novels").read()
    assert list(islice(texts, 1)) == ["fine"]
    with pytest.raises(DataError) as caught:
        next(texts)
    assert str(caught.value) == message


def test_offline_says_at_once_what_to_do_instead(monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(DataError) as caught:
        data.documents(format="hub", name="me/novels")
    assert str(caught.value) == f"me/novels: is on the Hub, and HF_HUB_OFFLINE forbids the network; {FILES}"


def test_what_cannot_be_a_name_is_refused_without_a_network(monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    with pytest.raises(DataError) as caught:
        hub.commit("./my/novels", None)
    expected = "./my/novels: is no name of a data set on the Hub (owner/name); for files say data=json data.path=…"
    assert str(caught.value) == expected


def test_a_hub_that_cannot_be_reached_is_said_in_one_line(monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.HfApi.dataset_info", refuse)
    with pytest.raises(DataError) as caught:
        hub.commit("me/novels", None)
    assert str(caught.value) == f"me/novels: the Hub cannot be reached (no address); {FILES}"


def test_a_hub_that_does_not_answer_is_not_waited_for(monkeypatch):
    silence = threading.Event()
    monkeypatch.setattr(hub, "PATIENCE", 0.01)
    monkeypatch.setattr(hub, "_ask", lambda name, revision: silence.wait(10))
    with pytest.raises(DataError) as caught:
        hub.commit("me/novels", None)
    silence.set()
    assert str(caught.value) == f"me/novels: the Hub did not answer within 0 s; {FILES}"


def refuse(self, name, *, revision):
    raise ConnectionError(f"\n no address\n{name} {revision}")
