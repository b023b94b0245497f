"""Hydra's edge: from a recipe's name and overrides to one config. Nothing behind this file knows of Hydra."""

import contextlib
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import yaml  # type: ignore[import-untyped]
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
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, open_dict

from genai_hf import changes, config, names, secrets, task_files, user_configs
from genai_hf.bounds import bounded
from genai_hf.errors import ConfigError
from genai_hf.explaining import ENDLESS, FAULTS, QUIET, explain, known_keys, source
from genai_hf.ranks import say
from genai_hf.recipe_files import RecipeFile

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
        search.append("user", f"values://{folder.resolve()}")
    search.append("main", "pkg://genai_hf.conf")
    search.append("schema", "structured://")
    return Hydra.create_main_hydra2(task_name=recipe.name, config_search_path=search)


def compose(recipe: RecipeFile, overrides: Sequence[str] = (), *, resolve: bool = True) -> DictConfig:
    """Compose `recipe` with `overrides`, as the command does; without `resolve`, interpolations are left as written.

    Raises:
        ConfigError: An override names a key, a group or an option that does not exist.
    """
    return composed(recipe, overrides, lambda cfg: finish(cfg, recipe, overrides, resolve=resolve))


def compose_verb(name: str, overrides: Sequence[str]) -> DictConfig:
    """Compose the settings of a verb from the YAML of its name.

    Raises:
        ConfigError: An override names a key, a group or an option that does not exist.
    """
    return composed(RecipeFile(Path(name)), overrides, _without_hydra)


def composed(recipe: RecipeFile, overrides: Sequence[str], finished: Callable[[DictConfig], DictConfig]) -> DictConfig:
    """What Hydra composes, finished; what goes wrong in either is said in one line."""
    app = application(recipe)
    parsed = parse(overrides)
    try:
        with bounded(ConfigError(ENDLESS), seconds=MOST) if _is_others(recipe, overrides) else contextlib.nullcontext():
            refuse_added(app, recipe.name, parsed)
            return finished(app.compose_config(recipe.name, [*overrides, *QUIET], run_mode=RunMode.RUN))
    except ConfigError:
        raise
    except FAULTS as error:
        raise explain(error, app, recipe, parsed) from error


def _is_others(recipe: RecipeFile, overrides: Sequence[str]) -> bool:
    """Whether some of the settings are not ours, which refer to each other in measure and hold no secrets."""
    return bool(recipe.folders) or any("${" in line for line in overrides)


def _without_hydra(cfg: DictConfig) -> DictConfig:
    with open_dict(cfg):
        cfg.pop("hydra", None)
    return cfg


def parse(overrides: Sequence[str]) -> list[Override]:
    """Read overrides by Hydra's grammar.

    Raises:
        ConfigError: One is not of its form, or sets what is the command's or Hydra's own.
    """
    secrets.note(overrides)
    try:
        parsed = list(OverridesParser.create().parse_overrides(list(overrides)))
    except OverrideParseException as error:
        line = secrets.hide_override(str(error.override))
        raise ConfigError(f"'{line}' is not of the form key=value ({_shape(line)})") from error
    for override in parsed:
        _refuse_hydras(override)
        if override.key_or_group in {"recipe", "overrides"}:
            raise ConfigError(f"'{override.key_or_group}' is set by the command; leave it out")
    return parsed


def _shape(line: str) -> str:
    """What to mind in a word that cannot be read."""
    key, _, value = line.partition("=")
    if value.startswith("{") and "=" in value:
        return "settings by name are written {name: value}"
    if "=" not in value or set(value) & set("\"'"):
        return "no spaces around '='; a verb comes before the recipe"
    within = re.fullmatch(r"\[(.*)\]", value)
    items = within[1].split(",") if within else [value]
    quoted = ",".join(f'"{item}"' if "=" in item or not within else item for item in items)
    return f"an equals sign in a value takes quotation marks: '{key}={f'[{quoted}]' if within else quoted}'"


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


