"""The hook that watches the whole suite does refuse a pickle, whoever reads it, and lets workers have theirs."""

import io
import logging
import os
import pickle
import subprocess
import sys

import no_pickle
import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader


def test_a_library_that_reads_a_pickle_is_stopped_and_named():
    stream = io.BytesIO()
    torch.save({"level": logging.Formatter()}, stream)
    stream.seek(0)
    with pytest.raises(pickle.UnpicklingError, match=r"no test reads a pickle: logging\.Formatter, asked for by torch"):
        torch.load(stream, weights_only=False)
    assert len(no_pickle.noted()) == 1


def test_so_is_an_array_of_objects():
    stream = io.BytesIO()
    np.save(stream, np.array([logging.Formatter()], dtype=object), allow_pickle=True)
    stream.seek(0)
    with pytest.raises(pickle.UnpicklingError):
        np.load(stream, allow_pickle=True)
    assert no_pickle.noted()[0].startswith(("numpy.", "logging."))


def test_weights_alone_may_be_read_and_workers_may_pass_on_what_they_have():
    stream = io.BytesIO()
    torch.save({"weight": torch.ones(2)}, stream)
    stream.seek(0)
    assert torch.load(stream, weights_only=True)["weight"].tolist() == [1, 1]
    assert len(list(DataLoader(range(4), num_workers=1, collate_fn=list))) == 4
    assert no_pickle.noted() == []


READS = "import logging, pickle; pickle.loads(pickle.dumps(logging.Formatter()))"
SPAWNS = f"import multiprocessing\nmultiprocessing.get_context('spawn').Process(target=exec, args=({READS!r},)).start()"


@pytest.mark.parametrize("script", [READS, SPAWNS], ids=["child", "grandchild"])
def test_a_process_that_a_test_begins_fails_it_where_it_reads_a_pickle(script, tmp_path):
    (tmp_path / "script.py").write_text(f"if __name__ == '__main__':\n    {script.replace(chr(10), chr(10) + '    ')}")
    done = subprocess.run([sys.executable, tmp_path / "script.py"], capture_output=True, text=True, check=False)
    assert "no test reads a pickle: logging.Formatter" in done.stderr
    with pytest.raises(AssertionError, match=r"a pickle was read: .'logging\.Formatter, asked for by "):
        no_pickle.require_none()


def test_so_does_one_that_it_forks():
    stream = io.BytesIO()
    torch.save({"level": logging.Formatter()}, stream)
    stream.seek(0)
    if not (child := os.fork()):
        try:
            torch.load(stream, weights_only=False)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    with pytest.raises(AssertionError, match=r"a pickle was read: .'logging\.Formatter, asked for by torch"):
        no_pickle.require_none()
