"""What Hydra composes for a recipe, and which option of every group went into it."""

from collections.abc import Sequence
from typing import NamedTuple

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.defaults_list import create_defaults_list
from hydra._internal.hydra import Hydra
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, open_dict

from genai_hf.settings import yaml_nodes

# Hydra's own files and logs are switched off; ours are written after redaction.
QUIET = ("hydra/job_logging=none", "hydra/hydra_logging=none", "hydra.output_subdir=null", "hydra.run.dir=.")
USER = "user"  # who provides the folders that are not packaged


class Composition(NamedTuple):
    """What was composed.

    Attributes:
        settings: With their interpolations as written, without Hydra's own node.
        choices: The option of each group; None where none is chosen. `group@package` where it stands elsewhere.
    """

    settings: DictConfig
    choices: dict[str, str | None]


def compose(app: Hydra, name: str, overrides: Sequence[str] = ()) -> Composition:
    """Compose the config of a name with `overrides`.

    Hydra's own node takes more than half of the time that composing takes. It is made where somebody may speak of
    it: on the command line, or in a file that is not packaged.

    Raises:
        HydraException, OmegaConfBaseException, ...: As Hydra's; `explaining.explain` words them.
    """
    loader = _loader(app)
    with yaml_nodes.quick():
        parsed, repository = loader._parse_overrides_and_create_caching_repo(name, list(overrides))
        provided = {element.provider for element in loader.get_search_path().get_path()}
        if USER in provided or any(override.is_hydra_override() for override in parsed):
            return split(app.compose_config(name, [*overrides, *QUIET], run_mode=RunMode.RUN))
        loader.validate_sweep_overrides_legal(parsed, run_mode=RunMode.RUN, from_shell=True)
        listed = create_defaults_list(repository, name, parsed, prepend_hydra=False, skip_missing=False)
        settings = loader._compose_config_from_defaults_list(listed.defaults, repository)
    OmegaConf.set_struct(settings, True)
    ConfigLoaderImpl._apply_overrides_to_config(listed.config_overrides, settings)
    return Composition(_bare(settings), dict(listed.overrides.known_choices))


def split(cfg: DictConfig) -> Composition:
    """Take Hydra's own node, where there is one, out of what Hydra composed."""
    if "hydra" not in cfg:
        return Composition(cfg, {})
    chosen = {group: option for group, option in cfg.hydra.runtime.choices.items() if not group.startswith("hydra")}
    return Composition(_bare(cfg), chosen)


def _bare(cfg: DictConfig) -> DictConfig:
    with open_dict(cfg):
        cfg.pop("hydra", None)  # a packaged file may have settings for sweeps
    return cfg


def _loader(app: Hydra) -> ConfigLoaderImpl:
    loader = app.config_loader
    assert isinstance(loader, ConfigLoaderImpl)  # Hydra has no other
    return loader


def options(app: Hydra, group: str) -> list[str]:
    """The options of a group, in order; none where there is no such group."""
    return list(_loader(app).repository.get_group_options(group))
