"""The vocabulary head only where it is needed: most of a masked language model's cost at small widths is its head."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from accelerate.utils import extract_model_from_parallel
from torch import Tensor, nn


@contextmanager
def head_rows(model: nn.Module, positions: Tensor | None, vectors: Sequence[Tensor] = ()) -> Iterator[None]:
    """Within this context, the output embedding of `model` sees only the hidden states at `positions`.

    The model's own forward is called as ever (anything else would bypass DDP and FSDP); its logits then have the
    shape (len(positions), V) instead of (B, T, V), with the same numbers.

    Args:
        model: With `get_output_embeddings`, wrapped for several processes or not.
        positions: int64 (N,), into the flattened batch; None leaves the head as it is.
        vectors: (M, H) each, what it sees after them; they may be appended here while the forward pass runs.
    """
    if positions is None:
        yield
        return
    head = extract_model_from_parallel(model).get_output_embeddings()
    handle = head.register_forward_pre_hook(
        lambda _, hidden: (torch.cat([hidden[0].flatten(0, -2)[positions], *vectors]),)
    )
    try:
        yield
    finally:
        handle.remove()
