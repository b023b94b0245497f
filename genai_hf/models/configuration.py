"""The configuration of a pretrained or of a new model, and what it must be good for."""

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
from genai_hf.settings import architectures

HEADS = {
    "masked_lm": transformers.AutoModelForMaskedLM,
    "masked_lm_and_next_sentence": transformers.AutoModelForPreTraining,
    "causal_lm": transformers.AutoModelForCausalLM,
    "text_to_text": transformers.AutoModelForSeq2SeqLM,
}
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
            return _changed(pretrained(name, revision), changes)
        except ConfigError as error:
            raise about("model.name", error) from error
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
    _require_known(configuration, changes)
    for key, value in changes.items():
        try:
            setattr(configuration, key, value)
        except (StrictDataclassError, ValueError, TypeError) as error:
            reason = " ".join(str(error).split())
            raise ConfigError(f"'model.config.{key}': transformers refuses {value!r} ({reason})") from error
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
