"""A whole config looked at beforehand, without importing any part.

It is read which node the recipe hands to which part, and what that part takes, from their sources.
"""

import os
from collections.abc import Mapping
from itertools import chain
from typing import Any

from omegaconf import DictConfig, OmegaConf

from genai_hf import launching, recipe_files
from genai_hf.config import check_node, check_type, hint, require_node
from genai_hf.errors import ConfigError
from genai_hf.recipe_files import RecipeFile
from genai_hf.settings import annotations, foreseeing, here, limits, presence, reserved, schema, upstream
from genai_hf.settings.names import ADAPTERS, BITS, GIVEN, OPEN, UPSTREAM

LONGEST_NAME = 255  # bytes of a folder's name on every usual file system
# Keys of base.yaml, whose owner is the command.
BASE = {
    "seed": "int",
    "overwrite": "bool",
    "resume.allow": "list[str] | str",
    "root": "str",
    "on_nan": "Literal['stop', 'skip']",
    "max_skipped": "int",
    "launch.starter": "Literal['none', 'accelerate', 'torchrun', 'srun']",
    "launch.processes": "int | None",
    "launch.use_cpu": "bool",
    "launch.arguments": "list[str]",
    "run": "str | int | float | None",
    "init_from": "str | None",
    "speed.attention": "Literal['auto', 'library']",
    "speed.dropout": "Literal['auto', 'library']",
    "speed.keep_memory": "bool",
    "speed.unpadded": "Literal['auto', 'always', 'library']",
    "speed.last_layer": "Literal['auto', 'library']",
    "speed.documents": "bool",
    "precision": "Literal['auto', 'fp32', 'bf16', 'fp16']",
}


def check(cfg: DictConfig, recipe: RecipeFile, *, files: bool = True) -> None:
    """Refuse wrong names and types in `cfg` before anything heavy is imported.

    Args:
        cfg: The composed config.
        recipe: In its source the calls of `build` say what each node is for.
        files: Whether it is to run here, so that its files and devices must be there and its model be one for it.

    Raises:
        ConfigError: The first setting that is wrong.
    """
    for key in sorted(OmegaConf.missing_keys(cfg)):
        raise ConfigError(f"'{key}' must be given: {key}=…{GIVEN.get(key, '')}")
    for key, name in OPEN.items():
        require_node(cfg, f"{key}.", example=f"{key}.{name}")
    _check_base(cfg)
    if not recipe.trains:
        _check_untrained(cfg, recipe.name)
    if "trainer" in cfg:
        _check_trainer(cfg)
    _check_model(cfg)
    _check_adapter(cfg)
    _check_quantization(cfg)
    recipes = recipe_files.with_base(recipe, cfg)
    for part, at, given in chain.from_iterable(one.calls() for one in recipes):
        _check_call(cfg, part, at, given)
    if files:
        presence.check(cfg)
    limits.check(cfg)
    launching.check(cfg)
    if cfg.get("quantization"):
        foreseeing.foresee_settings("genai_hf.models.few_bits.quantized", cfg.quantization, at="quantization")
    if "peft" in cfg and cfg.peft.get("method") is not None:
        for part in ("genai_hf.models.adapters.adapter", ADAPTERS[cfg.peft.method]):
            foreseeing.foresee_settings(part, cfg.peft, at="peft")
    if files:
        here.check(cfg, recipes)


def _check_call(cfg: DictConfig, part: str, at: str | None, given: Mapping[str, str | None]) -> None:
    """The names and types that one call of a recipe hands to a part."""
    if at is not None:
        check_node(part, OmegaConf.select(cfg, at), at=at, given=given)
    for name, own_key in given.items():
        require_node(cfg, own_key)
        if own_key is not None and name in schema.fields(part):
            check_type(own_key, OmegaConf.select(cfg, own_key), annotations.spelt(schema.fields(part)[name]))


