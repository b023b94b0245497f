"""YAML files of the user's own hold values: what would load code, read elsewhere or grow without end is refused.

Hydra reads a config of its own beside ours, under the key `hydra`, whose callbacks, launchers, sweepers and handlers of
logs are classes called by name; through `searchpath` it imports packages. From a file only a sweep's values are taken.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]
from hydra._internal.core_plugins.file_config_source import FileConfigSource
from hydra.plugins.config_source import ConfigResult

from genai_hf.errors import ConfigError
from genai_hf.settings.yaml_nodes import composed, require_text

PACKAGE = re.compile(r"^\s*#\s*@package\s+(_global_\.)?hydra\b", re.MULTILINE)
IN_DEFAULTS = re.compile(r"(?<![\w-])hydra\b")


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
    require_text(file)
    with file.open(encoding="utf-8") as stream:
        composed(stream, str(file))
        stream.seek(0)
        content = yaml.safe_load(stream)  # with what `<<` brings in
        stream.seek(0)
        is_hydras = PACKAGE.search(stream.read(512))
    top = content if isinstance(content, dict) else {}
    own = top.get("hydra")
    if is_hydras or (own not in ({}, None) and not _is_sweep(own)) or IN_DEFAULTS.search(str(top.get("defaults"))):
        remedy = "a file may name hydra.sweeper.params, what a sweep runs over; take the rest out"
        raise ConfigError(f"{file}: holds Hydra's own settings, which can load code or write elsewhere; {remedy}")


def _is_sweep(own: Any) -> bool:
    sweeper = own.get("sweeper") if isinstance(own, Mapping) and len(own) == 1 else None
    return isinstance(sweeper, Mapping) and sweeper.keys() == {"params"}
