"""A smaller model out of a larger one: its embeddings, its head, and some of its layers.

Sanh et al. 2019, "DistilBERT", arXiv:1910.01108, section 3, take one layer out of two of the teacher to begin the
student with; of twelve the released code (scripts/extract.py) takes the layers 0, 2, 4, 7, 9 and 11.
"""

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from genai_hf.data.cache import staged
from genai_hf.errors import ConfigError
from genai_hf.settings.names import DEPTHS
from genai_hf.weightless import weightless_folder

EVERY_OTHER = "every_other"


def thinned(model: PreTrainedModel, layers: str | Sequence[int]) -> PreTrainedModel:
    """A copy of `model` with some of its layers; of an encoder and a decoder, some of each.

    Args:
        model: A transformer; it stays as it is.
        layers: Numbers of those that stay, in their order, from 0; or ``every_other``: half of them, rounded up, evenly
            spread from the first to the last.

    Raises:
        ConfigError: The model has no such layers, or they make no model of its kind.
    """
    smaller = copy.deepcopy(model)
    config = smaller.config
    for parent, name, stack in stacks(smaller):
        setattr(parent, name, nn.ModuleList(stack[number] for number in _chosen(layers, len(stack))))
    for name, value in config.to_dict().items():
        if name in DEPTHS:
            setattr(config, name, len(_chosen(layers, value)))
        if name == "layer_types" and value is not None:
            config.layer_types = [value[number] for number in _chosen(layers, len(value))]
    with torch.device("meta"):
        other = type(model)(config).state_dict().keys() ^ smaller.state_dict().keys()
    if other:
        raise ConfigError(f"'layers': a {type(model).__name__} of these would want {min(other)}; keep 0, or say null")
    return smaller


def thin(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, layers: str | Sequence[int], folder: Path) -> str:
    """Leave `thinned` with its tokenizer in a folder, where a model is loaded from; of no weights only the sizes."""
    smaller = thinned(model, layers)
    if not folder.is_dir():
        with staged(folder) as new:
            tokenizer.save_pretrained(new)
            (smaller.config if weightless_folder() else smaller).save_pretrained(new)
    return str(folder)


def stacks(module: nn.Module) -> list[tuple[nn.Module, str, nn.ModuleList]]:
    """The outermost lists of modules: where each hangs, and by which name."""
    found = list[tuple[nn.Module, str, nn.ModuleList]]()
    for name, part in module.named_children():
        found += [(module, name, part)] if isinstance(part, nn.ModuleList) else stacks(part)
    return found


def _chosen(layers: str | Sequence[int], depth: int) -> list[int]:
    """Numbers of the layers that stay, of so many."""
    if layers == EVERY_OTHER:
        number = (depth + 1) // 2
        return [round(place * (depth - 1) / max(number - 1, 1)) for place in range(number)]
    require_layers(layers, {"num_hidden_layers": depth})
    return list(layers)  # type: ignore[arg-type]


def require_layers(layers: Any, sizes: Mapping[str, Any]) -> None:
    """Refuse what cannot be the numbers of a model's layers.

    Args:
        layers: As of `thinned`; None are all.
        sizes: Fields of the model's configuration, as far as they are known.

    Raises:
        ConfigError: They are no different numbers, or of no layers there.
    """
    if layers is None or layers == EVERY_OTHER:
        return
    depth = min((int(size) for name, size in sizes.items() if name in DEPTHS), default=None)
    numbers = list(layers) if isinstance(layers, Sequence) and not isinstance(layers, str) else []
    fits = all(type(number) is int and number >= 0 and (depth is None or number < depth) for number in numbers)
    if not numbers or not fits or len(set(numbers)) < len(numbers):
        most = "" if depth is None else f", the last {depth - 1}"
        raise ConfigError(f"'layers' must be {EVERY_OTHER}, or different layers (the first is 0{most}), got {layers}")
