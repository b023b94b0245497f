"""Attention within the documents of a packed block by torch's variable-length kernel: no pair across them is computed.

By a mask, as it is otherwise, every pair of a block is computed and most are thrown away. The kernel is FlashAttention
(Dao 2023, arXiv:2307.08691): a GPU, 16 bits, no dropout of attention; elsewhere a mask of the same meaning is made.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention.varlen import varlen_attn
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from genai_hf.errors import ConfigError
from genai_hf.models.attention import DOCUMENTS, attend_by
from genai_hf.models.bare import bare


def by_documents(model: nn.Module) -> None:
    """Let a decoder attend so wherever `boundaries` is given in place of a mask.

    Raises:
        ConfigError: It does not attend by ``sdpa``.
    """
    alone = bare(model)
    if alone.config._attn_implementation != "sdpa":
        raise ConfigError(f"'speed.documents': {type(alone).__name__} attends in a way of its own; leave it out")
    attend_by(alone, DOCUMENTS, attend)


def boundaries(position_ids: Tensor) -> Tensor:
    """Where the documents of a batch begin.

    Args:
        position_ids: int64 (B, T), 0 at the first token of each document.

    Returns:
        int32 (1, 1, 1, documents + 1), into the flattened batch, its size last: four dimensions, so that transformers
        hands it to every layer as it is.
    """
    starts = position_ids.clone()
    starts[:, 0] = 0  # a row begins where its document went on
    flat = (starts.flatten() == 0).nonzero()[:, 0]
    return torch.cat([flat, flat.new_tensor([starts.numel()])]).to(torch.int32)[None, None, None]


def attend(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    dropout: float = 0.0,
    scaling: float | None = None,
    sliding_window: int | None = None,
    **given: Any,
) -> tuple[Tensor, None]:
    """Attention as transformers asks for it, of each token to those up to it in its document.

    Args:
        module: Of the model.
        query: (B, H, T, D).
        key: (B, H / g, T, D), and `value` the same.
        value: As `key`.
        attention_mask: `boundaries`; anything else is a mask, and attention then is ``sdpa``.
        dropout: Probability, of the attention's weights.
        scaling: Of the scores; None is D^-1/2.
        sliding_window: So many tokens back are seen at most, its own among them; None: all.
        **given: Whatever else transformers passes on.

    Returns:
        (B, T, H, D), and None in place of the weights.
    """
    mask = attention_mask
    if mask is not None and mask.dtype == torch.int32:
        starts, length = mask.flatten(), query.shape[2]
        if _has_kernel(query, dropout):
            q, k, v = (states.transpose(1, 2).flatten(0, 1) for states in (query, key, value))
            grouped = query.shape[1] != key.shape[1]
            window = (-1 if sliding_window is None else sliding_window - 1, 0)
            ends = (length, length)  # no document is longer; the true length would have to be waited for
            attended = varlen_attn(
                q, k, v, starts, starts, *ends, scale=scaling, window_size=window, enable_gqa=grouped
            )
            assert isinstance(attended, Tensor)
            return attended.view(query.shape[0], length, *attended.shape[1:]), None
        mask = apart(starts, rows=query.shape[0], length=length, window=sliding_window)
    found: tuple[Tensor, None] = sdpa_attention_forward(
        module, query, key, value, mask, dropout=dropout, scaling=scaling, **given
    )
    return found


def apart(starts: Tensor, rows: int, length: int, window: int | None = None) -> Tensor:
    """Who looks at whom: bool (rows, 1, length, length), queries by keys, by where documents start in all rows."""
    places = torch.arange(rows * length, device=starts.device)
    document = torch.bucketize(places, starts, right=True).view(rows, length)
    same = document[:, :, None] == document[:, None]
    near = torch.ones(length, length, dtype=torch.bool, device=starts.device).tril()
    return (same & (near if window is None else near.triu(1 - window)))[:, None]


def _has_kernel(query: Tensor, dropout: float) -> bool:
    return query.is_cuda and query.element_size() == 2 and dropout == 0
