"""Load pretrained weights, or make an untrained model of given sizes."""

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

import torch
import transformers
from safetensors import SafetensorError
from transformers import AutoConfig, BitsAndBytesConfig, PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

from genai_hf import architectures
from genai_hf.architectures import require_kind
from genai_hf.config import hint
from genai_hf.errors import ConfigError
from genai_hf.models.few_bits import settle, spare
from genai_hf.models.fresh import mark
from genai_hf.models.head import untie
from genai_hf.models.writing import note_prefix
from genai_hf.places import require_model
from genai_hf.weightless import weightless_folder

HEADS = {
    "masked_lm": transformers.AutoModelForMaskedLM,
    "masked_lm_and_next_sentence": transformers.AutoModelForPreTraining,
    "causal_lm": transformers.AutoModelForCausalLM,
    "text_to_text": transformers.AutoModelForSeq2SeqLM,
}
Head: TypeAlias = Literal["masked_lm", "masked_lm_and_next_sentence", "causal_lm", "text_to_text", "prefix_lm"]


def load(
    *,
    head: Head,
    tokenizer: PreTrainedTokenizerBase,
    sequence_length: int,
    seed: int = 0,
    name: str | None = None,
    architecture: str | None = None,
    config: Mapping[str, Any] | None = None,
    revision: str | None = None,
    from_scratch: bool = False,
    quantization: BitsAndBytesConfig | None = None,
) -> PreTrainedModel:
    """Load the weights called `name`, or make an untrained model of `architecture`.

    Args:
        head: What the model is for; for a prefix language model it may be a decoder or an encoder-decoder.
        tokenizer: Its vocabulary is the size of a new model's embedding and head, and its special tokens are the
            model's. A pretrained model must have room for all of it.
        sequence_length: Tokens that the model must have positions for.
        seed: Of the initialisation.
        name: A Hub id or a folder with safetensors weights.
        architecture: A `model_type` of transformers, such as ``bert``.
        config: Fields of the model's own configuration.
        revision: A Hub commit, branch or tag.
        from_scratch: Take the sizes of `name` and leave its weights: the same model, untrained.
        quantization: How pretrained weights are stored; None as they come.

    Raises:
        ConfigError: Neither or a wrong name or architecture is given, a field does not exist, or the model is too
            small for the tokenizer or the sequence.
    """
    if (name is None) == (architecture is None):
        raise ConfigError("model: give either model.name (pretrained weights) or model.architecture with model.config")
    wanted = configuration(name, architecture, config or {}, revision, tokenizer)
    note_prefix(wanted, reads=head == "prefix_lm" and not wanted.is_encoder_decoder)
    if head == "prefix_lm":
        head = "text_to_text" if wanted.is_encoder_decoder else "causal_lm"
    check_room(wanted, tokenizer, sequence_length)
    check_kind(head, wanted)
    torch.manual_seed(seed)  # a new head, or the whole model, is drawn from here
    if weightless_folder():
        with torch.device("meta"):
            return _untrained(head, wanted)
    if name is None or from_scratch:
        return _untrained(head, wanted)
    require_trainable(name, wanted)
    model, missing = weights(HEADS[head], name, wanted, revision, quantization=quantization)
    mark(model, {key.rpartition(".")[0] for key in missing})
    return model


def check_kind(head: Head, wanted: PreTrainedConfig) -> None:
    """Refuse an architecture that cannot do what it is wanted for; some would do it without a word, and wrongly.

    Raises:
        ConfigError: It cannot.
    """
    require_kind(head, wanted.model_type, wanted.to_dict())


def require_trainable(name: str, wanted: PreTrainedConfig) -> None:
    """Refuse a checkpoint whose own files hold weights of few bits.

    Raises:
        ConfigError: They do.
    """
    if is_quantized(wanted):
        remedy = "name the model that it was made of; quantization=nf4 peft=lora trains beside so few bits"
        raise ConfigError(f"'model.name': {name} is stored in few bits, which no training changes; {remedy}")


def is_quantized(configuration: PreTrainedConfig) -> bool:
    """Whether weights of a model are stored in fewer bits."""
    return configuration.to_dict().get("quantization_config") is not None


def _untrained(head: Head, wanted: PreTrainedConfig) -> PreTrainedModel:
    """A new model; T5's version 1.1 is the one whose decoder's outputs are not scaled before the head."""
    try:
        model: PreTrainedModel = HEADS[head].from_config(wanted, dtype=torch.float32)
    except (KeyError, AssertionError, ZeroDivisionError, ValueError) as error:  # what impossible sizes come to
        reason = f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
        raise ConfigError(f"'model.config': no {wanted.model_type} can be made of it ({reason})") from error
    if wanted.to_dict().get("scale_decoder_outputs") is False:
        untie(model)
    return model


