"""Settings of how a text is written, looked at before anything is loaded that writes one."""

from collections.abc import Mapping, Sequence
from typing import Any

from omegaconf import DictConfig

from genai_hf.config import check_node, check_type, require_node
from genai_hf.errors import ConfigError
from genai_hf.settings import limits, reserved
from genai_hf.settings.names import GENERATION, WATERMARK

DRAWN = ("temperature", "top_k", "top_p", "min_p", "top_h", "typical_p", "epsilon_cutoff", "eta_cutoff")
OF_BEAMS = ("length_penalty", "early_stopping")
PAIR = 2
OF_TOKENS = {
    *("suppress_tokens", "begin_suppress_tokens"),
    *("eos_token_id", "forced_eos_token_id", "forced_bos_token_id", "decoder_start_token_id"),
}
OF_USE_WITH = {  # what does nothing without the other, which has one of these values then
    "max_cache_len": ("cache_implementation", ("static", "offloaded_static")),
    "cache_config": ("cache_implementation", ("quantized",)),
}


def check(cfg: DictConfig) -> None:
    """Refuse what transformers' GenerationConfig does not take, and what is no use where a prompt has one text.

    Args:
        cfg: With the nodes `generation` and `seed`.

    Raises:
        ConfigError: The first setting that is wrong.
    """
    node = cfg.generation
    check_node(GENERATION, node, at="generation")
    reserved.refuse(node, reserved.OF_GENERATION, GENERATION, at="generation", **reserved.ONE)
    check_type("seed", cfg.seed, "int")
    limits.check_values(cfg)
    if node.get("watermarking_config") is not None:
        require_node(cfg, "generation.watermarking_config.name", example="generation.watermarking_config.bias")
        check_node(WATERMARK, node.watermarking_config, at="generation.watermarking_config")
    _check_lengths(node)
    _check_ways(node)


def require_tokens(settings: Mapping[str, Any], vocabulary: int) -> None:
    """Refuse a token that a model does not have, and so never writes.

    Raises:
        ConfigError: One is none.
    """
    for key in OF_TOKENS & settings.keys():
        given = settings[key] if isinstance(settings[key], Sequence) else [settings[key]]
        for token in given:
            if token is not None and token >= vocabulary:
                raise ConfigError(f"'generation.{key}': {token} is none of the model's {vocabulary} tokens; mend it")


def _check_lengths(node: Mapping[str, Any]) -> None:
    for key in ("max_new_tokens", "num_beams"):
        if node[key] is None:
            raise ConfigError(f"'generation.{key}' must be at least 1, got None")
    if (least := node.get("min_new_tokens") or 0) > node["max_new_tokens"]:
        most = f"max_new_tokens={node['max_new_tokens']}"
        raise ConfigError(f"'generation.min_new_tokens': {least} are more than {most}; raise that")


def _check_ways(node: Mapping[str, Any]) -> None:
    """What is of one way of choosing the next token, or of keeping what was computed, where another is taken."""
    given = {key for key in node if node[key] is not None}
    for key in DRAWN:
        if key in given and not node["do_sample"]:
            raise ConfigError(
                f"'generation.{key}' is of drawing the next token; say generation=top_p or generation=top_k"
            )
    for key in OF_BEAMS:
        if key in given and node["num_beams"] == 1:
            raise ConfigError(f"'generation.{key}' is of following several texts at once; raise generation.num_beams")
    for key, (other, values) in OF_USE_WITH.items():
        if key in given and node.get(other) not in values:
            raise ConfigError(f"'generation.{key}' does nothing alone; say generation.{other}={values[0]} besides")
    penalty = node.get("exponential_decay_length_penalty")
    if penalty is not None and len(penalty) != PAIR:
        wanted = "must be a place and a factor, such as [20,1.05]"
        raise ConfigError(f"'generation.exponential_decay_length_penalty' {wanted}, got {penalty}")
