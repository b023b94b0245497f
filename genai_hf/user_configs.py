"""YAML files of the user's own hold values: what would load code, read elsewhere or grow without end is refused.

Hydra reads a config of its own beside ours, under the key `hydra`, whose callbacks, launchers, sweepers and handlers of
logs are classes called by name; through `searchpath` it imports packages. From a file only a sweep's values are taken.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import yaml  # type: ignore[import-untyped]
from hydra._internal.core_plugins.file_config_source import FileConfigSource
from hydra.plugins.config_source import ConfigResult

from genai_hf.errors import ConfigError

MOST = 100_000  # values of a file once its anchors are written out
PACKAGE = re.compile(r"^\s*#\s*@package\s+(_global_\.)?hydra\b", re.MULTILINE)
IN_DEFAULTS = re.compile(r"(?<![\w.-])hydra\b")


class UserConfigs(FileConfigSource):
    """A folder of the user's, which Hydra finds under ``values://``."""

    @staticmethod
    def scheme() -> str:
        """By which Hydra's registry knows it."""
        return "values"

    def load_config(self, config_path: str) -> ConfigResult:
        """Read a file that has been looked at."""
        if config_path.startswith("hydra/"):
            raise ConfigError(
                f"{self.path}/{config_path}.yaml: a folder of Hydra's own settings is not read; remove it"
            )
        require_values(Path(self.path, self._normalize_file_name(config_path)))
        return super().load_config(config_path)


def require_values(file: Path) -> None:
    """See that a YAML file holds a bounded number of values, and none of Hydra's own but what a sweep runs over.

    Raises:
        ConfigError: It does not.
    """
    if not file.is_file():
        return  # Hydra says that it is not there
    with file.open(encoding="utf-8") as stream:
        root = composed(stream, str(file))
        stream.seek(0)
        is_hydras = PACKAGE.search(stream.read(512))
    top = {key.value: value for key, value in root.value} if isinstance(root, yaml.MappingNode) else {}
    own = _plain(top.get("hydra"))
    if (
        is_hydras
        or (own not in ({}, None) and not _is_sweep(own))
        or IN_DEFAULTS.search(str(_plain(top.get("defaults"))))
    ):
        remedy = "a file may name hydra.sweeper.params, what a sweep runs over; take the rest out"
        raise ConfigError(f"{file}: holds Hydra's own settings, which can load code or write elsewhere; {remedy}")


def composed(stream: IO[str] | str, name: str) -> yaml.Node | None:
    """The nodes of a YAML document that is of a bounded size with its anchors written out.

    Raises:
        ConfigError: It is not.
        yaml.YAMLError: It is no YAML.
    """
    try:
        root = yaml.compose(stream, Loader=yaml.SafeLoader)
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


def _size(node: yaml.Node, sizes: dict[int, int]) -> int:
    """How many values a node is; a node that holds itself is endless."""
    if id(node) not in sizes:
        sizes[id(node)] = MOST + 1  # while it is looked at
        parts = [part for pair in node.value for part in pair] if isinstance(node, yaml.MappingNode) else node.value
        inner = parts if isinstance(node, yaml.CollectionNode) else ()
        sizes[id(node)] = 1 + sum(_size(part, sizes) for part in inner)
    return sizes[id(node)]


def _plain(node: yaml.Node | None) -> Any:
    if isinstance(node, yaml.MappingNode):
        return {str(_plain(key)): _plain(value) for key, value in node.value}
    return [_plain(item) for item in node.value] if isinstance(node, yaml.SequenceNode) else node and node.value


def _is_sweep(own: Any) -> bool:
    sweeper = own.get("sweeper") if isinstance(own, Mapping) and len(own) == 1 else None
    return isinstance(sweeper, Mapping) and sweeper.keys() == {"params"}