def finish(cfg: DictConfig, recipe: RecipeFile, overrides: Sequence[str], *, resolve: bool = True) -> DictConfig:
    """Drop Hydra's own node and write down what was asked for."""
    if not recipe.packaged:
        _tell_replaced(cfg, recipe, overrides)
    with open_dict(_without_hydra(cfg)):
        cfg.recipe = recipe.name if recipe.packaged else str(recipe.path)
        cfg.overrides = asked = [line for line in overrides if not line.startswith(("hydra.", "hydra/"))]
        if not recipe.trains and not cfg.trainer:
            cfg.pop("trainer")
        if cfg.precision == "auto" and OmegaConf.select(cfg, "trainer.bf16") is False:
            cfg.precision = "fp32"  # as transformers says it
        if not recipe.trains:
            _without_adapters(cfg, recipe.name)
        if cfg.get("init_from"):
            _begin_with(cfg)
        if "teacher" in cfg and cfg.get("layers") is not None:
            _choose_student(cfg)
        if isinstance(name := OmegaConf.select(cfg, "teacher.name"), str):
            cfg.teacher.name = task_files.model_of(name)
    if resolve or _is_others(recipe, overrides):
        resolved = cfg if resolve else cfg.copy()  # what cannot be resolved is refused in either case
        OmegaConf.resolve(resolved)
        # As they were written: what they refer to may be a secret, and the processes of `launch` read it.
        cfg.overrides = asked
        secrets.note(f"{key}={value}" for key, value in changes.flatten(OmegaConf.to_container(resolved)).items())
    return cfg


def _without_adapters(cfg: DictConfig, recipe: str) -> None:
    """Drop what is of use to training alone."""
    for group in ("peft", "quantization"):
        if any(value is not None for value in cfg.pop(group).values()):
            raise ConfigError(f"'{group}': {recipe} trains no model; leave it out")


def _begin_with(cfg: DictConfig) -> None:
    """`init_from=RUN` is `model=pretrained` of that run's model; the tokenizer follows it, as it follows any."""
    if "from_scratch" not in cfg.model:  # the sizes of an untrained model, which nobody asked for
        asked = next((line for line in cfg.overrides if line.startswith(("model=", "model."))), None)
        if asked:
            raise ConfigError(f"'init_from' begins with that run's model; leave {asked} out, or say model=pretrained")
        cfg.model = dict(names.PRETRAINED)
    if not isinstance(cfg.init_from, str):
        raise ConfigError(f"'init_from' must be a run's folder, got {cfg.init_from}")
    if not OmegaConf.is_missing(cfg.model, "name"):
        raise ConfigError(f"'init_from': model.name={cfg.model.name} is another model to begin with; give one of them")
    cfg.model.name = str(Path(cfg.init_from) / "model")


def _choose_student(cfg: DictConfig) -> None:
    """A student is made of its teacher's layers unless another model is asked for."""
    asked = [line for line in cfg.overrides if line.startswith(("model=", "model.", "init_from="))]
    if asked and any(line.startswith("layers=") for line in cfg.overrides):
        raise ConfigError(f"'layers' makes the student of its teacher's own; leave them out, or {asked[0]}")
    if asked:
        cfg.layers = None


def _tell_replaced(cfg: DictConfig, recipe: RecipeFile, overrides: Sequence[str]) -> None:
    """Say where a group that the user's own YAML chooses is another one's after all, as `override /group` makes it."""
    own = yaml.safe_load(source(recipe)).get("defaults", [])
    pairs = [pair for line in own if isinstance(line, dict) for pair in line.items()]
    for group, option in {group.removeprefix("override ").lstrip("/"): option for group, option in pairs}.items():
        chosen = cfg.hydra.runtime.choices.get(group)
        if chosen != option and not any(line.startswith((f"{group}=", "experiment=")) for line in overrides):
            remedy = f"write 'override /{group}: {option}' last in its defaults to keep yours"
            say(f"{recipe.path.with_suffix('.yaml')}: {group}: {option} gives way to {group}={chosen}; {remedy}")


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
