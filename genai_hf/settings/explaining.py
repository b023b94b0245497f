"""Hydra's errors in our words: what is wrong with a word of the command line, and the nearest right one."""

import re
from collections.abc import Container, Sequence
from functools import partial
from importlib.resources import files
from pathlib import Path

import yaml  # type: ignore[import-untyped]
from hydra._internal.hydra import Hydra
from hydra.core.override_parser.types import Override
from hydra.errors import ConfigCompositionException, HydraException, MissingConfigException
from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import InterpolationResolutionError, OmegaConfBaseException, UnsupportedInterpolationType

from genai_hf import config
from genai_hf.errors import ConfigError
from genai_hf.recipe_files import RecipeFile, shipped
from genai_hf.settings import annotations, composition, names, schema, unknown_options, user_configs

# What goes wrong in Hydra where settings are.
FAULTS = (HydraException, OmegaConfBaseException, RecursionError, TypeError, ValueError, yaml.YAMLError)
ENDLESS = (
    "the settings come to no end: they refer to each other (${…}, defaults) or are nested without measure; mend them"
)

DECIMAL = re.compile(r"-?\d+,\d+")  # as many languages write a number


def known_keys(app: Hydra, recipe: str, overrides: Sequence[Override] = ()) -> set[str]:
    """Every dotted key and group that may be overridden, with those options of groups that are chosen."""
    cfg, choices = composition.compose(app, recipe)
    asked = [one for one in overrides if one.key_or_group in choices]
    there = [one for one in asked if one.value() in composition.options(app, str(one.key_or_group))]
    if there:
        cfg = composition.compose(app, recipe, [str(one.input_line) for one in there]).settings
    open_groups = {**names.UPSTREAM, "generation": names.GENERATION, "quantization": names.BITS}
    owned = {group: dotted for group, dotted in open_groups.items() if group in cfg}
    upstream = {f"{group}.{name}" for group, dotted in owned.items() for name in schema.fields(dotted)}
    return {key for group in choices if "@" not in group for key in [group]} | config.dotted_keys(cfg) | upstream


def explain(  # noqa: PLR0911, PLR0912 - one for each kind of mistake
    error: Exception, app: Hydra, recipe: RecipeFile, overrides: Sequence[Override]
) -> ConfigError:
    """Hydra's error in one line that says what, where and what to do."""
    if isinstance(error, MissingConfigException) and error.options is not None and error.missing_cfg_file:
        return unknown_options.unknown(str(error.missing_cfg_file), app, recipe, overrides)
    if isinstance(error, ConfigCompositionException):
        for override in overrides:
            if f"'{override.key_or_group}'" in str(error):
                return _no_key(override.key_or_group, app, recipe, overrides)
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        mark = error.problem_mark
        return ConfigError(f"{mark.name}:{mark.line + 1}: not YAML ({error.problem}); mend the settings there")
    several = next((override.input_line for override in overrides if override.is_sweep_override()), None)
    if several is not None and not recipe.path.suffix:
        return ConfigError(f"'{several}' names several values; give one")
    if several is not None and ("Ambiguous value" in str(error) or "requires --multirun" in str(error)):
        asked, _, value = str(several).partition("=")
        sweep = f"which takes a sweep: genai-hf {recipe.name} -m {several}"
        if DECIMAL.fullmatch(value) and _is_fraction(asked, app, recipe):
            sweep = f"{sweep}; one number has a point: {asked}={value.replace(',', '.')}"
        return ConfigError(f"'{several}' names several values, {sweep}")
    for override in overrides if "Config group override must be a string" in str(error) else ():
        options = composition.options(app, override.key_or_group)
        if options and not isinstance(override.value(), str):
            return ConfigError(f"'{override.input_line}' is not an option; choose from {', '.join(options)}")
    if found := re.match(r"In '(.+)': Could not load '(.+)'", str(error)):
        return ConfigError(f"{found[1]}.yaml: its defaults name '{found[2]}', which is not there; mend the name")
    cause = error.__cause__ or error
    place = "" if recipe.packaged else f"{recipe.path.with_suffix('.yaml')}: "
    if isinstance(error, RecursionError) or str(cause).startswith(("MemoryError raised", "RecursionError raised")):
        return ConfigError(ENDLESS)
    if isinstance(cause, InterpolationResolutionError | UnsupportedInterpolationType):
        may = "a value may name another setting, ${seed}, or a variable of the environment, ${oc.env:NAME,default}"
        referring = next((str(one.input_line) for one in overrides if "${" in str(one.input_line)), None)
        key = next((key for key in (vars(error).get("full_key"), cause.full_key, referring) if key), "a setting")
        return ConfigError(f"{'' if referring else place}'{key}': {str(cause).splitlines()[0]}; {may}")
    said = str(cause).partition("\n")[0].strip()
    key = next(iter(re.findall(r"full_key: (\S+)", f"{cause}\n{error}")), None)
    if key and "Cannot merge" in said:
        return ConfigError(f"'{key}' holds settings by name, such as {key}={{name: value}}; give some")
    return ConfigError(f"'{key}': {said}; mend it" if key else f"{place}{said}")


