"""The vocabulary head only where it is needed: most of a masked language model's cost at small widths is its head."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from accelerate.utils import extract_model_from_parallel
from torch import Tensor, nn
from transformers import PreTrainedModel


@contextmanager
def head_rows(model: nn.Module, positions: Tensor | None) -> Iterator[None]:
    """Within this context, the output embedding of `model` sees only the hidden states at `positions`.

    The model's own forward is called as ever (anything else would bypass DDP and FSDP); its logits then have the
    shape (len(positions), V) instead of (B, T, V), with the same numbers.

    Args:
        model: With `get_output_embeddings`, wrapped for several processes or not.
        positions: int64 (N,), into the flattened batch; None leaves the head as it is.
    """
    if positions is None:
        yield
        return
    head = extract_model_from_parallel(model).get_output_embeddings()
    handle = head.register_forward_pre_hook(lambda _, hidden: (hidden[0].flatten(0, -2)[positions],))
    try:
        yield
    finally:
        handle.remove()


def untie(model: PreTrainedModel) -> None:
    """Give a new model a head of its own instead of its embedding's transpose, drawn with standard deviation H^-1/2.

    So T5's version 1.1 is (Shazeer 2020, arXiv:2002.05202, and the released configurations). transformers has no new
    model of it: asked for one, it leaves the head tied, and without any tie each half has an embedding of its own.
    """
    head = model.get_output_embeddings()
    head.weight = nn.Parameter(torch.empty_like(head.weight))
    nn.init.normal_(head.weight, std=head.in_features**-0.5)
