"""Fields of an architecture's configuration: their names, and what sizes a model may have."""

import functools
from collections.abc import Iterator, Mapping
from typing import Any

from genai_hf.config import check_node, hint
from genai_hf.errors import ConfigError
from genai_hf.settings import reserved, schema, upstream

ACTIVATIONS = "transformers.activations"
COMMON = {  # one architecture's name for a size, and the name that transformers has for it in all of them
    **dict.fromkeys(("n_embd", "d_model", "dim"), "hidden_size"),
    **dict.fromkeys(("n_layer", "n_layers", "num_layers"), "num_hidden_layers"),
    **dict.fromkeys(("n_head", "n_heads", "num_heads"), "num_attention_heads"),
    "n_positions": "max_position_embeddings",
}
OWN_WIDTH = {"head_dim", "d_kv", "d_head", "kv_channels", "attention_head_size", "embedding_size"}  # heads of any width
SIZES = {  # of which no model has none
    *(
        "vocab_size",
        "hidden_size",
        "num_hidden_layers",
        "num_attention_heads",
        "num_key_value_heads",
        "intermediate_size",
    ),
    *(
        "max_position_embeddings",
        "type_vocab_size",
        "embedding_size",
        "d_model",
        "d_ff",
        "d_kv",
        "num_layers",
        "num_heads",
    ),
    *("num_decoder_layers", "encoder_layers", "decoder_layers", "encoder_attention_heads", "decoder_attention_heads"),
    *("encoder_ffn_dim", "decoder_ffn_dim", "dim", "hidden_dim", "n_layers", "n_heads", "n_embd", "n_layer", "n_head"),
    *("n_positions", "n_ctx", "n_inner", "head_dim"),
}
MOST_LAYERS = 2_500  # the deepest that was ever trained has 1,000 (Wang et al. 2022, arXiv:2203.00555)
ACTIVATION = {"hidden_act", "hidden_activation", "activation_function", "activation", "feed_forward_proj"}


def check_names(dotted: str, given: Mapping[str, Any]) -> None:
    """Names and types; what another architecture calls a size is answered by its name here."""
    reserved.refuse(given, reserved.OF_MODEL, dotted, at="model.config")
    undeclared = schema.undeclared(dotted)  # of a T5, whether its head is the embedding
    fields, names = schema.fields(dotted), upstream.attribute_map(dotted)
    for key in given:
        common = COMMON.get(key, key)
        own = names.get(common, common)
        if key not in fields and key not in undeclared and own in fields and own != key:
            kind = dotted.rpartition(".")[2]
            raise ConfigError(f"'model.config.{key}' is not a parameter of {kind}; did you mean 'model.config.{own}'?")
    check_node(dotted, {key: value for key, value in given.items() if key not in undeclared}, at="model.config")


def check_values(dotted: str, values: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """Refuse a field that is given and whose range its name and its default tell; and heads that share no width."""
    shipped, names = defaults(dotted), {own: common for common, own in upstream.attribute_map(dotted).items()}
    for key, value in given.items():
        if type(value) not in {int, float}:
            continue
        usual = shipped.get(key)
        is_size = names.get(key, key) in SIZES and not (type(usual) is int and usual < 1)
        is_least = key.endswith(("_eps", "_epsilon", "_range", "_std"))
        if is_size and value < 1:
            raise ConfigError(f"'model.config.{key}' must be at least 1, got {value}")
        if is_size and key.endswith(("_layers", "_layer")) and value > MOST_LAYERS:
            raise ConfigError(f"'model.config.{key}' must be at most {MOST_LAYERS}, got {value}")
        if "drop" in key and not 0 <= value <= 1:
            raise ConfigError(f"'model.config.{key}' must be in [0, 1], got {value}")
        if is_least and value < 0:
            raise ConfigError(f"'model.config.{key}' must be at least 0, got {value}")
    for key in sorted(ACTIVATION & given.keys()):
        require_activation(f"model.config.{key}", str(given[key]).removeprefix("gated-"))
    for heads, width in _shared(dotted, values):
        if values[heads] > 0 and values[width] % values[heads]:
            problem = f"{values[heads]} of them cannot share model.config.{width}={values[width]}"
            raise ConfigError(f"'model.config.{heads}': {problem}; take a divisor of it")


def require_activation(key: str, name: str) -> None:
    """Refuse what is no activation of transformers.

    Raises:
        ConfigError: It is none.
    """
    known = upstream.keys(ACTIVATIONS, "ACT2CLS")
    if name not in known:
        near = hint(name, known) or f"; take one of {', '.join(known)}"
        raise ConfigError(f"'{key}': there is no activation '{name}'{near}")


def _shared(dotted: str, values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Names of a number of heads, and of what is divided among them, where it is so by the architecture's own sizes."""
    names, usual = upstream.attribute_map(dotted), defaults(dotted)
    width, heads = names.get("hidden_size", "hidden_size"), names.get("num_attention_heads", "num_attention_heads")
    has_own = any(values.get(name) is not None and (name in OWN_WIDTH or "head_dim" in name) for name in values)
    found = [] if has_own else [(heads, width), ("encoder_attention_heads", width), ("decoder_attention_heads", width)]
    for name, whole in [*found, ("num_key_value_heads", heads)]:
        if type(values.get(name)) is int and type(values.get(whole)) is int and not _is_uneven(usual, name, whole):
            yield name, whole


def _is_uneven(sizes: Mapping[str, Any], name: str, whole: str) -> bool:
    count, width = sizes.get(name), sizes.get(whole)
    return type(count) is int and type(width) is int and count > 0 and width % count > 0


@functools.cache
def defaults(dotted: str) -> Mapping[str, Any]:
    """Those default values of a configuration class that are written out."""
    return schema.defaults(schema.fields(dotted))
