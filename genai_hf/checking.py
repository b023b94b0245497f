"""A whole config looked at beforehand, without importing any part.

It is read which node the recipe hands to which part, and what that part takes, from their sources.
"""

import importlib.util
import re
from collections.abc import Mapping
from itertools import chain
from typing import Any

from omegaconf import DictConfig, OmegaConf

from genai_hf import reaching, schema, task_files
from genai_hf.config import check_node, check_type, hint
from genai_hf.errors import ConfigError
from genai_hf.names import (
    ADAPTERS,
    BITS,
    GENERATION,
    GIVEN,
    LARGEST_SEED,
    LOG_LEVELS,
    OF_ADAPTER,
    OF_GENERATION,
    RESERVED,
    SMALLEST,
    TRACKERS,
    UPSTREAM,
)
from genai_hf.places import existing, require_model
from genai_hf.recipe_files import RecipeFile, find

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
    "speed.attention": "Literal['auto', 'library']",
    "speed.dropout": "Literal['auto', 'library']",
    "speed.keep_memory": "bool",
    "speed.documents": "bool",
    "precision": "Literal['auto', 'fp32', 'bf16', 'fp16']",
}


def check(cfg: DictConfig, recipe: RecipeFile, *, files: bool = True) -> None:
    """Refuse wrong names and types in `cfg` before anything heavy is imported.

    Args:
        cfg: The composed config.
        recipe: In its source the calls of `build` say what each node is for.
        files: Whether the files that it names must be on this machine.

    Raises:
        ConfigError: The first setting that is wrong.
    """
    for key in sorted(OmegaConf.missing_keys(cfg)):
        raise ConfigError(f"'{key}' must be given: {key}=…{GIVEN.get(key, '')}")
    _check_base(cfg)
    if not recipe.trains:
        _check_untrained(cfg, recipe.name)
    for group, dotted in UPSTREAM.items():
        if group in cfg:
            check_node(dotted, cfg[group], at=group)
            _check_trainer(cfg[group], at=group)
    _check_model(cfg)
    _check_adapter(cfg)
    _check_quantization(cfg)
    for part, at, given in chain(recipe.calls(), find(cfg.of).calls() if "of" in cfg else ()):
        if at is not None:
            check_node(part, OmegaConf.select(cfg, at), at=at, given=given)
        for name, own_key in given.items():
            _require_node(cfg, own_key)
            if own_key is not None and name in schema.fields(part):
                check_type(own_key, OmegaConf.select(cfg, own_key), schema.fields(part)[name].annotation)
    if files:
        _check_files(cfg)


def _require_node(cfg: DictConfig, key: str | None, example: str | None = None) -> None:
    """Refuse a single value where a setting has settings of its own."""
    above = (key or "").rpartition(".")[0]
    if above and not isinstance(OmegaConf.select(cfg, above), DictConfig):
        raise ConfigError(f"'{above}' holds several settings; set one of them, such as {example or f'{above}.name'}=…")


def check_generation(cfg: DictConfig) -> None:
    """Refuse what transformers' GenerationConfig does not take, and what is no use where a prompt has one text.

    Raises:
        ConfigError: The first setting that is wrong.
    """
    check_node(GENERATION, cfg.generation, at="generation")
    _refuse_reserved(cfg.generation, OF_GENERATION, at="generation")
    for key in ("max_new_tokens", "num_beams"):
        if (cfg.generation[key] or 0) < 1:
            raise ConfigError(f"'generation.{key}' must be at least 1, got {cfg.generation[key]}")
    for key in ("temperature", "top_k", "top_p"):
        if cfg.generation.get(key) is not None and not cfg.generation.do_sample:
            raise ConfigError(
                f"'generation.{key}' is of drawing the next token; say generation=top_p or generation=top_k"
            )
    share = cfg.generation.get("top_p")
    if share is not None and not 0 < share <= 1:
        raise ConfigError(f"'generation.top_p' must be above 0 and at most 1, got {share}")
    check_type("seed", cfg.seed, BASE["seed"])
    if not 0 <= cfg.seed <= LARGEST_SEED:
        raise ConfigError(f"'seed' must be from 0 to {LARGEST_SEED}, got {cfg.seed}")


def _check_files(cfg: DictConfig) -> None:
    """What is named must be there."""
    if isinstance(path := OmegaConf.select(cfg, "data.path"), str):
        existing(path)
    if "task" in cfg:
        task_files.find(cfg.task, cfg.data)
    if run := cfg.get("init_from"):
        task_files.finished_model(run)
    if isinstance(name := OmegaConf.select(cfg, "model.name"), str):
        require_model(name)
    named = {OmegaConf.select(cfg, key): key for key in ("tokenizer.name", "teacher.name", "model.name")}
    for name, key in named.items():
        if isinstance(name, str):
            reaching.require(key, name)


