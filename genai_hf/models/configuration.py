"""The configuration of a pretrained or of a new model, and what it must be good for."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeAlias

import transformers
from huggingface_hub.errors import StrictDataclassError
from transformers import AutoConfig, PreTrainedConfig, PreTrainedTokenizerBase

from genai_hf import manifests, model_folders, snapshots
from genai_hf.config import hint
from genai_hf.errors import ConfigError, about
from genai_hf.places import require_model
from genai_hf.settings import annotations, architectures, schema

HEADS = {
    "masked_lm": transformers.AutoModelForMaskedLM,
    "masked_lm_and_next_sentence": transformers.AutoModelForPreTraining,
    "causal_lm": transformers.AutoModelForCausalLM,
    "text_to_text": transformers.AutoModelForSeq2SeqLM,
}
REFUSALS = (StrictDataclassError, ValueError, TypeError)  # of a value, by its class
Head: TypeAlias = Literal["masked_lm", "masked_lm_and_next_sentence", "causal_lm", "text_to_text", "prefix_lm"]


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
        try:
            require_model(name)
            wanted = _changed(pretrained(name, revision), changes)
        except ConfigError as error:
            raise about("model.name", error) from error
        if changes.get("pad_token_id") is not None:  # the others of a checkpoint may be any, such as a turn's end
            _require_own("pad", changes, tokenizer)
        return wanted
    if architecture not in transformers.CONFIG_MAPPING:
        near = hint(str(architecture), list(transformers.CONFIG_MAPPING))
        raise ConfigError(f"'model.architecture': transformers has no '{architecture}'{near}")
    changes = _declared(AutoConfig.for_model(architecture), changes)
    for role in ("pad", "bos", "eos", "decoder_start"):
        _require_own(role, changes, tokenizer)
    special = {f"{role}_token_id": getattr(tokenizer, f"{role}_token_id") for role in ("pad", "bos", "eos")}
    values = {"vocab_size": len(tokenizer)} | {k: v for k, v in special.items() if v is not None} | dict(changes)
    try:
        new = AutoConfig.for_model(architecture, **values)  # all at once: some fields follow from others
    except REFUSALS as error:
        raise ConfigError(f"'model.config': transformers refuses it ({_reason(error)})") from error
    if new.is_encoder_decoder and "decoder_start_token_id" not in new.to_dict():
        new.decoder_start_token_id = new.pad_token_id  # as in every published T5
    return new


def _require_own(role: str, changes: Mapping[str, Any], tokenizer: PreTrainedTokenizerBase) -> None:
    """Refuse a special token that is not the tokenizer's: what it calls padding, say, a model never learns."""
    key, own = f"{role}_token_id", tokenizer.all_special_ids
    if role == "pad" and tokenizer.pad_token_id is not None:
        own = [tokenizer.pad_token_id]
    if key in changes and changes[key] not in own:
        raise ConfigError(
            f"'model.config.{key}' follows from the tokenizer, and {changes[key]} is not its own; leave it out"
        )


def pretrained(name: str, revision: str | None = None) -> PreTrainedConfig:
    """The configuration of a model in a folder or on the Hub; code of its own is never run.

    Raises:
        ConfigError: There is no such model, or its configuration is damaged or of no architecture of transformers.
    """
    folder = snapshots.folder(name, revision, snapshots.CONFIGURATION)
    manifests.require_whole(folder, weights=False)
    content = model_folders.require_configuration(folder)
    if (kind := content["model_type"]) not in transformers.CONFIG_MAPPING:
        near = hint(kind, list(transformers.CONFIG_MAPPING)) or "; name a model of an architecture that it has"
        own = "needs code of its own, which is never run; name another model"
        wrong = own if "auto_map" in content else f"is of '{kind}', which transformers has not{near}"
        raise ConfigError(f"{name} {wrong}")
    source = str(Path(name).expanduser())
    try:
        return AutoConfig.from_pretrained(source, revision=revision, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, TypeError, AttributeError, LookupError, StrictDataclassError) as error:
        reason = " ".join(str(error).split()).partition(". ")[0]
        raise ConfigError(f"{folder / model_folders.CONFIG}: refused by transformers ({reason}); mend it") from error


def _changed(configuration: PreTrainedConfig, changes: Mapping[str, Any]) -> PreTrainedConfig:
    for key, value in _declared(configuration, changes).items():
        try:
            setattr(configuration, key, value)
        except REFUSALS as error:
            raise ConfigError(f"'model.config.{key}': transformers refuses {value!r} ({_reason(error)})") from error
    return configuration


def _reason(error: Exception) -> str:
    """What is wrong, without which of transformers' checks found it."""
    return re.sub(r"^\w+( \w+)* '\w+': (\w+: )?", "", " ".join(str(error).split())).rstrip(".")


def _declared(configuration: PreTrainedConfig, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Changes to fields that there are, with numbers of the types that these have: transformers takes no 1 for 1.0."""
    _require_known(configuration, changes)
    fields = schema.fields(f"{type(configuration).__module__}.{type(configuration).__qualname__}")
    return {
        key: annotations.as_declared(value, fields[key].annotation) if key in fields else value
        for key, value in changes.items()
    }


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


def has_segments(configuration: PreTrainedConfig) -> bool:
    """Whether the model tells first and second text apart by `token_type_ids`."""
    return architectures.has_segments(configuration.to_dict())


def positions(configuration: PreTrainedConfig) -> int | None:
    """How many tokens a model has positions for; None where they are relative, so that there is no limit."""
    return architectures.positions(configuration.model_type, configuration.to_dict())


def check_kind(head: Head, wanted: PreTrainedConfig) -> None:
    """Refuse an architecture that cannot do what it is wanted for; some would do it without a word, and wrongly.

    Raises:
        ConfigError: It cannot.
    """
    architectures.require_kind(head, wanted.model_type, wanted.to_dict())


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
