"""The Parquet files of a data set on the Hub, with a Hub that is a dict."""

from fnmatch import fnmatch

import httpx2
import pytest
from huggingface_hub.errors import IncompleteSnapshotError, LocalEntryNotFoundError

from genai_hf.data import hub
from genai_hf.errors import DataError

COMMIT = "0123456789" * 4


@pytest.fixture
def online(tmp_path, monkeypatch):
    """What the Hub has (paths, and under `fails` what a download raises), what was downloaded, and what was asked."""
    state = {"has": ["rte/train-00000-of-00001.parquet", "rte/test-00000-of-00001.parquet", "README.md"], "asked": []}

    def snapshot_download(name, *, repo_type, allow_patterns, revision, local_files_only=False):
        assert (name, repo_type) == ("me/glue", "dataset")
        state["asked"].append(("here" if local_files_only else "there", revision))
        if local_files_only and not (tmp_path / "snapshot").is_dir():
            raise LocalEntryNotFoundError("not here")
        if local_files_only and state.get("incomplete"):
            raise IncompleteSnapshotError("some are missing", snapshot_path=str(tmp_path / "snapshot"))
        if not local_files_only and "fails" in state:
            raise state["fails"]
        for path in [] if local_files_only else state["has"]:
            if any(fnmatch(path, pattern) for pattern in allow_patterns):
                (tmp_path / "snapshot" / path).parent.mkdir(parents=True, exist_ok=True)
                (tmp_path / "snapshot" / path).touch()
        (tmp_path / "snapshot").mkdir(exist_ok=True)
        return str(tmp_path / "snapshot")

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot_download)
    monkeypatch.setattr(hub, "_ask", lambda name, revision: COMMIT)
    return state


def test_what_is_not_here_is_downloaded_once(online, tmp_path):
    assert hub.parquet_folder("me/glue", "rte", "v1") == tmp_path / "snapshot" / "rte"
    assert online["asked"] == [("here", "v1"), ("there", COMMIT)]
    assert hub.parquet_folder("me/glue", "rte", "v1") == tmp_path / "snapshot" / "rte"
    assert online["asked"][2:] == [("here", "v1")]
    assert not (tmp_path / "snapshot" / "README.md").exists()


def test_what_is_here_is_read_without_a_network(online, tmp_path, monkeypatch):
    hub.parquet_folder("me/glue", "rte")
    monkeypatch.setattr(hub, "_ask", lambda name, revision: DataError("no network"))
    assert hub.parquet_folder("me/glue", "rte") == tmp_path / "snapshot" / "rte"


def test_another_configuration_is_downloaded_beside_the_first(online, tmp_path):
    online["has"].append("wnli/train-00000-of-00001.parquet")
    hub.parquet_folder("me/glue", "rte")
    assert not (tmp_path / "snapshot" / "wnli").exists()
    assert hub.parquet_folder("me/glue", "wnli") == tmp_path / "snapshot" / "wnli"


@pytest.mark.parametrize(("path", "folder"), [("train.parquet", "."), ("data/train-00000-of-00001.parquet", "data")])
def test_without_a_configuration_the_files_lie_at_the_top_or_in_data(online, tmp_path, path, folder):
    online["has"] = [path, "more/train.parquet"]
    assert hub.parquet_folder("me/glue") == tmp_path / "snapshot" / folder


def test_a_download_that_was_interrupted_is_taken_up(online, tmp_path):
    (tmp_path / "snapshot" / "rte").mkdir(parents=True)
    (tmp_path / "snapshot" / "rte" / "train-00000-of-00001.parquet").touch()
    online["incomplete"] = True
    assert len(list(hub.parquet_folder("me/glue", "rte").iterdir())) == 2
    assert online["asked"] == [("here", None), ("there", COMMIT)]


@pytest.mark.parametrize("error", [httpx2.ConnectError("\nno route\nat all"), OSError("no route")])
def test_a_download_that_breaks_off_is_said_in_one_line(online, error):
    online["fails"] = error
    with pytest.raises(DataError) as caught:
        hub.parquet_folder("me/glue", "rte")
    assert str(caught.value) == "me/glue: the download broke off (no route); repeat the command"


@pytest.mark.parametrize(("config", "named"), [("cola", "cola"), (None, "its own")])
def test_a_data_set_without_such_files_is_named(online, config, named):
    with pytest.raises(DataError) as caught:
        hub.parquet_folder("me/glue", config)
    assert str(caught.value) == f"me/glue: holds no Parquet file of {named}; name another: task.hub.config=…"


def test_without_a_network_nothing_is_waited_for(online, monkeypatch):
    monkeypatch.setattr(hub, "_ask", lambda name, revision: DataError("me/glue: the Hub cannot be reached"))
    with pytest.raises(DataError) as caught:
        hub.parquet_folder("me/glue", "rte")
    assert str(caught.value) == "me/glue: the Hub cannot be reached"
    assert online["asked"] == [("here", None)]
