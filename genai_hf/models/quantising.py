"""Ways to quantise the linear layers of a model, each by a name that fits a command line: affine4_group64, nf4, int8.

NF4 and double quantisation: Dettmers et al. 2023, "QLoRA", arXiv:2305.14314, section 3; int8 with outliers kept in 16
bits: Dettmers et al. 2022, "LLM.int8()", arXiv:2208.07339, section 3. These are bitsandbytes' own.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from tempfile import TemporaryDirectory
from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor, nn
from transformers import BitsAndBytesConfig, PreTrainedModel
from transformers.pytorch_utils import Conv1D

from genai_hf.config import hint
from genai_hf.models.affine import Affine
from genai_hf.models.affine_linear import matrix, quantise
from genai_hf.models.few_bits import require_width

BITSANDBYTES: dict[str, dict[str, Any]] = {
    "nf4": {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4"},
    "nf4_double": {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4", "bnb_4bit_use_double_quant": True},
    "fp4": {"load_in_4bit": True, "bnb_4bit_quant_type": "fp4"},
    "fp4_double": {"load_in_4bit": True, "bnb_4bit_quant_type": "fp4", "bnb_4bit_use_double_quant": True},
    "int8": {"load_in_8bit": True},
}
AFFINE = re.compile(
    r"(?P<scheme>affine|zero_point|symmetric)(?P<bits>[2-8])_(?P<per>tensor|channel|group)(?P<group>\d+)?"
)
EXAMPLES = ("affine8_channel", "affine4_group64", "zero_point4_group64", "symmetric8_tensor", *BITSANDBYTES)

Method: TypeAlias = Callable[[PreTrainedModel, Sequence[str]], PreTrainedModel]


def methods(
    names: Sequence[str] | str, *, scales: Literal["float16", "bfloat16", "float32"] = "float16"
) -> dict[str, Method]:
    """What each name does with a model and the names of its layers: gives another model, which shares what it can.

    Args:
        names: ``SCHEMEb_tensor``, ``SCHEMEb_channel`` or ``SCHEMEb_groupG`` with a scheme of `Affine`, b bits and
            groups of G inputs; or one of bitsandbytes'.
        scales: Stored type of the scales of `Affine`.

    Raises:
        ValueError: There is no such method, or none is named.
    """
    found = dict[str, Method]()
    for name in [names] if isinstance(names, str) else names:
        found[name] = _method(name, scales)
    if not names:
        raise ValueError(f"none is named; give some of {', '.join(EXAMPLES)}")
    return found


def method(name: str | None, *, scales: Literal["float16", "bfloat16", "float32"] = "float16") -> Method | None:
    """The one of `methods` called `name`; None where there is no name.

    Raises:
        ValueError: There is no such method.
    """
    return None if name is None else _method(str(name), scales)


def _method(name: str, scales: Literal["float16", "bfloat16", "float32"]) -> Method:
    if name in BITSANDBYTES:
        return partial(_bitsandbytes, name)
    spelt = AFFINE.fullmatch(name)
    if spelt is None:
        raise ValueError(f"there is no method {name!r}{hint(name, EXAMPLES)}")
    group = int(spelt["group"]) if spelt["group"] else None
    settings: dict[str, Any] = spelt.groupdict() | {"bits": int(spelt["bits"]), "group": group, "scales": scales}
    affine = Affine(**settings)
    return lambda model, layers: quantise(model, affine, layers)


def require_widths(names: Iterable[str], model: PreTrainedModel, layers: Iterable[str]) -> None:
    """Refuse layers that bitsandbytes' kernels for processors would read wrongly (version 0.50).

    Raises:
        ConfigError: One of the methods called `names` has 4 bits, and a layer a width in which blocks cross rows.
    """
    if any("load_in_4bit" in BITSANDBYTES.get(name, {}) for name in names):
        for layer in layers:
            require_width("methods", layer, matrix(model.get_submodule(layer)).shape[1], model.device)


def _bitsandbytes(name: str, model: PreTrainedModel, layers: Sequence[str]) -> PreTrainedModel:
    """The model saved and loaded again in its way, since it quantises while it loads."""
    require_widths([name], model, layers)
    linear = (name for name, module in model.named_modules() if isinstance(module, (nn.Linear, Conv1D)))
    kept = [name for name in linear if name not in layers]
    config = BitsAndBytesConfig(**BITSANDBYTES[name], llm_int8_skip_modules=kept)
    given = {"quantization_config": config, "use_safetensors": True, "dtype": torch.float32}
    with TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        twin: PreTrainedModel = type(model).from_pretrained(folder, device_map={"": model.device}, **given)
    return twin.eval()


def weight_tensors(model: PreTrainedModel, layers: Sequence[str]) -> list[Tensor]:
    """What is stored for the weights of these layers, scales and tables included, biases left out."""
    states = (model.get_submodule(name).state_dict() for name in layers)
    return [tensor for state in states for key, tensor in state.items() if key != "bias"]
