"""A model to be tried in place of another of the same shapes: weights like new ones, and fewer layers."""

import statistics
from collections.abc import Sequence

import torch
from accelerate import init_empty_weights
from torch import nn

from genai_hf.models.bare import bare
from genai_hf.models.thinning import stacks
from genai_hf.settings.names import DEPTHS


def hung(model: nn.Module) -> list[tuple[nn.Module, str, nn.ModuleList]]:
    """The stacks of layers of a model: where each hangs, and by which name."""
    sizes = bare(model).config.to_dict()
    known = {sizes[name] for name in DEPTHS & sizes.keys()}
    return [(parent, name, stack) for parent, name, stack in stacks(bare(model)) if len(stack) in known]


def depth_of(layers: Sequence[tuple[nn.Module, str, nn.ModuleList]]) -> float:
    """Number of layers, of an encoder and a decoder their mean; 1 where none are found."""
    return statistics.mean(len(stack) for *_, stack in layers) if layers else 1.0


def cut(layers: Sequence[tuple[nn.Module, str, nn.ModuleList]], depth: int) -> None:
    """Leave so many of a model's layers, of all as `hung` gives them."""
    for parent, name, stack in layers:
        setattr(parent, name, nn.ModuleList(stack[:depth]))


def fill(model: nn.Module, device: torch.device) -> None:
    """Give what has no weights yet those of a new model; what is computed and no weight, such as positions, is right.

    They are of the usual size: with smaller ones gradients are denormal numbers, on which processors are slow.
    """
    made = dict[int, tuple[nn.Parameter, nn.Parameter]]()  # the old one is kept, or its id would be given away
    for module in list(model.modules()):
        for name, weight in list(module.named_parameters(recurse=False)):
            if weight.is_meta and id(weight) not in made:
                values = torch.full_like(weight, float(name.endswith("weight")), device=device)
                if weight.ndim > 1:  # others are of norms, or biases
                    values.uniform_(-0.05, 0.05)
                made[id(weight)] = weight, nn.Parameter(values, requires_grad=weight.requires_grad)
            if weight.is_meta:
                setattr(module, name, made[id(weight)][1])
    alone = bare(model)
    with init_empty_weights():
        known = dict(type(alone)(alone.config).named_buffers())
    for path, buffer in list(model.named_buffers()):
        if buffer.is_meta:
            parent, _, name = path.rpartition(".")
            values = known.get(path.removeprefix("base_model.model."), torch.zeros_like(buffer, device=device))
            setattr(model.get_submodule(parent), name, values.to(device))
