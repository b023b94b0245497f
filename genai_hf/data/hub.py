"""Data sets of the Hugging Face Hub, streamed: what is read goes into the token file, nothing else is kept."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

from genai_hf.data.problems import Problems, clean, column_fault, fault
from genai_hf.errors import DataError

COMMIT = re.compile("[0-9a-f]{40}")
PATIENCE = 2.0  # s that the Hub may take to say which commit a name stands for
REMEDY = "download it where there is a network, and give its files: data.path=…"


@dataclass(frozen=True)
class HubText:
    """The text column of one split of a data set, as it was at one commit. Iterating it downloads.

    Args:
        name: ``owner/name`` on the Hub.
        config: Its configuration, if it has several.
        split: As the data set calls it.
        revision: Commit, which pins what is read.
        column: Where the text stands.

    Raises:
        DataError: While iterating: a row has no text in that column.
    """

    name: str
    config: str | None
    split: str
    revision: str
    column: str

    def __iter__(self) -> Iterator[str]:
        place = Path(self.name)
        for number, row in enumerate(stream(self.name, self.config, self.split, self.revision), 1):
            problems = Problems()
            if wrong := column_fault(self.column, list(row)):
                problems.add(place, number, wrong)
            elif wrong := fault(row[self.column]):
                problems.add(place, number, f"'{self.column}' {wrong}")
            problems.raise_any()
            yield clean(row[self.column])


def stream(name: str, config: str | None, split: str, revision: str) -> Iterable[Mapping[str, Any]]:
    """Rows of a split, downloaded as they are read.

    Raises:
        DataError: The data set has no such configuration or split, or cannot be read without code of its own.
    """
    import datasets

    try:
        rows: Iterable[Mapping[str, Any]] = datasets.load_dataset(
            name, config, split=split, streaming=True, revision=revision
        )
    except (ValueError, OSError) as error:
        raise DataError(f"{name}: {_first_line(error)}; set data.config=… or data.split=… to what it has") from error
    return rows


def commit(name: str, revision: str | None) -> str:
    """The commit that a branch, a tag or None (the newest) stands for.

    Raises:
        DataError: There is no such data set or revision, or no answer within `PATIENCE`.
    """
    return revision if revision is not None and COMMIT.fullmatch(revision) else _asked(name, revision)


def parquet_folder(
    name: str, config: str | None = None, revision: str | None = None, *, splits: Sequence[str] = ("",)
) -> Path:
    """Folder of a configuration's Parquet files, one or more a split, downloaded if a split is not here yet.

    Raises:
        DataError: There are none, or the Hub cannot be reached.
    """
    import httpx2
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    wanted = [f"{config}/*.parquet"] if config else ["*.parquet", "data/*.parquet"]
    fetch = partial(snapshot_download, name, repo_type="dataset", allow_patterns=wanted)
    try:
        here = _parquet_files(fetch(revision=revision, local_files_only=True), wanted)
    except LocalEntryNotFoundError:
        here = []
    if not all(any(file.name.startswith(split) for file in here) for split in splits):
        asked = _asked(name, revision)  # a download would wait for a missing network for minutes
        try:
            here = _parquet_files(fetch(revision=asked), wanted)
        except (httpx2.HTTPError, OSError) as error:
            raise DataError(f"{name}: the download broke off ({_first_line(error)}); repeat the command") from error
    if not here:
        raise DataError(f"{name}: holds no Parquet file of {config or 'its own'}; name another: task.hub.config=…")
    return here[0].parent


def _parquet_files(folder: str, patterns: Sequence[str]) -> list[Path]:
    return sorted(file for pattern in patterns for file in Path(folder).glob(pattern))


def _asked(name: str, revision: str | None) -> str:
    """The commit, as the Hub says."""
    answers: SimpleQueue[str | DataError] = SimpleQueue()
    # In a thread of its own, since looking up an address knows no time limit: without a network it may take a minute.
    Thread(target=lambda: answers.put(_ask(name, revision)), daemon=True).start()
    try:
        answer = answers.get(timeout=PATIENCE)
    except Empty:
        answer = DataError(f"{name}: the Hub did not answer within {PATIENCE:.0f} s; {REMEDY}")
    if isinstance(answer, DataError):
        raise answer
    return answer


def _ask(name: str, revision: str | None) -> str | DataError:
    import httpx2
    from huggingface_hub import HfApi, constants
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    if constants.HF_HUB_OFFLINE:
        return DataError(f"{name}: is on the Hub, and HF_HUB_OFFLINE forbids the network; {REMEDY}")
    try:
        return str(HfApi().dataset_info(name, revision=revision).sha)
    except HFValidationError:
        return DataError(
            f"{name}: is no name of a data set on the Hub (owner/name); for files say data=json data.path=…"
        )
    except HfHubHTTPError as error:
        return DataError(f"{name}: {_first_line(error)}; mend data.name or data.revision, or log in")
    except (httpx2.HTTPError, OSError) as error:
        return DataError(f"{name}: the Hub cannot be reached ({_first_line(error)}); {REMEDY}")


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
