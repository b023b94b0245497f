"""Tiny things that every room's tests may use: a tokenizer, a model, rows."""

import gc
import os
import socket
import sys

os.environ["HF_HUB_OFFLINE"] = "1"  # before transformers is imported: no test may wait for a network
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is: several threads on tiny tensors only wait

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import no_pickle
import numpy as np
import pytest
import recording
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from torch.utils.data import Dataset
from transformers import BertConfig, BertForMaskedLM, PreTrainedTokenizerFast

from genai_hf import allocator, locks

pytest.register_assert_rewrite("asking")
no_pickle.watch()
if "GENAI_HF_ERRORS" in os.environ:
    recording.begin(Path(os.environ["GENAI_HF_ERRORS"]))


def pytest_configure() -> None:
    """Begin a session, which the scripts that import from here do not."""
    no_pickle.begin()


def pytest_unconfigure() -> None:
    """End it."""
    no_pickle.end()


SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = [f"w{number}" for number in range(59)]


_asked: list[str] = []


def _no_network(event: str, arguments: tuple[Any, ...]) -> None:
    """Refuse whatever leaves this machine: an audit hook, which no library goes around by another function."""
    if event not in {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"}:
        return
    address = arguments[1] if event in {"socket.connect", "socket.sendto"} else arguments[0]
    host = address[0] if isinstance(address, tuple) else None if event == "socket.connect" else address
    name = host.decode() if isinstance(host, bytes) else host
    if name in {None, "", "localhost", "::1", "0.0.0.0", socket.gethostname()} or str(name).startswith("127."):
        return  # a socket of this machine's
    _asked.append(f"{event} {name}")
    raise OSError(f"a test asks for the network: {event} {name}")


sys.addaudithook(_no_network)


@pytest.fixture(autouse=True)
def _no_test_asks_for_the_network() -> Iterator[None]:
    """Fail a test that did, though what it called went on without."""
    _asked.clear()
    yield
    assert not _asked, f"it asked for the network: {', '.join(_asked)}"


@pytest.fixture(autouse=True)
def _no_pickle() -> Iterator[None]:
    """See `no_pickle`."""
    no_pickle.noted()
    yield
    no_pickle.require_none()


@pytest.fixture(autouse=True)
def _own_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No test writes into the user's cache or leaves a run in the checkout."""
    monkeypatch.setenv("GENAI_HF_ROOT", str(tmp_path_factory.mktemp("outputs")))
    if "GENAI_HF_CACHE" not in os.environ:
        monkeypatch.setenv("GENAI_HF_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
    monkeypatch.setattr(allocator, "keep", lambda: None)  # this process is no command's
    yield
    gc.enable()  # which the command switches off for its short life
    for folder in list(locks._held):
        locks.release(folder)


@pytest.fixture
def evaluate_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A cache of its own for a test of evaluate's metrics, and no module that another test loaded."""
    cache = str(tmp_path / "modules")
    monkeypatch.setattr("evaluate.config.HF_METRICS_CACHE", tmp_path)
    monkeypatch.setattr("evaluate.config.HF_MODULES_CACHE", cache)
    monkeypatch.setattr(sys, "path", [cache, *sys.path])
    for name in [name for name in sys.modules if name.partition(".")[0] == "evaluate_modules"]:
        monkeypatch.delitem(sys.modules, name)


@pytest.fixture(scope="session")
def tokenizer() -> PreTrainedTokenizerFast:
    """See `make_tokenizer`."""
    return make_tokenizer()


def make_tokenizer() -> PreTrainedTokenizerFast:
    """64 words: five special ones, then w0 … w58 (ids 5 … 63)."""
    backend = Tokenizer(models.WordLevel({word: i for i, word in enumerate([*SPECIAL, *WORDS])}, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    names = {"pad": "[PAD]", "unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]"}
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, **{f"{role}_token": token for role, token in names.items()}
    )


class Rows(Dataset[dict[str, Any]]):
    """`size` rows of `lengths` (in turn) random words between [CLS] and [SEP]."""

    def __init__(self, size: int, lengths: tuple[int, ...] = (16,), evaluation: bool = False) -> None:
        random = np.random.default_rng(0)
        self.rows = [
            np.array([2, *random.integers(5, 64, lengths[i % len(lengths)] - 2), 3], dtype=np.int64)
            for i in range(size)
        ]
        self.evaluation = evaluation

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, key: int | tuple[int, int]) -> dict[str, Any]:
        epoch, index = key if isinstance(key, tuple) else (0, key)
        return {"input_ids": self.rows[index], "example_id": index, "epoch": -1 if self.evaluation else epoch}


def tiny_bert(dtype: torch.dtype = torch.float32, dropout: float = 0.0, seed: int = 0) -> BertForMaskedLM:
    """One layer of 16 over the vocabulary of 64."""
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=64,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=64,
        hidden_dropout_prob=dropout,
        attention_probs_dropout_prob=dropout,
    )
    return BertForMaskedLM(config).to(dtype)
