"""The model of transformers within what wraps it: several processes, an adapter."""

from typing import Any

from accelerate.utils import extract_model_from_parallel
from peft import PeftModel
from torch import nn
from transformers import PreTrainedModel


def unwrapped(model: nn.Module) -> Any:
    """The model with its adapter, wrapped for several processes or not."""
    if isinstance(model, (PreTrainedModel, PeftModel)):
        return model  # told at once: accelerate looks for every library that might wrap it, in each step
    return extract_model_from_parallel(model)


def prompted(model: nn.Module) -> PeftModel | None:
    """The model with its adapter, where that sets virtual tokens before a text; else None."""
    whole = unwrapped(model)
    is_virtual = isinstance(whole, PeftModel) and whole.active_peft_config.is_prompt_learning
    return whole if is_virtual else None


def bare(model: nn.Module) -> PreTrainedModel:
    """The model itself, in which an adapter's layers are, wrapped for several processes or with an adapter or not."""
    alone = unwrapped(model)
    found: PreTrainedModel = alone.get_base_model() if isinstance(alone, PeftModel) else alone
    return found
