"""Options of the user's own of packaged groups, held against the group's packaged options."""

from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path

import yaml  # type: ignore[import-untyped]
from omegaconf import DictConfig

from genai_hf.errors import ConfigError

GLOBAL = "# @package _global_"  # first line of a file whose keys are everybody's


def require_named(
    cfg: DictConfig, folders: Sequence[Path], choices: Mapping[str, str | None], referred: set[str]
) -> None:
    """Refuse the lack of a key that all packaged options of a group have, and to which another setting refers.

    Args:
        cfg: The settings, with their interpolations as written.
        folders: Of the user's own configs.
        choices: The option of each group.
        referred: Dotted keys to which values refer.

    Raises:
        ConfigError: With the file and the key.
    """
    for group, option in choices.items():
        if (file := _own(folders, group, option)) is None or not (others := _packaged(group)):
            continue
        there = cfg.get(group) or {}
        nodes = [yaml.safe_load(text) or {} for text in others]
        for key, value in nodes[0].items():
            if f"{group}.{key}" in referred and key not in there and all(key in node for node in nodes):
                raise ConfigError(f"{file}: lacks '{key}', to which other settings refer; write {_line(key, value)}")


def require_global(key: str, folders: Sequence[Path], choices: Mapping[str, str | None]) -> None:
    """Refuse an option whose keys stand below the name of its group, where no recipe reads them.

    Args:
        key: What no recipe reads.
        folders: Of the user's own configs.
        choices: The option of each group.

    Raises:
        ConfigError: It is such a group, and all of its packaged options set what is everybody's.
    """
    file, others = _own(folders, key, choices.get(key)), _packaged(key)
    if file is not None and others and all(text.startswith(GLOBAL) for text in others):
        raise ConfigError(f"{file}: its keys stand below '{key}', where nobody reads them; begin it with '{GLOBAL}'")


def _own(folders: Sequence[Path], group: str, option: str | None) -> Path | None:
    """The user's own file of an option."""
    found = (folder / group / f"{option}.yaml" for folder in folders)
    return next((file for file in found if file.is_file()), None)


def _packaged(group: str) -> list[str]:
    """The packaged options of a group, as text."""
    return [file.read_text("utf-8") for file in sorted(Path(str(files("genai_hf.conf")), group).glob("*.yaml"))]


def _line(key: str, value: object) -> str:
    return str(yaml.safe_dump({key: value}, default_flow_style=False).strip())
