import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from genai_hf.data import cache
from genai_hf.errors import UserError

KILLED = """
import importlib.util, os, pathlib, signal, sys
spec = importlib.util.spec_from_file_location("cache", sys.argv[1])
cache = importlib.util.module_from_spec(spec)
spec.loader.exec_module(cache)
with cache.staged(pathlib.Path(sys.argv[2])) as folder:
    (folder / "ids.npy").write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def names(folder):
    return sorted(entry.name for entry in folder.iterdir())


def test_the_environment_names_the_cache_folder(monkeypatch):
    monkeypatch.setenv("GENAI_HF_CACHE", "/somewhere/else")
    assert cache.cache_folder() == Path("/somewhere/else")
    monkeypatch.delenv("GENAI_HF_CACHE")
    monkeypatch.setenv("HOME", "/home/me")
    assert cache.cache_folder() == Path("/home/me/.cache/genai_hf")


def test_what_is_staged_appears_as_a_whole_and_leaves_nothing_beside_it(tmp_path):
    target = tmp_path / "tokens" / "abc"
    with cache.staged(target) as folder:
        (folder / "ids").write_text("1 2 3")
        assert not target.exists()
    assert (target / "ids").read_text() == "1 2 3"
    assert names(tmp_path / "tokens") == ["abc"]


def test_what_fails_half_way_leaves_nothing(tmp_path):
    with pytest.raises(RuntimeError), cache.staged(tmp_path / "abc") as folder:
        (folder / "ids").write_text("1")
        raise RuntimeError
    assert names(tmp_path) == []


def test_the_first_of_two_processes_wins_and_the_second_does_no_harm(tmp_path):
    target = tmp_path / "abc"
    with cache.staged(target) as slow:
        with cache.staged(target) as fast:
            (fast / "ids").write_text("fast")
        (slow / "ids").write_text("slow")
    assert (target / "ids").read_text() == "fast"
    assert names(tmp_path) == ["abc"]


def test_a_killed_process_leaves_nothing_that_looks_complete_and_its_rest_goes_after_a_week(tmp_path):
    target = tmp_path / "abc"
    process = subprocess.run([sys.executable, "-c", KILLED, cache.__file__, target], check=False)
    assert process.returncode == -signal.SIGKILL
    (rest,) = tmp_path.iterdir()
    assert rest.name.startswith(".abc.")
    with cache.staged(target) as folder:
        (folder / "ids").write_text("whole")
    assert names(tmp_path) == [rest.name, "abc"]  # another process may still be at it
    week_ago = time.time() - 7 * 24 * 3600 - 1
    os.utime(rest, (week_ago, week_ago))
    with cache.staged(tmp_path / "def"):
        pass
    assert names(tmp_path) == ["abc", "def"]


def test_what_was_made_is_remembered_and_made_again_where_it_is_damaged(tmp_path):
    made = []

    def make():
        made.append(1)
        return {"documents": ["é"]}

    target = tmp_path / "checked" / "abc.json"
    assert [cache.remembered(target, make) for _ in range(2)] == [{"documents": ["é"]}] * 2
    assert (len(made), names(target.parent)) == (1, ["abc.json"])
    target.write_text('{"documents": [')
    assert cache.remembered(target, make) == {"documents": ["é"]}
    assert (len(made), json.loads(target.read_text())) == (2, {"documents": ["é"]})


def test_a_cache_folder_that_cannot_be_written_is_named_with_the_remedy(tmp_path):
    (tmp_path / "file").touch()
    remedy = "name another cache folder in the environment: GENAI_HF_CACHE=…"
    with pytest.raises(UserError) as caught, cache.staged(tmp_path / "file" / "tokens" / "abc"):
        pass
    assert str(caught.value) == f"{tmp_path}/file/tokens: cannot be written (Not a directory); {remedy}"
    with pytest.raises(UserError) as caught:
        cache.remembered(tmp_path / "file" / "texts" / "abc.json", dict)
    assert str(caught.value) == f"{tmp_path}/file/texts: cannot be written (Not a directory); {remedy}"
