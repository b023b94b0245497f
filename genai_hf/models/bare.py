"""The model of transformers within what wraps it: several processes, an adapter."""

from accelerate.utils import extract_model_from_parallel
from peft import PeftModel
from torch import nn
from transformers import PreTrainedModel


def bare(model: nn.Module) -> PreTrainedModel:
    """The model itself, in which an adapter's layers are, wrapped for several processes or with an adapter or not."""
    alone = extract_model_from_parallel(model)
    found: PreTrainedModel = alone.get_base_model() if isinstance(alone, PeftModel) else alone
    return found
