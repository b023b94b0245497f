"""Files of a repository on the Hub as they were at a commit: in this machine's cache, fetched if they are not there."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from httpx2 import HTTPError
from huggingface_hub import constants, snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HFValidationError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from genai_hf import reaching
from genai_hf.errors import ConfigError

PATIENCE = 0.9  # s, for the Hub's answer
CONFIGURATION = ("config.json",)
WEIGHTS = ("*config.json", "model.safetensors", "model.safetensors.index.json", "model-?????-of-?????.safetensors")


def folder(name: str, revision: str | None, files: Sequence[str]) -> Path:
    """Where the files lie: in the folder called `name`, or as they were at one commit, which the folder is called by.

    Args:
        name: A folder or a Hub id.
        revision: Commit, branch or tag of the latter; None is the newest.
        files: Patterns; what there is of them is fetched, and nothing else.

    Raises:
        ConfigError: There is neither, or it cannot be reached; no network is waited for long.
    """
    place = Path(name).expanduser()
    if place.is_dir():
        return place
    if place.is_file():
        raise ConfigError(f"{name} is a file; give the folder in which it lies")
    silent = constants.HF_HUB_OFFLINE or not reaching.answers(constants.ENDPOINT)
    given: dict[str, Any] = {"allow_patterns": list(files), "etag_timeout": PATIENCE, "local_files_only": silent}
    try:
        return Path(snapshot_download(name, revision=revision, **given))
    except HFValidationError as error:
        raise ConfigError(f"{name} is no folder; give one that save_pretrained wrote, or a Hub id") from error
    except GatedRepoError as error:
        remedy = "ask on its page, then hf auth login"
        raise ConfigError(f"{name} is given only to those who asked for it; {remedy}") from error
    except RevisionNotFoundError as error:
        raise ConfigError(f"{name} has no revision {revision}; give a commit, a branch or a tag of it") from error
    except RepositoryNotFoundError as error:
        remedy = "check its spelling, or hf auth login"
        raise ConfigError(f"{name} is no folder, and not on the Hub or hidden; {remedy}") from error
    except (LocalEntryNotFoundError, HTTPError) as error:
        which = f" at revision {revision}" if revision else ""
        trouble = f"is no folder, was not downloaded before{which}, and the Hub cannot be reached"
        remedy = f"give a folder, such as hf download {name} --local-dir FOLDER makes"
        raise ConfigError(f"{name} {trouble}; {remedy}") from error


def commit(name: str, revision: str | None) -> str | None:
    """The commit that a revision of a Hub id stands for; None for a folder, which has none.

    Raises:
        ConfigError: As for `folder`.
    """
    place = folder(name, revision, CONFIGURATION)
    return place.name if place.parent.name == "snapshots" and not Path(name).expanduser().is_dir() else None