def _check_base(cfg: DictConfig) -> None:
    """The command's own keys."""
    for key, annotation in BASE.items():
        _require_node(cfg, key, example=key)
        check_type(key, OmegaConf.select(cfg, key), annotation)
    for key, smallest in (("max_skipped", 0), ("launch.processes", 1)):
        value = OmegaConf.select(cfg, key)
        if value is not None and value < smallest:
            raise ConfigError(f"'{key}' must be at least {smallest}, got {value}")
    for word in cfg.launch.arguments:
        if not re.fullmatch(r"--(?!no[-_]python|run[-_]path)[\w-]+(=.*)?", str(word)):
            raise ConfigError(
                f"'launch.arguments': {word} is no option of the launcher's such as --gpu_ids=0,1; mend it"
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


def _check_model(cfg: DictConfig) -> None:
    """The architecture's own fields: where it is known which one."""
    architecture = OmegaConf.select(cfg, "model.architecture")
    if architecture is not None and OmegaConf.select(cfg, "model.name") is not None:
        raise ConfigError("'model.name' names pretrained weights; say model=pretrained besides")
    if architecture is not None:
        dotted = schema.model_config(architecture)
        if dotted is None:
            near = hint(architecture, schema.architectures())
            raise ConfigError(f"'model.architecture': transformers has no '{architecture}'{near}")
        undeclared = schema.undeclared(dotted)  # of a T5, whether its head is the embedding
        declared = {key: value for key, value in cfg.model.config.items() if key not in undeclared}
        check_node(dotted, declared, at="model.config")


def _check_adapter(cfg: DictConfig) -> None:
    """The fields of the adapter's own configuration."""
    if "peft" not in cfg:
        return
    node = dict(cfg.peft)
    method = node.pop("method", None)
    check_type("peft.method", method, f"Literal{list(ADAPTERS)} | None")
    if method is not None:
        check_node(ADAPTERS[method], node, at="peft")
        _refuse_reserved(node, OF_ADAPTER, at="peft")
    elif node:
        raise ConfigError(f"'peft.{next(iter(node))}' is for an adapter; name one, such as peft=lora")


def _check_quantization(cfg: DictConfig) -> None:
    """The fields of bitsandbytes' configuration, and that something can be trained beside the weights."""
    if not cfg.get("quantization"):
        return
    check_node(BITS, cfg.quantization, at="quantization")
    if cfg.peft.get("method") is None:
        raise ConfigError("'quantization': weights of so few bits cannot be trained; add an adapter, such as peft=lora")
    if cfg.model.get("architecture") is not None or cfg.model.get("from_scratch"):
        raise ConfigError("'quantization' is for pretrained weights; say model=pretrained model.name=…")


def _refuse_reserved(node: Mapping[str, Any], reserved: Mapping[str, str], at: str) -> None:
    for key, instead in reserved.items():
        if key in node:
            raise ConfigError(f"'{at}.{key}' is not for setting; {instead}")


def _check_trainer(node: Mapping[str, Any], at: str) -> None:
    """What the fields' types do not say."""
    _refuse_reserved(node, RESERVED, at)
    trackers = node.get("report_to") or "none"
    for tracker in [trackers] if isinstance(trackers, str) else trackers:
        if str(tracker) not in {"none", "all", *TRACKERS}:  # a package's own name might be that of a file here
            raise ConfigError(f"'{at}.report_to': transformers knows no '{tracker}'{hint(str(tracker), TRACKERS)}")
        if tracker in TRACKERS and importlib.util.find_spec(TRACKERS[tracker]) is None:
            raise ConfigError(f"'{at}.report_to': {tracker} is not installed; pip install {tracker}, or leave it out")
    for key in ("log_level", "log_level_replica"):
        if key in node:
            check_type(f"{at}.{key}", node[key], f"Literal{list(LOG_LEVELS)}")
    for key, smallest in SMALLEST.items():
        value = node.get(key)
        if isinstance(value, (int, float)) and value < smallest:
            raise ConfigError(f"'{at}.{key}' must be at least {smallest}, got {value}")
    if str(node.get("optim")).startswith("schedule_free"):
        raise ConfigError(f"'{at}.optim': {node['optim']} keeps what it learns where no checkpoint does; take another")
    if (node.get("seed") or 0) > LARGEST_SEED:
        raise ConfigError(f"'{at}.seed' must be at most {LARGEST_SEED}, got {node['seed']}")
    if node.get("max_steps") == 0:
        raise ConfigError(f"'{at}.max_steps' must be positive, or -1 to count in epochs, got 0")
