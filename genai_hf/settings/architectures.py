"""What an architecture can do and what sizes it may have, by the sources of transformers, which are not imported."""

import functools
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from genai_hf.config import check_node, hint
from genai_hf.errors import ConfigError
from genai_hf.settings import reserved, schema, sources, upstream
from genai_hf.settings.names import DEPTHS

AUTO, ACTIVATIONS = "transformers.models.auto.modeling_auto", "transformers.activations"
MAPPINGS = {  # the tables of `AUTO` by what a model is for
    "masked_lm": "MODEL_FOR_MASKED_LM_MAPPING_NAMES",
    "masked_lm_and_next_sentence": "MODEL_FOR_PRETRAINING_MAPPING_NAMES",
    "causal_lm": "MODEL_FOR_CAUSAL_LM_MAPPING_NAMES",
    "text_to_text": "MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES",
}
EXAMPLES = {  # for those who named another kind of model
    "masked_lm": "an encoder, such as model=bert_tiny",
    "masked_lm_and_next_sentence": "a BERT, such as model=bert_tiny",
    "causal_lm": "a decoder, such as model=gpt2_tiny",
    "text_to_text": "an encoder-decoder, such as model=t5_tiny",
}
CAUSAL = {"gpt_neox", "gpt_neox_japanese"}  # decoders always, whatever their is_decoder says
BOTH_DIRECTIONS = {"xlnet", "xlm"}  # no decoders, though they have a head for it and no is_decoder
NEXT_SENTENCE = {"bert", "megatron-bert", "fnet"}  # architectures with a head for it
RELATIVE = {"t5", "mt5", "umt5", "longt5"}  # what they call n_positions is no limit
OFFSET_POSITIONS = {
    "roberta",
    "xlm-roberta",
    "camembert",
    "roberta-prelayernorm",
    "xmod",
    "mpnet",
    "data2vec-text",
    "esm",
    "ibert",
    "longformer",
    "luke",
    "xlm-roberta-xl",
}  # count from pad + 1

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


def check(model: Mapping[str, Any] | None, head: str | None, length: int | None) -> None:
    """Refuse a model that is of another kind, or whose sizes no model can have, as far as it is known which it is.

    Args:
        model: The node `model`; None where the recipe has none.
        head: What the recipe wants it for; None where that is not known.
        length: Tokens that it must have positions for.

    Raises:
        ConfigError: It is.
    """
    if model is None:
        return
    kind, given = model.get("architecture"), dict(model.get("config") or {})
    known = of_folder(model.get("name")) if kind is None else {}
    dotted = upstream.model_config(kind or known.get("model_type", ""))
    if dotted is None:
        return
    _check_fields(dotted, given)
    values = {**_defaults(dotted), **known, **given}
    _check_sizes(dotted, values, given)
    layers, most = model.get("reinitialized_layers") or 0, _depth(values)
    if most is not None and layers > most:
        raise ConfigError(
            f"'model.reinitialized_layers' must be at most {most}, the layers of this model, got {layers}"
        )
    if head is not None:
        require_kind(head, kind or known["model_type"], values)
    room = positions(kind or known["model_type"], values)
    if length is not None and room is not None and length > room:
        raise ConfigError(f"'sequence_length': {length} exceeds the model's {room} positions; lower it")


def depth(model: Mapping[str, Any]) -> int | None:
    """Layers of a model in a folder, of an encoder and a decoder those of the shallower; None where it is not known."""
    return _depth(of_folder(model.get("name")))


def _depth(values: Mapping[str, Any]) -> int | None:
    return min((values[name] for name in DEPTHS if isinstance(values.get(name), int)), default=None)


