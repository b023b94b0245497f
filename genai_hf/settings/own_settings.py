"""YAML of the user's own beside the packaged configs: what in it would be given way to, read by nobody, or missed."""

import re
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]
from omegaconf import DictConfig, OmegaConf

from genai_hf import changes, config
from genai_hf.errors import ConfigError
from genai_hf.ranks import say
from genai_hf.recipe_files import RecipeFile
from genai_hf.settings import names, own_options, own_sources, yaml_nodes
from genai_hf.settings.explaining import require_base, source
from genai_hf.settings.own_options import GLOBAL

NAMED = re.compile(r"\$\{\.*([\w.]+)\}")  # what a value refers to


def tell_replaced(choices: Mapping[str, str | None], recipe: RecipeFile, overrides: Sequence[str]) -> None:
    """Say where a group that the user's own YAML chooses is another one's after all, as `override /group` makes it."""
    own = (yaml.safe_load(source(recipe)) or {}).get("defaults", [])
    pairs = [pair for line in own if isinstance(line, dict) for pair in line.items()]
    for group, option in {group.removeprefix("override ").lstrip("/"): option for group, option in pairs}.items():
        chosen = choices.get(group)
        if chosen != option and not any(line.startswith((f"{group}=", "experiment=")) for line in overrides):
            remedy = f"write 'override /{group}: {option}' last in its defaults to keep yours"
            say(f"{recipe.path.with_suffix('.yaml')}: {group}: {option} gives way to {group}={chosen}; {remedy}")


def check(cfg: DictConfig, recipe: RecipeFile, choices: Mapping[str, str | None]) -> None:
    """Refuse a key that nobody reads, and the lack of one that the recipe reads.

    Args:
        cfg: The settings, with their interpolations as written.
        recipe: Where it hands the settings on as a whole, all keys are read.
        choices: The option of each group.

    Raises:
        ConfigError: With the file and the line.
    """
    reads = own_sources.reads(recipe.tree())
    require_base(cfg, recipe)
    values = changes.flatten(OmegaConf.to_container(cfg, resolve=False))
    referred = {name for value in values.values() for name in NAMED.findall(str(value))}
    own_options.require_named(cfg, recipe.folders, choices, referred)
    replaced = [folder / f"{recipe.name}.yaml" for folder in recipe.folders]
    if settings := next((file for file in replaced if file.is_file()), None):
        _require(cfg, recipe, reads, settings)
    whole = {read.key for read in reads} | names.OPEN.keys() | {"recipe", "overrides"}
    if own_sources.ALL in whole:
        return
    unread = [key for key in values if not any(part in whole or _is_one(part, referred) for part in _above(key))]
    known = {part for key in {*shipped(), *whole} for part in _above(key)} if unread else set()
    for key in unread:
        if key not in known:
            wrong = next(part for part in _above(key) if part not in known)
            own_options.require_global(wrong, recipe.folders, choices)
            near = config.hint(wrong, known) or f"; leave it out, or read it in the recipe as cfg.{wrong}"
            raise ConfigError(f"{_place(wrong, recipe, choices)}no recipe reads '{wrong}'{near}")


def _require(cfg: DictConfig, recipe: RecipeFile, reads: Sequence[own_sources.Read], settings: Path) -> None:
    """Refuse the lack of what a recipe reads in any case and a file of the user's own should give."""
    optional = {read.key for read in reads if not read.required}
    place = recipe.path.name if recipe.packaged else recipe.path
    for read in reads:
        lacking = _lacking(read.key, cfg)
        if lacking is not None and not optional & set(_above(lacking)):
            raise ConfigError(f"{settings}: lacks '{lacking}', which {place}:{read.line} reads; write it there")


def shipped() -> Iterator[str]:
    """Every dotted key that a packaged config has."""
    folder = Path(str(files("genai_hf.conf")))
    for file in folder.rglob("*.yaml"):
        text, group = file.read_text("utf-8"), file.parent.relative_to(folder).as_posix()
        prefix = "" if group == "." or text.startswith(GLOBAL) else f"{group}."
        yield from (f"{prefix}{key}" for key, _ in yaml_nodes.keys(yaml.compose(text, Loader=yaml.SafeLoader)))


def _above(key: str) -> list[str]:
    """A dotted key and those above it, the uppermost first."""
    parts = key.split(".")
    return [".".join(parts[: length + 1]) for length in range(len(parts))]


def _is_one(key: str, referred: set[str]) -> bool:
    """Whether a key is what a value refers to, from wherever that stands."""
    return any(key == name or key.endswith(f".{name}") for name in referred)


def _lacking(key: str, cfg: DictConfig) -> str | None:
    """The uppermost part of a key that is not there; None where all are, or what is above is no mapping."""
    node: Any = cfg
    for part in _above(key) if key else ():
        if not isinstance(node, DictConfig) or node._is_none() or node._is_missing() or node._is_interpolation():
            return None
        name = part.rpartition(".")[2]
        if name not in node.keys():  # noqa: SIM118 - a key whose value refers to nothing is there all the same
            return part
        node = node._get_node(name)
    return None


def _place(key: str, recipe: RecipeFile, choices: Mapping[str, str | None]) -> str:
    """File and line of the user's own where a key is set, as a message begins."""
    for folder in recipe.folders:
        for name in (recipe.name, *(f"{group}/{option}" for group, option in choices.items())):
            file = folder / f"{name}.yaml"
            if not file.is_file():
                continue
            found = dict(yaml_nodes.keys(yaml.compose(file.read_text("utf-8"), Loader=yaml.SafeLoader)))
            for own in (key, key.partition(".")[2]):
                if own in found:
                    return f"{file}:{found[own]}: "
    return ""
