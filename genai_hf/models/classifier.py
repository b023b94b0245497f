"""Models with a head for labels of whole texts: a checkpoint's own, read by the names in its config, or a new one.

Upstream guesses: a head of another task is taken where its size fits, and labels are taken in the order of the data.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn
from transformers import (
    AutoModelForSequenceClassification,
    BitsAndBytesConfig,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from genai_hf.errors import ConfigError
from genai_hf.models.configuration import check_room, configuration, require_trainable
from genai_hf.models.fresh import mark
from genai_hf.models.label_names import has_head, is_unnamed, label_order, places
from genai_hf.models.loading import foresee, made, weights
from genai_hf.models.pooling import score_head
from genai_hf.models.read_weights import require_all, require_body
from genai_hf.models.reinitializing import reinitialize, require_depth
from genai_hf.ranks import say
from genai_hf.weightless import weightless_folder

HEAD = AutoModelForSequenceClassification
READS_LAST_PLACE = {"xlnet"}


def load_classifier(
    *,
    names: Sequence[str],
    tokenizer: PreTrainedTokenizerBase,
    sequence_length: int,
    seed: int = 0,
    name: str | None = None,
    architecture: str | None = None,
    config: Mapping[str, Any] | None = None,
    revision: str | None = None,
    from_scratch: bool = False,
    reinitialized_layers: int = 0,
    head_labels: Sequence[str] | None = None,
    quantization: BitsAndBytesConfig | None = None,
) -> PreTrainedModel:
    """A model with one output for each name, or one in all for a regression; its config says which output is which.

    A checkpoint's head is kept where its names are these, in whatever order, or where it names none and has as many;
    else there is a new one. What was done is said. A tokenizer without padding pads with its end-of-text token.

    Args:
        names: Of the labels, none for a regression.
        tokenizer: As for `genai_hf.models.load`, and so are those down to `reinitialized_layers`.
        sequence_length: Tokens that the model must have positions for.
        seed: Of the initialisation.
        name: A Hub id or a folder with safetensors weights.
        architecture: A `model_type` of transformers.
        config: Fields of the model's own configuration.
        revision: A Hub commit, branch or tag.
        from_scratch: Leave the weights of `name`.
        reinitialized_layers: So many of the top layers are drawn anew; the head stays, where it is kept.
        head_labels: Names of the outputs of a head that does not name them rightly.
        quantization: As for `genai_hf.models.load`.

    Raises:
        ConfigError: As for `genai_hf.models.load`; or weights are missing that are not drawn anew, or padding.
    """
    if (name is None) == (architecture is None):
        raise ConfigError("model: give either model.name (pretrained weights) or model.architecture with model.config")
    _require_padding(tokenizer)
    wanted = configuration(name, architecture, config or {}, revision, tokenizer)
    if wanted.model_type in READS_LAST_PLACE:
        raise ConfigError(f"'model': {wanted.model_type} reads its last place, which padding moves; take another model")
    has_weights = name is not None and not from_scratch
    if head_labels is not None and not has_weights:
        raise ConfigError("'head_labels' are for the head of pretrained weights; leave them out")
    keeps = has_weights and _keeps_head(wanted, names, head_labels)
    if not keeps:
        _rename(wanted, names or ("value",))
    wanted.problem_type = "single_label_classification" if names else "regression"
    wanted.pad_token_id = tokenizer.pad_token_id if wanted.pad_token_id is None else wanted.pad_token_id
    check_room(wanted, tokenizer, sequence_length)
    torch.manual_seed(seed)
    if weightless_folder():
        return _shaped(wanted, name if has_weights else None, quantization, reinitialized_layers)
    if not has_weights:
        return made(HEAD, wanted)
    require_trainable(str(name), wanted)
    given: Any = {"quantization": quantization, "ignore_mismatched_sizes": not keeps}
    model, missing = weights(HEAD, str(name), wanted, revision, **given)
    if keeps:
        require_all(str(name), missing)
    else:
        require_body(model, str(name), missing)
        renew_head(model, seed)
    outer = [name for name, part in model.named_children() if name != model.base_model_prefix and [*part.parameters()]]
    reinitialize(model, reinitialized_layers, seed)
    mark(model, {*outer, *(key.rpartition(".")[0] for key in missing if key.partition(".")[0] not in outer)})
    if wanted.is_encoder_decoder and score_head(model):
        raise ConfigError(f"'model': {wanted.model_type} reads its decoder's last place; take another model")
    return model


def renew_head(model: PreTrainedModel, seed: int) -> None:
    """Draw the layer of the outputs anew; what lies between it and the body is pretrained, or was not there to read."""
    torch.manual_seed(seed)
    for name, part in model.named_modules():
        in_body = f"{name}.".startswith(f"{model.base_model_prefix}.")
        if isinstance(part, nn.Linear) and not in_body and part.out_features == model.config.num_labels:
            weight: Any
            for weight in part.parameters():
                weight._is_hf_initialized = False  # transformers' mark on what it has read, which it would not draw
            model._init_weights(part)


def _keeps_head(wanted: PreTrainedConfig, names: Sequence[str], head_labels: Sequence[str] | None) -> bool:
    """Whether the checkpoint's head is for these names; says so. Names that it lacks are written into its config."""
    trained = has_head(wanted)
    if head_labels is not None:
        _name_outputs(wanted, names, head_labels, trained)
    found = [str(label) for _, label in sorted(wanted.id2label.items())]
    if not trained:
        return False
    if not names:
        say("the checkpoint's head for one value is kept" if len(found) == 1 else _new(found, ["one value"]))
        return len(found) == 1
    if is_unnamed(found) and len(found) == len(names):
        _rename(wanted, names)
        say(f"the checkpoint's head does not name its outputs; taken as {', '.join(names)}; else head_labels=[…]")
        return True
    if places(found, names) is None:
        say(_new(found, names))
        return False
    if label_order(wanted, names):
        say(f"labels by name: the checkpoint's head has {', '.join(found)}, the task {', '.join(names)}")
    return True


