"""Hydra's edge: from a recipe's name and overrides to one config. Nothing behind this file knows of Hydra."""

import contextlib
import re
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path

from hydra import version
from hydra._internal.config_search_path_impl import ConfigSearchPathImpl
from hydra._internal.hydra import Hydra
from hydra._internal.sources_registry import SourcesRegistry
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.core.plugins import Plugins
from hydra.errors import OverrideParseException
from omegaconf import DictConfig, OmegaConf, open_dict

from genai_hf import changes, config, secrets
from genai_hf.arguments import in_quotes
from genai_hf.bounds import bounded
from genai_hf.errors import ConfigError
from genai_hf.recipe_files import RecipeFile
from genai_hf.settings import combining, composition, names, numbers, own_settings, user_configs
from genai_hf.settings.composition import Composition
from genai_hf.settings.explaining import ENDLESS, FAULTS, explain, known_keys, resolve_in_place

# Of Hydra's own settings these may be given; the others load code, write elsewhere, or would do nothing.
HYDRAS = ("hydra/launcher", "hydra.launcher.")
INSTEAD = {  # what is there in place of the others
    "hydra.run": "run=… and root=… say where a run lies",
    "hydra.sweep.": "root=… says where a sweep lies",
    "hydra.sweeper": "-m runs over what is given with commas, such as seed=1,2",
    "hydra.output_subdir": "a run keeps its settings in config.yaml",
    "hydra.searchpath": "--config-dir brings a folder of configs along",
    "hydra.job.": "a job runs where and as the command does; set the environment before it",
    "hydra.mode": "-m makes a sweep",
    "hydra.callbacks": "no code is loaded by a setting",
    "hydra/callbacks": "no code is loaded by a setting",
}
MOST = 20  # s for the settings of others, which take a tenth of a second
CODE = re.compile(r"_target_|\$\{|[.=]_")  # in a setting of a launcher


def application(recipe: RecipeFile) -> Hydra:
    """A Hydra whose search path is the user's folders, then the packaged configs: a user's file always wins."""
    # `open`: a node whose unlisted keys need no `+` on the command line, because `checking.check` knows their names.
    ConfigStore.instance().store(name="open", node=OmegaConf.create({}, flags={"struct": False}))
    version.setbase("1.3")
    GlobalHydra.instance().clear()
    Plugins.instance()  # finds what can read pkg://
    SourcesRegistry.instance().register(user_configs.UserConfigs)
    search = ConfigSearchPathImpl()
    search.append("hydra", "pkg://hydra.conf")
    for folder in recipe.folders:
        search.append(composition.USER, f"values://{folder.resolve()}")
    search.append("main", "pkg://genai_hf.conf")
    search.append("schema", "structured://")
    return Hydra.create_main_hydra2(task_name=recipe.name, config_search_path=search)


def compose(recipe: RecipeFile, overrides: Sequence[str] = (), *, resolve: bool = True) -> DictConfig:
    """Compose `recipe` with `overrides`, as the command does; without `resolve`, interpolations are left as written.

    Raises:
        ConfigError: An override names a key, a group or an option that does not exist.
    """
    return composed(recipe, overrides, lambda found: finish(found, recipe, overrides, resolve=resolve))


def compose_verb(name: str, overrides: Sequence[str]) -> DictConfig:
    """Compose the settings of a verb from the YAML of its name.

    Raises:
        ConfigError: An override names a key, a group or an option that does not exist.
    """
    return composed(RecipeFile(Path(name)), overrides, lambda found: found.settings)


def composed(recipe: RecipeFile, overrides: Sequence[str], finished: Callable[[Composition], DictConfig]) -> DictConfig:
    """What Hydra composes, finished; what goes wrong in either is said in one line."""
    app = application(recipe)
    parsed = parse(overrides)
    try:
        with bounded(ConfigError(ENDLESS), seconds=MOST) if _is_others(recipe, overrides) else contextlib.nullcontext():
            refuse_added(app, recipe.name, parsed)
            return finished(composition.compose(app, recipe.name, overrides))
    except ConfigError:
        raise
    except FAULTS as error:
        raise explain(error, app, recipe, parsed) from error


def _is_others(recipe: RecipeFile, overrides: Sequence[str]) -> bool:
    """Whether some of the settings are not ours, which refer to each other in measure and hold no secrets."""
    return bool(recipe.folders) or any("${" in line for line in overrides)


