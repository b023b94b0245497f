"""What an architecture can do and what sizes it may have, by the sources of transformers, which are not imported."""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from genai_hf.config import hint
from genai_hf.errors import ConfigError
from genai_hf.settings import sizes, sources, upstream
from genai_hf.settings.names import DEPTHS

AUTO = "transformers.models.auto.modeling_auto"
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

UNPADDED = {  # encoders whose layers hand on to attention whatever else they are given, and where the layers are
    **dict.fromkeys(("bert", "camembert", "electra", "roberta", "xlm-roberta"), "encoder"),
    "distilbert": "transformer",
    **dict.fromkeys(("t5", "mt5"), "encoder.block"),
}


def check(model: Mapping[str, Any] | None, head: str | None, length: int | None) -> None:
    """Refuse a model that is of another kind, or whose sizes no model can have, as far as it is known which it is.

    Args:
        model: The node `model`; None where the recipe has none.
        head: What the recipe wants it for; None where that is not known.
        length: Tokens that it must have positions for.

    Raises:
        ConfigError: It is.
    """
    if model is None or (known := _known(model)) is None:
        return
    kind, values, given = known.kind, known.fields, dict(model.get("config") or {})
    sizes.check_names(known.dotted, given)
    sizes.check_values(known.dotted, values, given)
    require_depth(model.get("reinitialized_layers") or 0, depth(model))
    if head is not None:
        require_kind(head, kind, values)
    room = positions(kind, values)
    if length is not None and room is not None and length > room:
        raise ConfigError(f"'sequence_length': {length} exceeds the model's {room} positions; lower it")


def depth(model: Mapping[str, Any]) -> int | None:
    """Layers of a model, of an encoder and a decoder those of the shallower; None where it is not known."""
    known = _known(model)
    fields = known.fields if known else {}
    return min((fields[name] for name in DEPTHS if isinstance(fields.get(name), int)), default=None)


def require_depth(layers: int, most: int | None) -> None:
    """Refuse to draw more top layers anew than a model has.

    Raises:
        ConfigError: It has fewer.
    """
    if most is not None and layers > most:
        raise ConfigError(
            f"'model.reinitialized_layers' must be at most {most}, the layers of this model, got {layers}"
        )


def require_unpadded(model: Mapping[str, Any]) -> None:
    """Refuse a model whose layers cannot do without padding, where it is known which it is.

    Raises:
        ConfigError: They cannot.
    """
    known = _known(model)
    if known is not None and not can_do_without_padding(known.kind, known.fields):
        raise ConfigError(f"'speed.unpadded': the layers of {known.kind} cannot do without padding; leave it out")


def can_do_without_padding(kind: str, fields: Mapping[str, Any]) -> bool:
    """Whether the layers of such a model, or of its encoder, can be given real tokens alone."""
    return kind in UNPADDED and not fields.get("is_decoder") and not fields.get("chunk_size_feed_forward")


def may_read_pairs(model: Mapping[str, Any]) -> bool:
    """Whether a model tells a second text apart; it may where it is not known which model it is."""
    known = _known(model)
    return known is None or has_segments(known.fields)


def has_segments(fields: Mapping[str, Any]) -> bool:
    """Whether a model of these fields tells first and second text apart by `token_type_ids`."""
    return (fields.get("type_vocab_size") or 0) > 1


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


class _Known(NamedTuple):
    """An architecture: its configuration class, its `model_type`, and the fields as they are, by default or given."""

    dotted: str
    kind: str
    fields: dict[str, Any]


def _known(model: Mapping[str, Any]) -> _Known | None:
    """What a node `model` is, or None where it is not known."""
    kind = model.get("architecture")
    read = of_folder(model.get("name")) if kind is None else {}
    kind = kind or read.get("model_type", "")
    if (dotted := upstream.model_config(kind)) is None:
        return None
    return _Known(dotted, kind, {**sizes.defaults(dotted), **read, **(model.get("config") or {})})


def of_folder(name: Any) -> dict[str, Any]:
    """The configuration in a folder; none where there is no such folder, or it cannot be read, which is said later."""
    if not isinstance(name, str) or not (file := Path(name).expanduser() / "config.json").is_file():
        return {}
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) and isinstance(found.get("model_type"), str) else {}