def _name_outputs(wanted: PreTrainedConfig, names: Sequence[str], labels: Sequence[str], trained: bool) -> None:
    if not names:
        raise ConfigError("'head_labels': the one output of a regression needs no name; leave them out")
    if not trained or len(labels) != wanted.num_labels:
        has = f"a head of {wanted.num_labels} outputs" if trained else "no head"
        raise ConfigError(f"'head_labels': the checkpoint has {has}, {len(labels)} names are given; leave them out")
    if places(labels, names) is None:
        raise ConfigError(f"'head_labels' must be {', '.join(names)} in the head's order, got {', '.join(labels)}")
    _rename(wanted, labels)


def _new(found: Sequence[str], names: Sequence[str]) -> str:
    return f"a new head for {', '.join(names)}: the checkpoint's is for {', '.join(found)}"


def _rename(wanted: PreTrainedConfig, labels: Sequence[str]) -> None:
    wanted.id2label = dict(enumerate(labels))
    wanted.label2id = {label: number for number, label in wanted.id2label.items()}


def _shaped(
    wanted: PreTrainedConfig, name: str | None, quantization: BitsAndBytesConfig | None, reinitialized: int
) -> PreTrainedModel:
    """The model without weights, for which those of `name` must be."""
    with torch.device("meta"):
        model = made(HEAD, wanted)
    require_depth(model, reinitialized)
    if name is not None:
        foresee(HEAD, model, name, quantization)
    return model


def _require_padding(tokenizer: PreTrainedTokenizerBase) -> None:
    if tokenizer.pad_token_id is None and tokenizer.eos_token is None:
        raise ConfigError("'tokenizer': it has neither a padding token nor an end-of-text token; take another")
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
