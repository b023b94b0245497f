"""Models whose linear layers hold packed codes instead of weights, saved and loaded by transformers' own functions.

Importing this module makes `from_pretrained` know them; the weights of a layer exist while it computes, and no longer.
"""

import copy
import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.integrations.bitsandbytes import dequantize_bnb_weight
from transformers.pytorch_utils import Conv1D
from transformers.quantizers import HfQuantizer, register_quantization_config, register_quantizer
from transformers.utils.quantization_config import QuantizationConfigMixin

from genai_hf.errors import ConfigError
from genai_hf.models.affine import Affine

METHOD = "genai_hf_affine"  # by which config.json names it
LINEAR = (nn.Linear, Conv1D)  # and none that derives from them: those may compute otherwise, or be quantised already


class AffineLinear(nn.Module):
    """A linear layer of `outputs` by `inputs` that holds its weight packed.

    Its codes are called `weight`, so that whoever loads a saved model without this module is told of a wrong shape and
    not given random weights.

    Args:
        affine: How.
        outputs: Width of what it gives.
        inputs: Width of what it takes.
        bias: (outputs,), as it was.
    """

    def __init__(self, affine: Affine, outputs: int, inputs: int, bias: nn.Parameter | None) -> None:
        super().__init__()
        self.affine, self.outputs, self.inputs, self.bias = affine, outputs, inputs, bias
        for name, size in affine.sizes(outputs, inputs).items():
            self.register_buffer(name, torch.empty(size, dtype=torch.uint8))

    def restored(self) -> Tensor:
        """The weight that its codes stand for, (outputs, inputs) in float32."""
        return self.affine.restore(dict(self.named_buffers()), self.outputs, self.inputs)

    def forward(self, states: Tensor) -> Tensor:
        """(…, inputs) to (…, outputs)."""
        return F.linear(states, self.restored().to(states.dtype), self.bias)


def linear_layers(model: PreTrainedModel, pattern: str | None = None) -> list[str]:
    """Names of the linear layers whose weights are quantised.

    Args:
        model: Of any architecture.
        pattern: A regular expression that is found in them; None takes those of the trunk: no head, no embedding.

    Raises:
        ValueError: None is found, or one of them has its weights from the embedding.
    """
    trunk, found = set(model.base_model.modules()), list[str]()
    try:
        searched = re.compile(pattern or "")
    except re.error as error:
        raise ValueError(f"{pattern!r} is no regular expression ({error})") from error
    for name, module in model.named_modules():
        if type(module) in LINEAR and (searched.search(name) if pattern else module in trunk):
            if module.weight is model.get_input_embeddings().weight:
                raise ValueError(f"{name} has its weights from the embedding; choose others")
            found.append(name)
    if not found:
        raise ValueError(
            f"{type(model).__name__} has no linear layers {f'like {pattern!r}' if pattern else 'to quantise'}"
        )
    return found


def matrix(layer: nn.Module) -> Tensor:
    """The weight of a linear layer, quantised or not, as (outputs, inputs)."""
    if isinstance(layer, AffineLinear):
        return layer.restored()
    weight: Tensor = dequantize_bnb_weight(layer.weight, vars(layer).get("state")).detach()
    return weight.T if isinstance(layer, Conv1D) else weight


def quantise(model: PreTrainedModel, affine: Affine, layers: Sequence[str]) -> PreTrainedModel:
    """A model like `model`, which stays as it is, with the weights of `layers` packed; all others they share.

    Raises:
        ConfigError: A weight is not finite, or too large for the scales' type.
    """
    tensors = chain(model.parameters(), model.buffers())
    twin = copy.deepcopy(model, {id(tensor): tensor for tensor in tensors})
    _replace(twin, affine, layers)
    for name in layers:
        try:
            stored = affine.store(matrix(model.get_submodule(name)))
        except ValueError as error:
            raise ConfigError(f"'scales': {name}: {error}; take float32, or another model") from error
        for kept, tensor in stored.items():
            twin.get_submodule(name).register_buffer(kept, tensor)
    twin.config.quantization_config = AffineConfig(dataclasses.asdict(affine), list(layers))
    return twin


def _replace(model: PreTrainedModel, affine: Affine, layers: Iterable[str]) -> None:
    for name in layers:
        layer = model.get_submodule(name)
        outputs, inputs = matrix(layer).shape
        model.set_submodule(name, AffineLinear(affine, outputs, inputs, layer.bias))


@register_quantization_config(METHOD)
class AffineConfig(QuantizationConfigMixin):
    """What config.json says of such a model: the fields of `Affine`, and the names of its packed layers."""

    def __init__(self, affine: Mapping[str, Any], layers: Sequence[str], quant_method: str = METHOD) -> None:
        self.affine, self.layers, self.quant_method = affine, layers, quant_method


@register_quantizer(METHOD)
class AffineQuantizer(HfQuantizer):
    """Makes the layers that a saved model's files fill."""

    requires_calibration = True  # it loads what is packed, and packs nothing that is loaded

    def _process_model_before_weight_loading(self, model: PreTrainedModel, **_: Any) -> None:
        _replace(model, Affine(**self.quantization_config.affine), self.quantization_config.layers)

    def is_serializable(self) -> bool:
        """It can be saved again."""
        return True

    @property
    def is_trainable(self) -> bool:
        """Codes have no gradient."""
        return False
