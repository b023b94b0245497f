"""Whether a model can compute at all with the sizes that it was given: some only its forward pass finds wrong."""

from typing import Any

import torch
from torch import nn

from genai_hf.errors import ConfigError
from genai_hf.models.bare import bare
from genai_hf.models.configuration import positions

FAULTS = (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)


def blame_sizes(error: Exception, model: nn.Module, length: int) -> None:
    """Say of a fault that it is the sizes', where these alone make it: no fault of ours is hidden by it.

    They do where a model of them cannot read one plain text, and one of its architecture's own sizes can.

    Args:
        error: One of `FAULTS`, of a forward pass perhaps.
        model: Wrapped or not.
        length: Tokens of the text.

    Raises:
        ConfigError: They do.
    """
    alone: Any = bare(model)
    kind, config = type(alone), alone.config
    reason, usual = _fault(kind, config, length), type(config)()
    if reason is not None and _fault(kind, usual, min(length, positions(usual) or length)) is None:
        raise ConfigError(f"'model.config': {config.model_type} cannot compute with it ({reason})") from error


def _fault(kind: Any, config: Any, length: int) -> str | None:
    """What goes wrong when a model without weights reads a text of so many tokens."""
    text = torch.zeros((1, length), dtype=torch.long, device="meta")
    try:
        with torch.device("meta"), torch.no_grad():
            kind(config)(input_ids=text, **({"decoder_input_ids": text} if config.is_encoder_decoder else {}))
    except FAULTS as error:
        if "meta" in str(error):  # it asked for the value of a number, and there is none
            return None
        return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
    return None
