"""Settings that stand for others: a run to begin with, a teacher to be like, an architecture in place of another."""

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import yaml  # type: ignore[import-untyped]
from omegaconf import DictConfig, OmegaConf

from genai_hf import model_folders
from genai_hf.errors import ConfigError
from genai_hf.recipe_files import RecipeFile
from genai_hf.settings import names, own_sources, schema, upstream
from genai_hf.settings.explaining import source


def combine(cfg: DictConfig, recipe: RecipeFile, overrides: Sequence[str], model: str | None) -> None:
    """Put in place what follows from the settings that were asked for, in a config that takes new keys.

    Args:
        cfg: What they came to.
        recipe: What it is for.
        overrides: As they were asked for.
        model: The option of the group `model`.

    Raises:
        ConfigError: Two of them cannot be together.
    """
    if model and any(line.startswith(("model={", "model.architecture=")) for line in overrides):
        _refuse_mixed(cfg, recipe, model)
    for key, choices in own_sources.choices(recipe.tree()):
        if isinstance(asked := OmegaConf.select(cfg, key), str) and asked not in choices:
            raise ConfigError(f"'{key}' cannot be {asked!r}; {recipe.path.name} knows {', '.join(choices)}")
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
        cfg.teacher.name = model_folders.model_of(name)


def _without_adapters(cfg: DictConfig, recipe: str) -> None:
    """Drop what is of use to training alone."""
    for group in ("peft", "quantization"):
        if any(value is not None for value in cfg.pop(group).values()):
            raise ConfigError(f"'{group}': {recipe} trains no model; leave it out")


def _refuse_mixed(cfg: DictConfig, recipe: RecipeFile, option: str) -> None:
    """Refuse another architecture than that for which an option of `model` has sizes, where it has none of the name."""
    kind = OmegaConf.select(cfg, "model.architecture")
    dotted = upstream.model_config(kind) if isinstance(kind, str) else None
    if dotted is None:
        return
    folders = [*recipe.folders, Path(str(files("genai_hf.conf")))]
    stems = sorted({path.stem for folder in folders for path in folder.glob("model/*.yaml")})
    options = {stem: yaml.safe_load(source(recipe, f"model/{stem}")) or {} for stem in stems}
    known = {*schema.fields(dotted), *schema.undeclared(dotted)}
    stray = next((key for key in options[option].get("config") or {} if key not in known), None)
    if stray is not None:
        its = [f"model={name}" for name, node in options.items() if node.get("architecture") == kind]
        begin = f"begin with {' or '.join(its) or 'a model/NAME.yaml of your own (--config-dir)'}"
        raise ConfigError(
            f"'model.architecture': {kind} has no {stray}, which model={option} sets; {begin}, then say what differs"
        )


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
