"""A whole config beside the machine and the model that it names, before either is asked for anything."""

import re
from collections.abc import Iterable

from omegaconf import DictConfig, OmegaConf

from genai_hf.config import overrides
from genai_hf.errors import ConfigError
from genai_hf.recipe_files import RecipeFile
from genai_hf.settings import architectures, foreseeing, limits
from genai_hf.settings.names import VIRTUAL

# Settings of adapters that name layers.
OF_LAYERS = (
    *("target_modules", "feedforward_modules", "modules_to_save", "exclude_modules"),
    *("rank_pattern", "alpha_pattern"),
)


def check(cfg: DictConfig, recipes: Iterable[RecipeFile]) -> None:
    """Refuse what its parts do not take together, devices that are not there, and a model that is none for it.

    Args:
        cfg: The composed config.
        recipes: The recipe, and the one that builds what it trains.

    Raises:
        ConfigError: The first.
    """
    for one in recipes:
        foreseeing.foresee(cfg, one.tree())
    limits.require_devices(cfg)
    for one in recipes:
        architectures.check(cfg.get("model"), one.head, cfg.get("sequence_length"))
    _check_second_text(cfg)
    if OmegaConf.select(cfg, "speed.unpadded") == "always":
        architectures.require_unpadded(cfg.get("model") or {})
    if isinstance(teacher := OmegaConf.select(cfg, "teacher.name"), str):
        sizes = architectures.of_folder(teacher)
        foreseeing.foresee_part("genai_hf.models.thinning.require_layers", {"layers": cfg.layers, "sizes": sizes})
    if "peft" in cfg and cfg.peft.get("method") is not None and cfg.get("layers") is None:
        _check_adapted(cfg)


def _check_adapted(cfg: DictConfig) -> None:
    """Whether there are weights and layers for an adapter, as far as it is known of the model."""
    for key in OF_LAYERS:
        if not isinstance(layers := cfg.peft.get(key) or (), str):  # which is a pattern
            names = [name for name in layers if re.fullmatch(r"[\w.]+", str(name))]  # as those of a table may be
            architectures.require_layers(f"peft.{key}", names, cfg.model)
    if cfg.model.get("architecture") is not None or cfg.model.get("from_scratch"):
        remedy = "say model=pretrained model.name=…"
        raise ConfigError(f"'peft': an adapter is for pretrained weights, and these are new; {remedy}")
    if (layers := cfg.model.get("reinitialized_layers")) and layers == architectures.depth(cfg.model):
        raise ConfigError("'model.reinitialized_layers': an adapter needs a layer that is not drawn anew; lower it")


def _check_second_text(cfg: DictConfig) -> None:
    """Whether it was asked for where it does nothing, as far as it is known of the model."""
    asked = {line.lstrip("+").partition("=")[0] for line in overrides(cfg)}
    if "second_text" not in asked or not cfg.get("second_text"):
        return
    if (method := OmegaConf.select(cfg, "peft.method")) in VIRTUAL:
        raise ConfigError(f"'second_text' does nothing behind virtual tokens (peft={method}); leave it out")
    if not architectures.may_read_pairs(cfg.get("model") or {}):
        raise ConfigError("'second_text' does nothing with a model of one token type; leave it out")
