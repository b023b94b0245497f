"""What a forward pass gives, seen from outside: whoever calls the model keeps its output to itself."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from genai_hf.models.bare import bare


@dataclass
class Seen:
    """Of the last forward pass.

    Attributes:
        output: The model's.
        states: Last hidden states of its trunk (B, T, H), of a decoder where it has one; None if they were not wanted.
    """

    output: Any = None
    states: Tensor | None = None


@contextmanager
def watched(model: nn.Module, *, states: bool = False) -> Iterator[Seen]:
    """Within this context every forward pass of `model` is seen.

    Args:
        model: Wrapped for several processes or with an adapter, or not.
        states: Whether hidden states are wanted too.
    """
    seen = Seen()
    handles = [model.register_forward_hook(lambda _, __, output: vars(seen).update(output=output))]
    if states:
        alone = bare(model)
        trunk = alone.get_decoder() if alone.config.is_encoder_decoder else alone.base_model
        handles.append(trunk.register_forward_hook(lambda _, __, output: vars(seen).update(states=output[0])))
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()
