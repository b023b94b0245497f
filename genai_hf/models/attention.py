"""Attention masks of one's own, and the form in which a model takes them."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.masking_utils import sdpa_mask

from genai_hf.errors import ConfigError
from genai_hf.models.bare import bare

# Attentions of this project that take masks as sdpa does.
MATRICES = "matrices"  # on_cpu.py
DOCUMENTS = "documents"  # documents.py
UNPADDED = {"sdpa": "unpadded", MATRICES: "unpadded_matrices"}  # unpadded.py, by what they stand before


def attend_by(model: PreTrainedModel, name: str, function: Callable[..., Any]) -> None:
    """Let a model attend by a function of this project, with masks as ``sdpa`` has them."""
    AttentionInterface.register(name, function)
    AttentionMaskInterface.register(name, sdpa_mask)
    model.set_attn_implementation(name)


def four_dimensional(model: nn.Module, allowed: Tensor) -> Tensor:
    """Who may look at whom, as transformers hands it to every layer untouched.

    Args:
        model: Attends by ``sdpa`` or ``eager``, wrapped for several processes or not.
        allowed: bool (B, T, T), queries by keys.

    Returns:
        (B, 1, T, T): the same for ``sdpa``; for ``eager``, which adds it to the scores, 0 where it is true and the
        smallest number of the model's type where not.

    Raises:
        ConfigError: The model attends in another way.
    """
    alone = bare(model)
    way, mask = alone.config._attn_implementation, allowed[:, None]
    if way in {"sdpa", MATRICES, DOCUMENTS, *UNPADDED.values()}:
        return mask
    if way == "eager":
        smallest = torch.finfo(alone.dtype).min
        return torch.zeros(mask.shape, dtype=alone.dtype, device=mask.device).masked_fill(~mask, smallest)
    raise ConfigError(f"'model': a mask of its own needs the attention sdpa or eager, the model's is {way}")


def prefix_mask(lengths: Tensor, size: int) -> Tensor:
    """Who looks at whom: everyone at the beginning, and at what came before.

    Args:
        lengths: (B,) tokens of each row's beginning.
        size: T, tokens of a row.

    Returns:
        bool (B, T, T), queries by keys.
    """
    places = torch.arange(size, device=lengths.device)
    return (places[None, :] <= places[:, None])[None] | (places[None, None] < lengths[:, None, None])