def weights(
    head: Any,
    name: str,
    wanted: PreTrainedConfig,
    revision: str | None,
    *,
    quantization: BitsAndBytesConfig | None = None,
    ignore_mismatched_sizes: bool = False,
) -> tuple[PreTrainedModel, list[str]]:
    """A pretrained model in float32, and the names of the weights that its files lack or have in another shape.

    With `quantization` its linear layers are stored in fewer bits.

    Raises:
        ConfigError: There are no safetensors weights that can be read.
    """
    given: dict[str, Any] = {"use_safetensors": True, "dtype": torch.float32, "output_loading_info": True}
    given["ignore_mismatched_sizes"] = ignore_mismatched_sizes
    if quantization is not None:
        spare(quantization, head, wanted)
        given["quantization_config"] = quantization
    try:
        model, found = head.from_pretrained(name, config=wanted, revision=revision, **given)
    except (OSError, SafetensorError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(f"'model.name': {name} has no safetensors weights that can be read ({reason})") from error
    if quantization is not None:
        settle(model)
    return model, sorted({*found["missing_keys"], *(key for key, *_ in found["mismatched_keys"])})


def configuration(
    name: str | None,
    architecture: str | None,
    changes: Mapping[str, Any],
    revision: str | None,
    tokenizer: PreTrainedTokenizerBase,
) -> PreTrainedConfig:
    """The configuration of a pretrained model, or a new one for a tokenizer's vocabulary, with fields changed.

    Raises:
        ConfigError: There is no such model, architecture or field.
    """
    if name is not None:
        return _changed(_pretrained_configuration(name, revision), changes)
    if architecture not in transformers.CONFIG_MAPPING:
        near = hint(str(architecture), list(transformers.CONFIG_MAPPING))
        raise ConfigError(f"'model.architecture': transformers has no '{architecture}'{near}")
    _require_known(AutoConfig.for_model(architecture), changes)
    special = {f"{role}_token_id": getattr(tokenizer, f"{role}_token_id") for role in ("pad", "bos", "eos")}
    values = {"vocab_size": len(tokenizer)} | {k: v for k, v in special.items() if v is not None} | dict(changes)
    new = AutoConfig.for_model(architecture, **values)  # all at once: some fields follow from others
    if new.is_encoder_decoder and "decoder_start_token_id" not in new.to_dict():
        new.decoder_start_token_id = new.pad_token_id  # as in every published T5
    return new


def _pretrained_configuration(name: str, revision: str | None) -> PreTrainedConfig:
    require_model(name)
    try:
        return AutoConfig.from_pretrained(name, revision=revision)
    except (OSError, ValueError) as error:
        where = "is no folder here and could not be read from the Hub"
        raise ConfigError(
            f"'model.name': {name} {where}; check its spelling and the network, or give a folder"
        ) from error


def _changed(configuration: PreTrainedConfig, changes: Mapping[str, Any]) -> PreTrainedConfig:
    _require_known(configuration, changes)
    for key, value in changes.items():
        setattr(configuration, key, value)
    return configuration


def _require_known(configuration: PreTrainedConfig, changes: Mapping[str, Any]) -> None:
    known = set(configuration.to_dict())
    for key in changes:
        if key not in known:
            near = hint(f"model.config.{key}", {f"model.config.{name}" for name in known})
            raise ConfigError(f"'model.config.{key}' is not a field of {type(configuration).__name__}{near}")


def check_room(configuration: PreTrainedConfig, tokenizer: PreTrainedTokenizerBase, sequence_length: int) -> None:
    """Refuse a tokenizer or a length that the model has no room for."""
    if configuration.vocab_size < len(tokenizer):
        raise ConfigError(
            f"'tokenizer': it has {len(tokenizer)} tokens but the model's embedding {configuration.vocab_size}; "
            "give the tokenizer that belongs to the model (tokenizer.name=…)"
        )
    room = positions(configuration)
    if room is not None and sequence_length > room:
        raise ConfigError(f"'sequence_length': {sequence_length} exceeds the model's {room} positions; lower it")


def positions(configuration: PreTrainedConfig) -> int | None:
    """How many tokens a model has positions for; None where they are relative, so that there is no limit."""
    return architectures.positions(configuration.model_type, configuration.to_dict())
