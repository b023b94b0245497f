"""Pretrained weights of 4 or 8 bits, by bitsandbytes: less memory for what an adapter leaves as it is.

Dettmers et al. 2022 (LLM.int8(), arXiv:2208.07339), Dettmers et al. 2023 (QLoRA, arXiv:2305.14314, section 3). Heads
and output embeddings stay as they are: they are trained, tied or sensitive, and PEFT crashes at a quantised head.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from transformers import BitsAndBytesConfig, PreTrainedConfig, PreTrainedModel
from transformers.pytorch_utils import Conv1D
from transformers.quantizers.base import get_keys_to_not_convert
from transformers.quantizers.quantizers_utils import should_convert_module

from genai_hf.errors import ConfigError
from genai_hf.ranks import say

BLOCK = 64  # weights that share a scale
POOLER = "pooler"  # within the trunk; a checkpoint often lacks it


def quantized(*, precision: str, **fields: Any) -> BitsAndBytesConfig | None:
    """How weights are to be stored; None as they come.

    Args:
        precision: Of the computation where the fields do not say: ``bf16``, ``fp16`` or ``fp32``.
        **fields: Of `transformers.BitsAndBytesConfig`.

    Raises:
        ConfigError: A value is refused there.
    """
    if not fields:
        return None
    if not (fields.get("load_in_4bit") or fields.get("load_in_8bit")):
        raise ConfigError("'quantization': neither load_in_4bit nor load_in_8bit is true; say quantization=none")
    names = {"bf16": "bfloat16", "fp16": "float16"}
    try:
        return BitsAndBytesConfig(**{"bnb_4bit_compute_dtype": names.get(precision, "float32"), **fields})
    except (ValueError, TypeError, AttributeError) as error:
        raise ConfigError(f"'quantization': {str(error).partition(chr(10))[0]}") from error


def spare(settings: BitsAndBytesConfig, kind: Any, wanted: PreTrainedConfig) -> None:
    """Name in the settings what stays as it is, besides what is named there already.

    Args:
        settings: They are changed.
        kind: Which of transformers' auto classes the model is of.
        wanted: The model's configuration.
    """
    with torch.device("meta"):
        shape = kind.from_config(wanted)
    heads = [name for name, _ in shape.named_children() if name != shape.base_model_prefix]
    inner = [name for name, _ in shape.named_modules() if name.rpartition(".")[2] == POOLER]
    heads = [] if shape.base_model is shape else heads  # of a T5 the halves themselves
    named = settings.llm_int8_skip_modules or ()
    settings.llm_int8_skip_modules = sorted({*named, *heads, *inner, *get_keys_to_not_convert(shape)})


def leave(model: PreTrainedModel) -> int:
    """See that an evaluation leaves quantised weights as training needs them.

    On a processor with AVX512-BF16 bitsandbytes packs them anew in the first evaluation, for speed, and training would
    go on with gradients that are wrong or zero.

    Returns:
        How many layers have such weights.

    Raises:
        ConfigError: One cannot be read rightly.
    """
    kinds = {"Linear4bit", "Linear8bitLt"}
    layers: dict[str, Any] = {name: part for name, part in model.named_modules() if type(part).__name__ in kinds}
    for name, layer in layers.items():
        if type(layer).__name__ == "Linear4bit":
            layer.support_avx512bf16_for_cpu = False
            require_width("quantization", name, layer.in_features, layer.weight.device)
    return len(layers)


def require_width(key: str, layer: str, width: int, device: torch.device) -> None:
    """Refuse a layer whose codes of 4 bits bitsandbytes' kernels for processors would read wrongly (version 0.50).

    Raises:
        ConfigError: Blocks of weights that share a scale cross its rows.
    """
    if device.type == "cpu" and width % BLOCK:
        wrong = f"reads codes of 4 bits wrongly where a width is no multiple of {BLOCK}"
        raise ConfigError(f"'{key}': on a processor bitsandbytes {wrong}, and {layer} has {width}; take int8")


def require_widths(model: PreTrainedModel, settings: BitsAndBytesConfig) -> None:
    """As `leave`, of a model without weights that is to be stored so.

    Raises:
        ConfigError: A layer could not be read rightly.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    for name, layer in model.named_modules() if settings.load_in_4bit else ():
        if isinstance(layer, nn.Linear | Conv1D) and should_convert_module(name, settings.llm_int8_skip_modules):
            width = layer.nx if isinstance(layer, Conv1D) else layer.in_features
            require_width("quantization", name, width, device)


def settle(model: PreTrainedModel) -> None:
    """Make a model with such weights ready to be trained, and say what they take.

    Raises:
        ConfigError: It has none.
    """
    if not leave(model):
        raise ConfigError(
            f"'quantization': {type(model).__name__} has no linear layer that could have it; leave it out"
        )
    before, now = full_bytes(model), stored_bytes(model.state_dict().values())
    say(f"quantization: {before / 1e6:,.1f} MB of weights in float32 take {now / 1e6:,.1f} MB")


def full_bytes(model: nn.Module) -> int:
    """What a model's weights would take in float32."""
    sizes = {id(weight): elements(weight) for weight in model.parameters()}
    return 4 * sum(sizes.values())


def elements(weight: Any) -> int:
    """Number of weights in a parameter, which may hold two in a byte."""
    state = vars(weight).get("quant_state")
    return int(state.shape.numel()) if state is not None else weight.numel()


def stored_bytes(tensors: Iterable[Tensor]) -> int:
    """Bytes of memory that tensors hold, what they share counted once."""
    storages = {tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes() for tensor in tensors}
    return sum(storages.values())
