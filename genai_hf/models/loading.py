"""Load pretrained weights, or make an untrained model of given sizes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import BitsAndBytesConfig, PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

from genai_hf import model_folders, snapshots
from genai_hf.errors import ConfigError, about
from genai_hf.models.configuration import HEADS, Head, check_kind, check_room, configuration, require_trainable
from genai_hf.models.few_bits import require_widths, settle, spare
from genai_hf.models.fresh import mark
from genai_hf.models.head import untie
from genai_hf.models.headers import require_alike
from genai_hf.models.read_weights import SAFELY, disagreement, require_as_made, require_body
from genai_hf.models.reinitializing import reinitialize, require_depth
from genai_hf.models.writing import note_prefix
from genai_hf.ranks import say
from genai_hf.weightless import weightless_folder


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
    reinitialized_layers: int = 0,
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
        reinitialized_layers: So many of the top layers, from 0, are drawn anew, and the pooler with them.
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
            model = _untrained(head, wanted)
        require_depth(model, reinitialized_layers)
        if name is not None and not from_scratch:
            foresee(HEADS[head], model, name, quantization)
        return model
    if name is None or from_scratch:
        return _untrained(head, wanted)
    require_trainable(name, wanted)
    model, missing = weights(HEADS[head], name, wanted, revision, quantization=quantization)
    require_body(model, name, missing)
    if missing:
        new = sorted({key.rpartition(".")[0] or key for key in missing})
        say(f"new, for {name} has no weights of it: {', '.join(new)}")
    mark(model, {key.rpartition(".")[0] for key in missing})
    reinitialize(model, reinitialized_layers, seed)
    return model


def foresee(head: Any, model: PreTrainedModel, name: str, quantization: BitsAndBytesConfig | None) -> None:
    """See of a model without weights what reading those called `name` would refuse.

    Raises:
        ConfigError: They are of other shapes, or cannot be stored in so few bits.
    """
    require_trainable(name, model.config)
    require_alike(model, name)
    if quantization is not None:
        spare(quantization, head, model.config)
        require_widths(model, quantization)


def _untrained(head: Head, wanted: PreTrainedConfig) -> PreTrainedModel:
    """A new model; T5's version 1.1 is the one whose decoder's outputs are not scaled before the head."""
    model = made(HEADS[head], wanted)
    if wanted.to_dict().get("scale_decoder_outputs") is False:
        untie(model)
    return model


def made(head: Any, wanted: PreTrainedConfig) -> PreTrainedModel:
    """A model with new weights in float32.

    Raises:
        ConfigError: Its sizes are impossible.
    """
    require_possible(head, wanted)
    model: PreTrainedModel = head.from_config(wanted, dtype=torch.float32, trust_remote_code=False)
    return model


def require_possible(head: Any, wanted: PreTrainedConfig, source: str = "'model.config'") -> None:
    """See that a model can be made of a configuration, without its weights: what then fails is a lack of memory.

    Args:
        head: Which of transformers' auto classes it is of.
        wanted: Its configuration.
        source: Where that stands.

    Raises:
        ConfigError: Its sizes are impossible.
    """
    try:
        with torch.device("meta"):
            head.from_config(wanted, trust_remote_code=False)
    except (LookupError, AssertionError, ArithmeticError, ValueError, TypeError, RuntimeError, ImportError) as error:
        reason = f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
        raise ConfigError(f"{source}: no {wanted.model_type} can be made of it ({reason})") from error


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
        ConfigError: There are no safetensors weights that can be read, or they are not those of this model.
    """
    require_possible(head, wanted, f"'model.name': {name}/config.json")
    given: dict[str, Any] = {"dtype": torch.float32, "output_loading_info": True, "ignore_mismatched_sizes": True}
    if quantization is not None:
        spare(quantization, head, wanted)
        given["quantization_config"] = quantization
    try:
        model_folders.require_weights(snapshots.folder(name, revision, snapshots.WEIGHTS))
        model, found = head.from_pretrained(
            str(Path(name).expanduser()), config=wanted, revision=revision, **SAFELY, **given
        )
    except ConfigError as error:
        raise about("model.name", error) from error
    except (OSError, SafetensorError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(f"'model.name': {name} has no safetensors weights that can be read ({reason})") from error
    except (AttributeError, LookupError, TypeError, ValueError) as error:  # of its generation_config.json, unchecked
        reason = f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
        raise ConfigError(
            f"'model.name': {name} cannot be loaded by transformers ({reason}); mend its files"
        ) from error
    if quantization is not None:
        settle(model)
    for key, theirs, ours in found["mismatched_keys"]:
        if not ignore_mismatched_sizes:
            raise disagreement(name, key, theirs, ours)
    missing = sorted({*found["missing_keys"], *(key for key, *_ in found["mismatched_keys"])})
    require_as_made(model, name, missing, found["unexpected_keys"])
    return model, missing
