"""The vocabulary head only where it is needed, and no more of its logits at a time than memory has room for.

Most of a masked language model's cost at small widths is its head; most of a causal one's memory is its logits.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint
from transformers import PreTrainedModel

from genai_hf.errors import ConfigError
from genai_hf.models.bare import bare


@contextmanager
def head_rows(model: nn.Module, positions: Tensor | None, vectors: Sequence[Tensor] = ()) -> Iterator[None]:
    """Within this context, the output embedding of `model` sees only the hidden states at `positions`.

    The model's own forward is called as ever (anything else would bypass DDP and FSDP); its logits then have the
    shape (len(positions), V) instead of (B, T, V), with the same numbers.

    Args:
        model: With `get_output_embeddings`, wrapped for several processes or not.
        positions: int64 (N,), into the flattened batch; None leaves the head as it is.
        vectors: (M, H) each, what it sees after them; they may be appended here while the forward pass runs.

    Raises:
        ConfigError: The model has no such embedding, or does not call it.
    """
    if positions is None:
        yield
        return
    alone, seen = bare(model), list[int]()

    def chosen(_: nn.Module, hidden: tuple[Tensor, ...]) -> tuple[Tensor]:
        seen.append(len(positions))
        return (torch.cat([hidden[0].flatten(0, -2)[positions], *vectors]),)

    if alone.get_output_embeddings() is None:
        raise ConfigError(f"'model': {type(alone).__name__} has no vocabulary head that can be found; take another")
    handle = alone.get_output_embeddings().register_forward_pre_hook(chosen)
    try:
        yield
    finally:
        handle.remove()
    if not seen:
        raise ConfigError(f"'model': {type(alone).__name__} does not call its vocabulary head by itself; take another")


def head_losses(
    model: nn.Module, inputs: Mapping[str, Any], positions: Tensor, targets: Tensor, rows: int
) -> tuple[Tensor, Tensor]:
    """Cross-entropy at some positions by one forward pass of `model` in which there never are many logits.

    The head is computed on `rows` positions at a time, and again in the backward pass, so that no more than (rows, V)
    logits exist; the numbers are those of all at once.

    Args:
        model: With `get_output_embeddings`, wrapped for several processes or not.
        inputs: What its forward takes.
        positions: int64 (N,), into the flattened batch.
        targets: int64 (N,), the token wanted at each.
        rows: Of the head at a time, at least 1.

    Returns:
        The losses (N,), in nats and at least float32, and the most probable tokens (N,).

    Raises:
        ConfigError: The model changes its logits after the head.
    """
    head, pieces, raw = bare(model).get_output_embeddings(), list[Any](), list[Tensor]()

    def piece(hidden: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
        logits = head.forward(hidden)  # not called: that would come by here again
        exact = logits.to(torch.promote_types(logits.dtype, torch.float32))
        return F.cross_entropy(exact, wanted, reduction="none"), logits.argmax(-1)

    def before(_: nn.Module, hidden: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        states = hidden[0].flatten(0, -2)
        parts = zip(torch.split(states[positions], rows), torch.split(targets, rows), strict=True)
        pieces.extend(checkpoint(piece, *part, use_reentrant=False) for part in parts)
        return (states[:1].detach(),)

    handles = [
        head.register_forward_pre_hook(before),
        head.register_forward_hook(lambda _, __, output: raw.append(output)),
    ]
    try:
        logits = model(**inputs).logits
    finally:
        for handle in handles:
            handle.remove()
    if not torch.allclose(logits, raw[0].to(logits.dtype), rtol=0, atol=0, equal_nan=True):
        name = type(bare(model)).__name__
        raise ConfigError(f"'head_rows': {name} changes its logits after the head, so they must come all at once: null")
    return torch.cat([losses for losses, _ in pieces]), torch.cat([best for _, best in pieces])


def untie(model: PreTrainedModel) -> None:
    """Give a new model a head of its own instead of its embedding's transpose, drawn with standard deviation H^-1/2.

    So T5's version 1.1 is (Shazeer 2020, arXiv:2002.05202, and the released configurations). transformers has no new
    model of it: asked for one, it leaves the head tied, and without any tie each half has an embedding of its own.
    """
    head = model.get_output_embeddings()
    head.weight = nn.Parameter(torch.empty_like(head.weight))
    nn.init.normal_(head.weight, std=head.in_features**-0.5)
