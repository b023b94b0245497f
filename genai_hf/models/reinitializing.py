"""The top layers of a pretrained model drawn anew: they may know too much of what they were trained for.

Zhang et al. 2021, "Revisiting few-sample BERT fine-tuning", arXiv:2006.05987, section 5.
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel

from genai_hf.errors import ConfigError
from genai_hf.models.fresh import mark
from genai_hf.models.stand_in import hung
from genai_hf.ranks import say
from genai_hf.settings import architectures

KEY = "model.reinitialized_layers"
PROBED = 8  # numbers of a weight that tell whether it was drawn


def require_depth(model: PreTrainedModel, layers: int) -> None:
    """Refuse more layers than a model has.

    Raises:
        ConfigError: It has fewer, or all of them share their weights.
    """
    depth = min((len(stack) for *_, stack in hung(model)), default=0)
    if layers and not depth:
        raise ConfigError(f"'{KEY}': {model.config.model_type} has no layers of weights of their own; leave it out")
    architectures.require_depth(layers, depth)


def reinitialize(model: PreTrainedModel, layers: int, seed: int) -> None:
    """Draw the top layers as those of a new model are drawn, and with them the pooler that reads them.

    Args:
        model: Its weights are as they were read; it is changed in place. Of an encoder and a decoder, some of each.
        layers: How many, from 0: none, and nothing is changed.
        seed: Of the draw.

    Raises:
        ConfigError: The model has fewer, or transformers draws not all of their weights.
    """
    require_depth(model, layers)
    if layers == 0:
        return
    drawn = [*_top(model, layers)]
    torch.manual_seed(seed)
    matrices = [weight for part in drawn for weight in part.parameters() if weight.ndim > 1]
    corners = [weight.detach().flatten()[:PROBED].clone() for weight in matrices]
    for part in drawn:
        weight: Any
        for weight in part.parameters():
            weight._is_hf_initialized = False  # transformers' mark on what it has read, which it would not draw
        part.apply(model._init_weights)  # what is within first: a layer may draw some of its parts once more
    if any(weight.detach().flatten()[:PROBED].equal(old) for weight, old in zip(matrices, corners, strict=True)):
        raise ConfigError(f"'{KEY}': transformers draws {model.config.model_type} only as it is made; leave it out")
    names = {name for name, part in model.named_modules() if any(part is other for other in drawn)}
    mark(model, names)
    say(f"drawn anew, for {KEY}={layers}: {', '.join(sorted(names))}")


def _top(model: PreTrainedModel, layers: int) -> Iterator[nn.Module]:
    for *_, stack in hung(model):
        yield from stack[len(stack) - layers :]
    pooler = getattr(model.base_model, "pooler", None)
    if pooler is not None:
        yield pooler
