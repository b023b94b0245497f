"""YAML of others is looked at before it is read: a few lines of anchors may stand for more values than memory holds."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import yaml  # type: ignore[import-untyped]
from omegaconf import DictConfig, ListConfig, OmegaConf

from genai_hf.errors import ConfigError

MOST = 100_000  # values of a file once its anchors are written out
LOADER = yaml.SafeLoader  # by Python, which ends where the nesting is too deep
QUICK = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader  # of what has been through it, or is our own


@contextlib.contextmanager
def quick() -> Iterator[None]:
    """Within it OmegaConf reads by libyaml, where that is there, ten times as fast as by Python.

    It derives its loader from `yaml.SafeLoader` whenever it loads. What a user wrote has been through `composed` by
    then, for libyaml has no measure of how deeply a file is nested.
    """
    yaml.SafeLoader = QUICK
    try:
        yield
    finally:
        yaml.SafeLoader = LOADER


def read(file: Path) -> DictConfig | ListConfig:
    """The settings that a run has written down.

    Raises:
        ConfigError: They are no YAML, or without measure.
    """
    try:
        with file.open(encoding="utf-8") as stream:
            composed(stream, str(file))
        return OmegaConf.load(file)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} is damaged; run it again with overwrite=true") from error


def require_text(file: Path) -> None:
    """See that a file of the user's is UTF-8.

    Raises:
        ConfigError: It is not, with the first byte.
    """
    try:
        file.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file}: is not UTF-8 at byte {error.start + 1}; save it as UTF-8") from error


def composed(stream: IO[str] | str, name: str) -> yaml.Node | None:
    """The nodes of a YAML document that is of a bounded size with its anchors written out.

    Raises:
        ConfigError: It is not.
        yaml.YAMLError: It is no YAML.
    """
    try:
        root = yaml.compose(stream, Loader=LOADER)
        sizes: dict[int, int] = {}
        if root is not None and _size(root, sizes) <= MOST:
            return root
    except RecursionError:
        raise ConfigError(f"{name}: is nested too deeply; write it flatter") from None
    if root is not None:
        raise ConfigError(
            f"{name}: its anchors (&, *) come to more than {MOST:,} values, or hold themselves; write less"
        )
    return None


def keys(node: yaml.Node | None, prefix: str = "") -> Iterator[tuple[str, int]]:
    """Every dotted key of a mapping and of those in it, with its line."""
    for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
        yield f"{prefix}{key.value}", key.start_mark.line + 1
        yield from keys(value, f"{prefix}{key.value}.")


def _size(node: yaml.Node, sizes: dict[int, int]) -> int:
    """How many values a node is; a node that holds itself is endless."""
    if id(node) not in sizes:
        sizes[id(node)] = MOST + 1  # while it is looked at
        parts = [part for pair in node.value for part in pair] if isinstance(node, yaml.MappingNode) else node.value
        inner = parts if isinstance(node, yaml.CollectionNode) else ()
        sizes[id(node)] = 1 + sum(_size(part, sizes) for part in inner)
    return sizes[id(node)]
