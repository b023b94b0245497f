"""A tokenizer is trained once for each text and settings, or loaded by name; what is no tokenizer is refused."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from threading import Event

import httpx2
import pytest
from huggingface_hub.errors import GatedRepoError, LocalEntryNotFoundError, RepositoryNotFoundError
from transformers import BertConfig, BertTokenizer, PreTrainedTokenizerFast

from genai_hf import reaching, snapshots
from genai_hf.data.corpus import Corpus
from genai_hf.errors import ConfigError
from genai_hf.tokenization.loading import load, load_or_train
from genai_hf.tokenization.training import train

TEXT = ["A sailor went to sea, sea, sea, to see what he could see, see, see."] * 2


@dataclass
class Reads:
    """Counts how often the documents were asked for."""

    times: int = field(default=0)

    def __call__(self) -> Iterator[str]:
        self.times += 1
        return iter(TEXT)


@pytest.fixture
def reads() -> Reads:
    return Reads()


@pytest.fixture
def corpus(reads) -> Corpus:
    return Corpus("rhyme", "fingerprint of the rhyme", reads, {})


def test_the_second_call_finds_what_the_first_has_trained(corpus, reads, tmp_path):
    first = load_or_train(corpus, vocab_size=80, cache=tmp_path)
    assert reads.times == 2  # for its characters, and for its pieces
    second = load_or_train(corpus, vocab_size=80, cache=tmp_path)
    assert reads.times == 2
    assert first.backend_tokenizer.to_str() == second.backend_tokenizer.to_str()
    assert first.backend_tokenizer.to_str() == train(TEXT, vocab_size=80).backend_tokenizer.to_str()
    (folder,) = (tmp_path / "tokenizers").iterdir()
    assert sorted(file.name for file in folder.iterdir()) == ["tokenizer.json", "tokenizer_config.json"]


def test_the_cache_is_the_one_that_the_environment_names(corpus, tmp_path, monkeypatch):
    monkeypatch.setenv("GENAI_HF_CACHE", str(tmp_path / "mine"))
    load_or_train(corpus, vocab_size=80)
    assert len(list((tmp_path / "mine" / "tokenizers").iterdir())) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"algorithm": "bpe"},
        {"vocab_size": 81},
        {"family": "t5", "algorithm": "unigram", "vocab_size": 150},
        {"lowercase": False},
        {"multiple_of": 8},
        {"min_frequency": 3},
        {"limit_alphabet": 20},
        {"model_max_length": 16},
    ],
)
def test_another_setting_is_another_tokenizer(change, corpus, reads, tmp_path):
    load_or_train(corpus, vocab_size=80, cache=tmp_path)
    load_or_train(corpus, **({"vocab_size": 80} | change), cache=tmp_path)
    assert reads.times == 4
    assert len(list((tmp_path / "tokenizers").iterdir())) == 2


@pytest.mark.parametrize("change", [{"fingerprint": "edited"}, {"max_tokens": 10}])
def test_another_text_is_another_tokenizer(change, corpus, reads, tmp_path):
    load_or_train(corpus, vocab_size=80, cache=tmp_path)
    load_or_train(replace(corpus, **change), vocab_size=80, cache=tmp_path)
    assert reads.times == 4


def test_a_training_that_fails_leaves_nothing_in_the_cache(corpus, tmp_path):
    with pytest.raises(ValueError, match="too small"):
        load_or_train(corpus, vocab_size=9, cache=tmp_path)
    assert not any((tmp_path / "tokenizers").iterdir())


def test_a_name_is_loaded_and_the_corpus_not_read(corpus, reads, tmp_path):
    train(TEXT, vocab_size=80).save_pretrained(tmp_path / "mine")
    tokenizer = load_or_train(corpus, name=str(tmp_path / "mine"), vocab_size=9, cache=tmp_path)
    assert (len(tokenizer), reads.times) == (55, 0)


def test_a_vocabulary_of_the_original_class_is_loaded_as_that_class(tmp_path):
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "sea"]
    (tmp_path / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "BertTokenizer"}), encoding="utf-8")
    tokenizer = load(str(tmp_path))
    assert isinstance(tokenizer, BertTokenizer)
    assert isinstance(tokenizer, PreTrainedTokenizerFast)
    assert tokenizer("sea")["input_ids"] == [2, 5, 3]


def refusal(name: str) -> str:
    with pytest.raises(ConfigError) as refused:
        load(name)
    return str(refused.value)


def test_a_folder_with_a_model_only_is_refused(tmp_path):
    BertConfig().save_pretrained(tmp_path)
    assert refusal(str(tmp_path)) == (
        f"'tokenizer.name': {tmp_path} holds no tokenizer.json and no vocabulary; give one that save_pretrained wrote, "
        "or null to train one for a new model"
    )


@pytest.mark.parametrize(
    ("content", "beginning", "end"),
    [
        ("{", "/tokenizer.json is no JSON (", "); copy it anew"),
        ("{}", " cannot be read (", "); give one that transformers reads"),
        ("[]", "/tokenizer.json holds no JSON object; ", "copy it anew"),
    ],
)
def test_a_folder_with_a_broken_file_is_refused(content, beginning, end, tmp_path):
    (tmp_path / "tokenizer.json").write_text(content, encoding="utf-8")
    message = refusal(str(tmp_path))
    assert message.startswith(f"'tokenizer.name': {tmp_path}{beginning}")
    assert message.endswith(f"{end}, or null to train one for a new model")
    assert "\n" not in message


def test_a_folder_with_code_of_its_own_is_refused(tmp_path):
    train(TEXT, vocab_size=80).save_pretrained(tmp_path)
    settings = {"auto_map": {"AutoTokenizer": ["code.Tokenizer", None]}}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    (tmp_path / "code.py").write_text("raise SystemExit('run')", encoding="utf-8")
    assert "contains custom code" in refusal(str(tmp_path))


@pytest.mark.parametrize("name", ["./outputs/none", "/no/such/folder", "one/two/three", "with space"])
def test_a_path_that_leads_nowhere_is_refused(name):
    assert refusal(name) == (
        f"'tokenizer.name': {name} is no folder; give one that save_pretrained wrote, or a Hub id, "
        "or null to train one for a new model"
    )


@pytest.mark.parametrize("name", ["bert-base-uncasd", "someone/something"])
def test_a_name_on_the_hub_is_refused_at_once_without_a_network(name):
    begin = time.monotonic()
    assert refusal(name) == (
        f"'tokenizer.name': {name} is no folder, was not downloaded before, and the Hub cannot be reached; "
        f"give a folder, such as hf download {name} --local-dir FOLDER makes, or null to train one for a new model"
    )
    assert time.monotonic() - begin < 2


def answer(monkeypatch, outcome):
    """Let the Hub answer with a folder or an exception, and note what it was asked for."""
    asked = []

    def snapshot_download(name, **settings):
        asked.append((name, settings))
        if isinstance(outcome, Exception):
            raise outcome
        return str(outcome)

    monkeypatch.setattr(snapshots, "snapshot_download", snapshot_download)
    return asked


def test_of_a_model_on_the_hub_only_the_tokenizer_is_fetched(tmp_path, monkeypatch):
    train(TEXT, vocab_size=80).save_pretrained(tmp_path)
    asked = answer(monkeypatch, tmp_path)
    assert len(load("someone/something")) == 55
    ((name, settings),) = asked
    assert name == "someone/something"
    assert not [
        file for file in ("model.safetensors", "pytorch_model.bin", "tokenization.py") if wanted(file, settings)
    ]
    assert all(
        wanted(file, settings) for file in ("tokenizer.json", "vocab.txt", "merges.txt", "tokenizer_config.json")
    )


def wanted(file, settings):
    return any(fnmatch(file, pattern) for pattern in settings["allow_patterns"])


RESPONSE = httpx2.Response(403, request=httpx2.Request("GET", "https://hub.example"))


@pytest.mark.parametrize(
    ("outcome", "message"),
    [
        (
            RepositoryNotFoundError("no", response=RESPONSE),
            "'tokenizer.name': a/b is no folder, and not on the Hub or hidden; check its spelling, or hf auth login, "
            "or null to train one for a new model",
        ),
        (
            GatedRepoError("no", response=RESPONSE),
            "'tokenizer.name': a/b is given only to those who asked for it; ask on its page, then hf auth login, "
            "or null to train one for a new model",
        ),
        (
            httpx2.ProxyError("404 Not Found"),
            "'tokenizer.name': a/b is no folder, was not downloaded before, and the Hub cannot be reached; "
            "give a folder, such as hf download a/b --local-dir FOLDER makes, or null to train one for a new model",
        ),
    ],
)
def test_what_the_hub_says_no_to_is_refused_in_one_line(outcome, message, monkeypatch):
    answer(monkeypatch, outcome)
    assert refusal("a/b") == message


def test_a_network_that_swallows_questions_is_not_waited_for(monkeypatch):
    released = Event()
    monkeypatch.setattr(snapshots.constants, "HF_HUB_OFFLINE", False)

    def swallow(*_, **__):
        released.wait(30)
        raise OSError("nobody answered")

    monkeypatch.setattr(reaching.socket, "create_connection", swallow)
    asked = answer(monkeypatch, LocalEntryNotFoundError("offline"))
    begin = time.monotonic()
    assert "the Hub cannot be reached" in refusal("a/b")
    assert time.monotonic() - begin < 2
    assert asked[0][1]["local_files_only"] is True
    released.set()