def _check_base(cfg: DictConfig) -> None:
    """The command's own keys."""
    for key, annotation in BASE.items():
        require_node(cfg, key, example=key)
        check_type(key, OmegaConf.select(cfg, key), annotation)
    if len(name := os.fsencode(str(cfg.run))) > LONGEST_NAME:
        raise ConfigError(
            f"'run': a folder's name has at most {LONGEST_NAME} bytes, and this has {len(name)}; shorten it"
        )
    if isinstance(cfg.resume.allow, (bool, int, float)):
        raise ConfigError(f"'resume.allow' must be keys, such as [trainer.learning_rate], got {cfg.resume.allow}")


def _check_untrained(cfg: DictConfig, recipe: str) -> None:
    """What is of no use to a recipe that trains no model."""
    if cfg.get("trainer"):
        raise ConfigError(f"'trainer.{next(iter(cfg.trainer))}': {recipe} trains no model; leave it out")
    if cfg.resume.allow:
        raise ConfigError(f"'resume.allow': {recipe} trains no model; start it anew with overwrite=true")
    if cfg.launch.starter != "none":
        raise ConfigError(f"'launch': {recipe} trains no model, so one process does it; leave it out")


def _check_trainer(cfg: DictConfig) -> None:
    """The fields of TrainingArguments."""
    dotted = UPSTREAM["trainer"]
    reserved.refuse(cfg.trainer, reserved.instead(cfg), dotted, at="trainer", **reserved.of_trainer(cfg))
    free = {key: value for key, value in cfg.trainer.items() if key not in reserved.OF_TRAINER}
    check_node(dotted, free, at="trainer", besides=cfg)


def _check_model(cfg: DictConfig) -> None:
    """The architecture's own fields: where it is known which one."""
    if "model" not in cfg:
        return
    node: dict[str, Any] = {"architecture": None, "config": {}, "name": None}  # a file of the user's may lack them
    node |= {str(key): value for key, value in cfg.model.items()}
    check_type("model.architecture", architecture := node["architecture"], "str | None")
    check_type("model.config", node["config"], "Mapping[str, Any]")
    if node.get("from_scratch") and node.get("reinitialized_layers"):
        raise ConfigError("'model.reinitialized_layers' does nothing with model.from_scratch=true; leave it out")
    if architecture is not None and node["name"] is not None:
        raise ConfigError("'model.name' names pretrained weights; say model=pretrained besides")
    if architecture is not None and upstream.model_config(architecture) is None:
        near = hint(architecture, upstream.architectures())
        raise ConfigError(f"'model.architecture': transformers has no '{architecture}'{near}")


def _check_adapter(cfg: DictConfig) -> None:
    """The fields of the adapter's own configuration."""
    if "peft" not in cfg:
        return
    node = dict(cfg.peft)
    method = node.pop("method", None)
    check_type("peft.method", method, f"Literal{list(ADAPTERS)} | None")
    if method is not None:
        for key in node.keys() - schema.fields(ADAPTERS[method]).keys():
            if others := [name for name, dotted in ADAPTERS.items() if key in schema.fields(dotted)]:
                raise ConfigError(f"'peft.{key}' is not of peft={method}; it goes with {' or '.join(others)}")
        check_node(ADAPTERS[method], node, at="peft", besides=cfg)
        reserved.refuse(node, reserved.OF_ADAPTER, ADAPTERS[method], at="peft")
    elif node:
        raise ConfigError(f"'peft.{next(iter(node))}' is for an adapter; name one, such as peft=lora")


def _check_quantization(cfg: DictConfig) -> None:
    """The fields of bitsandbytes' configuration, and that something can be trained beside the weights."""
    if not cfg.get("quantization"):
        return
    check_node(BITS, cfg.quantization, at="quantization", besides=cfg)
    if cfg.peft.get("method") is None:
        raise ConfigError("'quantization': weights of so few bits cannot be trained; add an adapter, such as peft=lora")
    if cfg.model.get("architecture") is not None or cfg.model.get("from_scratch"):
        raise ConfigError("'quantization' is for pretrained weights; say model=pretrained model.name=…")
    if cfg.model.get("reinitialized_layers"):
        raise ConfigError(
            "'model.reinitialized_layers': layers of few bits cannot be drawn anew; leave quantization out"
        )
