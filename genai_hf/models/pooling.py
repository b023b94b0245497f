"""A decoder's classification reads the state of the last real token, wherever padding stands and whatever its id is.

Upstream looks for the rightmost token that has not the id of padding, which a text may hold: GPT-2 has no id of its own
for padding.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from genai_hf.models.bare import bare

SCORE = "score"  # what transformers calls the head that decoders have on every token


@contextmanager
def last_token(model: nn.Module, attention_mask: Tensor) -> Iterator[None]:
    """Within this context a decoder's head gives the logits of the last real token at every place of a row.

    Encoders, which have no such head, are left as they are.

    Args:
        model: For sequence classification, wrapped for several processes or with an adapter or not.
        attention_mask: int64 (B, T), 1 on real tokens; a row has at least one.
    """
    head = score_head(model)
    if head is None:
        yield
        return
    places = torch.arange(attention_mask.shape[1], device=attention_mask.device)
    last = (places * attention_mask).argmax(-1)

    def read(_: nn.Module, hidden: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        states = hidden[0]
        return (states[torch.arange(len(states), device=states.device), last][:, None].expand_as(states),)

    handle = head.register_forward_pre_hook(read)
    try:
        yield
    finally:
        handle.remove()


def score_head(model: nn.Module) -> nn.Module | None:
    """The head that a decoder has on every token; None for an encoder."""
    modules = bare(model).named_modules()
    return next((module for name, module in modules if name.rpartition(".")[2] == SCORE), None)
