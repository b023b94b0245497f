"""Whether what was read from a model's files is that model: transformers draws at random what they lack."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from transformers import PreTrainedModel

from genai_hf.errors import ConfigError

# Of every reading: no pickle, no code of the model's own, and no network, for all of it is here already.
SAFELY: dict[str, Any] = {"use_safetensors": True, "trust_remote_code": False, "local_files_only": True}
NO_LOSS = re.compile(r"(.+\.)?pooler\.")  # a layer that many trainings have no use for, so that checkpoints lack it
LAYER = re.compile(r"(?P<stack>.+?)\.\d+(?=\.)")


def require_as_made(model: PreTrainedModel, name: str, missing: Iterable[str], unexpected: Iterable[str]) -> None:
    """Refuse a model that its files hold more or less of than its configuration says, or that is no number.

    Args:
        model: As it was read.
        name: Of its folder or on the Hub.
        missing: Names of the weights that were drawn at random.
        unexpected: Names of those in its files that it has no place for.

    Raises:
        ConfigError: A layer has no place, half of a module is missing, or a weight is not a finite number.
    """
    require_layers(model, name, unexpected)
    lost, untied = set(missing), {part for part, _ in model.named_parameters()}
    for key in sorted(lost):
        module = model.get_submodule(key.rpartition(".")[0])
        own = {f"{key.rpartition('.')[0]}.{part}" for part, _ in module.named_parameters(recurse=False)} & untied
        if own - lost and "." in key:
            raise _cut_short(name, [key])
    for key, weight in model.named_parameters():
        if weight.is_floating_point() and not torch.isfinite(weight.detach().sum()):
            raise ConfigError(f"'model.name': {name}: {key} holds what is no finite number; name another checkpoint")


def require_layers(model: PreTrainedModel, name: str, held: Iterable[str]) -> None:
    """Refuse a model that has not all layers of its files.

    Args:
        model: Its parts are looked at.
        name: Of its folder or on the Hub.
        held: Names of weights in its files.

    Raises:
        ConfigError: It has fewer.
    """
    parts = {part for part, _ in model.named_modules()}
    parts |= {part.removeprefix(f"{model.base_model_prefix}.") for part in parts}
    for key in sorted(held):
        layer = LAYER.match(key)
        if layer and layer["stack"] in parts and layer[0] not in parts:
            wrong = f"its files hold {layer[0]}, and its config.json and model.config are of fewer layers"
            raise ConfigError(f"'model.name': {name}: {wrong}; make these agree")


def disagreement(name: str, key: str, theirs: Sequence[int], ours: Sequence[int]) -> ConfigError:
    """The error for a weight of another shape in the files than in the model."""
    shapes = f"is {tuple(theirs)} in its files and {tuple(ours)} by its config.json and model.config"
    return ConfigError(f"'model.name': {name}: {key} {shapes}; make these agree")


def require_body(model: PreTrainedModel, name: str, missing: Sequence[str]) -> None:
    """Refuse a pretrained model of which more than a head is as it was drawn.

    Args:
        model: As it was read.
        name: Of its folder or on the Hub.
        missing: Names of what its files lack, or have in another shape.

    Raises:
        ConfigError: They lack something of its body.
    """
    children = {child: part for child, part in model.named_children() if [*part.parameters()]}
    body = {model.base_model_prefix} & children.keys()
    body = body or {child for child, part in children.items() if part is not model.get_output_embeddings()}
    if lost := [key for key in missing if key.partition(".")[0] in body and not NO_LOSS.match(key)]:
        raise _cut_short(name, lost)


def require_all(name: str, missing: Sequence[str]) -> None:
    """Refuse a pretrained model of which anything is as it was drawn.

    Raises:
        ConfigError: Its files lack something.
    """
    if missing:
        raise _cut_short(name, missing)


def _cut_short(name: str, lost: Sequence[str]) -> ConfigError:
    others = f" and {len(lost) - 1} more" if len(lost) > 1 else ""
    why = "its files are cut short, or model.config asks for other sizes"
    return ConfigError(f"'model.name': {name} lacks {lost[0]}{others} in this shape; {why}")
