"""The hook that watches the whole suite does refuse a pickle, whoever reads it, and lets workers have theirs."""

import io
import logging
import pickle

import no_pickle
import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader


@pytest.fixture
def refused():
    """What was refused; it is no failure here."""
    yield no_pickle.read
    no_pickle.read.clear()


def test_a_library_that_reads_a_pickle_is_stopped_and_named(refused):
    stream = io.BytesIO()
    torch.save({"level": logging.Formatter()}, stream)
    stream.seek(0)
    with pytest.raises(pickle.UnpicklingError, match=r"no test reads a pickle: logging\.Formatter, asked for by torch"):
        torch.load(stream, weights_only=False)
    assert len(refused) == 1


def test_so_is_an_array_of_objects(refused):
    stream = io.BytesIO()
    np.save(stream, np.array([logging.Formatter()], dtype=object), allow_pickle=True)
    stream.seek(0)
    with pytest.raises(pickle.UnpicklingError):
        np.load(stream, allow_pickle=True)
    assert refused[0].startswith("numpy.") or refused[0].startswith("logging.")


def test_weights_alone_may_be_read_and_workers_may_pass_on_what_they_have(refused):
    stream = io.BytesIO()
    torch.save({"weight": torch.ones(2)}, stream)
    stream.seek(0)
    assert torch.load(stream, weights_only=True)["weight"].tolist() == [1, 1]
    assert len(list(DataLoader(range(4), num_workers=1, collate_fn=list))) == 4
    assert refused == []