def parse(overrides: Sequence[str]) -> list[Override]:
    """Read overrides by Hydra's grammar.

    Raises:
        ConfigError: One is not of its form, or sets what is the command's or Hydra's own.
    """
    secrets.note(overrides)
    for line in overrides:
        if secrets.HIDDEN in line:
            key, remedy = line.partition("=")[0], "give it, or name a variable of the environment, ${oc.env:NAME}"
            raise ConfigError(f"'{key}': {secrets.HIDDEN} stands for a secret that was left out; {remedy}")
    try:
        parsed = list(OverridesParser.create().parse_overrides(list(overrides)))
    except OverrideParseException as error:
        raise ConfigError(_unread(secrets.hide_override(str(error.override)))) from error
    for override in parsed:
        _refuse_hydras(override)
        if override.key_or_group in {"recipe", "overrides"}:
            raise ConfigError(f"'{override.key_or_group}' is set by the command; leave it out")
    return parsed


def _unread(override: str) -> str:
    """What to type in place of a word that Hydra's grammar does not have."""
    key, sign, value = override.partition("=")
    if not sign or not re.fullmatch(r"[\w.@/:+~-]+", key) or not value:
        return f"'{override}' is not of the form key=value (no spaces around '='; a verb comes before the recipe)"
    if value[0] == "{" and "=" in value:
        return f"'{override}' cannot be read; settings by name are written {{name: value}}"
    if value[0] in "[{":
        other = "a text in it that has quotes, brackets or commas stands in quotes of its own"
        return f"'{override}' cannot be read; close its brackets, and {other}, such as 'it\\'s'"
    left = ",".join(word for word in value.split(",") if word)
    if re.fullmatch(r"[\w.+,-]+", value) and left not in {"", value}:
        return f"'{override}' has a comma too many; write {key}={left}"
    right = f"{key}={in_quotes(value)}"
    typed = shlex.quote(right) if set(right) & set('"$`') else f'"{right}"'
    return f"'{override}' cannot be read; put quotes around its value: {typed}"


def _refuse_hydras(override: Override) -> None:
    """Refuse what of Hydra's own settings would load code or write elsewhere."""
    key, line = override.key_or_group, str(override.input_line)
    is_hydras = key == "hydra" or key.startswith(("hydra.", "hydra/"))
    if not is_hydras and str(override.package).partition(".")[0] != "hydra":
        return
    instead = next((f"; {there}" for start, there in INSTEAD.items() if key.startswith(start)), "")
    if not is_hydras or not key.startswith(HYDRAS) or override.package is not None:
        raise ConfigError(
            f"'{key}' is one of Hydra's own settings, which are not for setting here{instead or '; leave it out'}"
        )
    if CODE.search(line) or override.is_delete():
        raise ConfigError(f"'{key}': a launcher takes plain values, nothing that names code; write them out")


def finish(found: Composition, recipe: RecipeFile, overrides: Sequence[str], *, resolve: bool = True) -> DictConfig:
    """Write down what was asked for, and look at what is the user's own; a job elsewhere knows of no choices."""
    cfg, choices = found
    if choices and not recipe.packaged:
        own_settings.tell_replaced(choices, recipe, overrides)
    if recipe.folders:
        own_settings.check(cfg, recipe, choices)
    with open_dict(cfg):
        cfg.recipe = recipe.name if recipe.packaged else str(recipe.path)
        cfg.overrides = asked = [line for line in overrides if not line.startswith(("hydra.", "hydra/"))]
        combining.combine(cfg, recipe, asked, choices.get("model"))
    if resolve or _is_others(recipe, overrides):
        resolved = cfg if resolve else cfg.copy()  # what cannot be resolved is refused in either case
        resolve_in_place(resolved)
        # As they were written: what they refer to may be a secret, and the processes of `launch` read it.
        cfg.overrides = asked
        if resolve:
            numbers.settle(cfg, recipe)
        secrets.note(f"{key}={value}" for key, value in changes.flatten(OmegaConf.to_container(resolved)).items())
    return cfg


def refuse_added(app: Hydra, recipe: str, overrides: Sequence[Override]) -> None:
    """Refuse `+key`, `++key` and `~key` outside the open groups: a typo must not hide behind a sign."""
    is_open = tuple(f"{group}." for group in names.OPEN)
    for override in overrides:
        key, adds = override.key_or_group, override.is_add() or override.is_force_add()
        if key.startswith(("hydra.", "hydra/")) or not (adds or override.is_delete()):
            continue
        known = known_keys(app, recipe)
        if key.startswith(is_open) and key.partition(".")[0] in known:
            continue
        if not adds:
            raise ConfigError(f"'{key}' cannot be removed; set it to another value")
        said = secrets.hide_override(str(override.input_line))
        line = said.lstrip("+")
        what = f"write '{line}' without the '+'" if key in known else f"no such key{config.hint(key, known)}"
        raise ConfigError(f"'{said}': {what}")
