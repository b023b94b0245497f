"""Which commit of the Hub a run's models and tokenizer are of: written down, and kept when the run is resumed."""

import re
from typing import Any

from omegaconf import DictConfig, OmegaConf, open_dict

from genai_hf import snapshots
from genai_hf.errors import ConfigError, about
from genai_hf.models.configuration import pretrained

COMMIT = re.compile("[0-9a-f]{40}")
GROUPS = ("model", "teacher", "tokenizer")


def pin(cfg: DictConfig, before: Any) -> None:
    """Set every revision to the commit that it stands for; what lies in a folder has none. See that they are models.

    Args:
        cfg: It is changed.
        before: Config that the run began with, empty for a new one.

    Raises:
        ConfigError: There is no such model, it cannot be reached, or a branch has moved since the run began.
    """
    for group in GROUPS:
        name, asked = (OmegaConf.select(cfg, f"{group}.{key}") for key in ("name", "revision"))
        if not isinstance(name, str):
            continue
        if group == "tokenizer" and asked is None and name == OmegaConf.select(cfg, "model.name"):
            asked = cfg.model.revision
        known = OmegaConf.select(before, f"{group}.revision")
        if OmegaConf.select(before, f"{group}.name") != name or not COMMIT.fullmatch(str(known)):
            known = None  # the run has not come as far as here
        try:
            commit = snapshots.commit(name, asked or known)
            if group != "tokenizer":
                pretrained(name, commit or asked)
        except ConfigError as error:
            raise about(f"{group}.name", error) from error
        if commit and known and commit not in {known, asked}:
            moved = f"{asked} of {name} was {known} when this run began, and is {commit}"
            raise ConfigError(f"'{group}.revision': {moved}; name the commit, or another run with run=…")
        with open_dict(cfg):
            OmegaConf.update(cfg, f"{group}.revision", commit or asked)