def require_kind(head: str, kind: str, fields: Mapping[str, Any]) -> None:
    """Refuse an architecture that cannot do what it is wanted for; some would do it without a word, and wrongly.

    Args:
        head: A key of `MAPPINGS`; or ``prefix_lm``, for which it may be a decoder or an encoder-decoder.
        kind: Its `model_type`.
        fields: Of its configuration.

    Raises:
        ConfigError: It cannot.
    """
    if head == "prefix_lm":
        head = "text_to_text" if fields.get("is_encoder_decoder") else "causal_lm"
    if kind not in upstream.pairs(AUTO, MAPPINGS[head]):
        raise ConfigError(f"'model': {kind} is no model for {head}; take {EXAMPLES[head]}")
    if head == "masked_lm_and_next_sentence" and kind not in NEXT_SENTENCE:
        raise ConfigError(f"'model': {kind} has no head for next-sentence prediction; take {EXAMPLES[head]}")
    if head.startswith("masked_lm") and fields.get("is_decoder"):
        remedy = "say model.config.is_decoder=false"
        raise ConfigError(f"'model': {kind} with is_decoder=true sees no token behind the hidden ones; {remedy}")
    if head == "masked_lm_and_next_sentence" and fields.get("type_vocab_size", 2) < 2:
        raise ConfigError("'model.config.type_vocab_size' must be at least 2, one for each sentence of a pair")
    if "vocab_size" not in fields:
        several = f"{kind} has no vocab_size, being made of several models or vocabularies"
        raise ConfigError(f"'model': {several}; take the model of texts alone, or {EXAMPLES[head]}")
    is_encoder = fields.get("is_decoder") is False and kind not in CAUSAL
    if head == "causal_lm" and (fields.get("is_encoder_decoder") or is_encoder or kind in BOTH_DIRECTIONS):
        raise ConfigError(f"'model': {kind} sees the tokens that it should predict; take {EXAMPLES[head]}")


def positions(kind: str, fields: Mapping[str, Any]) -> int | None:
    """How many tokens a model has positions for; None where they are relative, so that there is no limit."""
    count: int | None = fields.get("max_position_embeddings", fields.get("n_positions"))
    if count is None or kind in RELATIVE:
        return None
    padding = fields.get("pad_token_id")
    return count if kind not in OFFSET_POSITIONS or padding is None else count - padding - 1


def _check_fields(dotted: str, given: Mapping[str, Any]) -> None:
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


def _check_sizes(dotted: str, values: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """Refuse a field that is given and whose range its name and its default tell; and heads that share no width."""
    defaults, names = _defaults(dotted), {own: common for common, own in upstream.attribute_map(dotted).items()}
    for key, value in given.items():
        if type(value) not in {int, float}:
            continue
        usual = defaults.get(key)
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


def require_layers(key: str, layers: Iterable[str], model: Mapping[str, Any]) -> None:
    """Refuse names of layers of which no source of the model's architecture has a word, where it is known which it is.

    Raises:
        ConfigError: One is none.
    """
    kind = str(of_folder(model.get("name")).get("model_type", ""))
    if (dotted := upstream.model_config(kind)) is None:
        return
    module = dotted.rpartition(".")[0].replace(".configuration_", ".modeling_")
    text = sources.source(module) + sources.source("transformers.modeling_layers")
    for layer in layers:
        name = layer.rpartition(".")[2]
        if not re.search(rf"\b{re.escape(name)}\b", text):
            near = hint(name, set(re.findall(r"self\.(\w+) = ", text)))
            raise ConfigError(f"'{key}': {kind} has no layer '{layer}'{near}")


def _shared(dotted: str, values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Names of a number of heads, and of what is divided among them, where it is so by the architecture's own sizes."""
    names, usual = upstream.attribute_map(dotted), _defaults(dotted)
    width, heads = names.get("hidden_size", "hidden_size"), names.get("num_attention_heads", "num_attention_heads")
    has_own = any(values.get(name) is not None and (name in OWN_WIDTH or "head_dim" in name) for name in values)
    found = [] if has_own else [(heads, width), ("encoder_attention_heads", width), ("decoder_attention_heads", width)]
    for name, whole in [*found, ("num_key_value_heads", heads)]:
        if type(values.get(name)) is int and type(values.get(whole)) is int and not _is_uneven(usual, name, whole):
            yield name, whole


def _is_uneven(sizes: Mapping[str, Any], name: str, whole: str) -> bool:
    count, width = sizes.get(name), sizes.get(whole)
    return type(count) is int and type(width) is int and count > 0 and width % count > 0


def of_folder(name: Any) -> dict[str, Any]:
    """The configuration in a folder; none where there is no such folder, or it cannot be read, which is said later."""
    if not isinstance(name, str) or not (file := Path(name).expanduser() / "config.json").is_file():
        return {}
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) and isinstance(found.get("model_type"), str) else {}


@functools.cache
def _defaults(dotted: str) -> Mapping[str, Any]:
    return schema.defaults(schema.fields(dotted))