def require_base(known: Container[str], recipe: RecipeFile) -> None:
    """See that the settings of a recipe have what every recipe shares; of one's own, those of a packaged one may not.

    Raises:
        ConfigError: They do not.
    """
    if "overwrite" in known or not recipe.path.suffix:  # a verb's have not
        return
    if not recipe.packaged:
        file, lacks = recipe.path.with_suffix(".yaml"), "lacks what every recipe shares"
        raise ConfigError(f"{file}: {lacks}; begin its list of defaults with '- base'")
    folder = next(folder for folder in recipe.folders if (folder / f"{recipe.name}.yaml").is_file())
    wrong = "takes the place of the packaged settings, and lacks what every recipe shares (- base)"
    remedy = f"bring what differs along in {folder}/experiment/NAME.yaml: experiment=NAME"
    raise ConfigError(f"{folder / recipe.name}.yaml: {wrong}; {remedy}")


def resolve_in_place(cfg: DictConfig) -> None:
    """Put in place of every reference what it refers to.

    Raises:
        InterpolationResolutionError: What one refers to is not there; the error's `full_key` is its key.
    """
    try:
        OmegaConf.resolve(cfg)
    except InterpolationResolutionError as error:
        keys = sorted(config.dotted_keys(cfg) - {"overrides"})  # which has what was asked for once more
        error.full_key = error.full_key or next(filter(partial(_is_astray, cfg), keys), None)
        raise


def _is_astray(cfg: DictConfig, key: str) -> bool:
    """Whether what a setting refers to cannot be found."""
    try:
        node = OmegaConf.select(cfg, key)
        if isinstance(node, ListConfig):
            OmegaConf.to_container(node, resolve=True)
    except InterpolationResolutionError:
        return True
    return False


def _is_fraction(key: str, app: Hydra, recipe: RecipeFile) -> bool:
    """Whether a setting takes numbers between the whole ones."""
    usual = OmegaConf.select(composition.compose(app, recipe.name).settings, key)
    group, _, name = key.partition(".")
    dotted = {**names.UPSTREAM, "generation": names.GENERATION}.get(group)
    field = schema.fields(dotted).get(name) if dotted else None
    return isinstance(usual, float) or (field is not None and "float" in annotations.spelt(field))


def _no_key(key: str, app: Hydra, recipe: RecipeFile, overrides: Sequence[Override]) -> ConfigError:
    """For a key that is not there: where it is, such as data=text for data.path, or the nearest one."""
    group, _, name = key.partition(".")
    known = known_keys(app, recipe.name, overrides)
    require_base(known, recipe)
    if key in known:
        return ConfigError(f"'{key}' holds several settings; set one of them{config.hint(f'{key}.…', known)}")
    having = [
        f"{chosen}={option}"
        for chosen in _groups(app, recipe.name)
        for option in composition.options(app, chosen)
        if name and _sets(source(recipe, f"{chosen}/{option}"), chosen, key)
    ]
    if having:
        return ConfigError(f"no key '{key}' here; it goes with {' or '.join(having)}")
    others = [
        other for other in shipped() if group not in known and other != recipe.name and _has(source(recipe, other), key)
    ]
    if key == "init_from" and "model" in known:
        return ConfigError(f"no key '{key}' here; a run's model is begun with by model=pretrained model.name=RUN/model")
    if others and key not in names.SYNONYMS:
        return ConfigError(f"no key '{key}' here; it is of {', '.join(others)}")
    return ConfigError(f"no key '{key}'{config.hint(key, known)}")


def _groups(app: Hydra, recipe: str) -> list[str]:
    """The groups from which a recipe chooses."""
    return sorted(group for group in composition.compose(app, recipe).choices if "@" not in group)


def _sets(text: str, group: str, key: str) -> bool:
    """Whether an option of a group sets a dotted key: its own lie below the group, unless it says otherwise."""
    if text.startswith("# @package _global_"):
        return _has(text, key)
    return key.startswith(f"{group}.") and _has(text, key.removeprefix(f"{group}."))


def _has(text: str, name: str) -> bool:
    """Whether a YAML sets a key, or chooses from a group of that name."""
    node = OmegaConf.create(text)
    if not isinstance(node, DictConfig):
        return False
    chosen = [group for line in node.get("defaults", []) if isinstance(line, DictConfig) for group in line]
    return name in config.dotted_keys(node) | {*chosen}


def source(recipe: RecipeFile, name: str | None = None) -> str:
    """The recipe's own YAML as text, or that of another config by `name`; the user's before the packaged one."""
    folders = [*recipe.folders, Path(str(files("genai_hf.conf")))]
    found = next(path for folder in folders if (path := folder / f"{name or recipe.name}.yaml").is_file())
    if not found.is_relative_to(folders[-1]):
        user_configs.require_values(found)
    return found.read_text("utf-8")
