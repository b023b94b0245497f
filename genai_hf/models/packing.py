"""Which models take from outside who may look at whom."""

import sys

from transformers import PreTrainedModel

from genai_hf.errors import ConfigError

MASKS = "create_causal_mask"  # of transformers.masking_utils: it reads from positions where a packed document begins,
# and hands on a mask that is made elsewhere


def require_packing(model: PreTrainedModel) -> None:
    """Refuse a model whose attention would not see from `position_ids` where a document begins.

    Raises:
        ConfigError: It makes its attention mask by itself.
    """
    if MASKS not in vars(sys.modules[type(model).__module__]):
        remedy = "say packing=stream, where it may look across"
        raise ConfigError(f"'packing': {type(model).__name__} cannot keep the documents of a block apart; {remedy}")


def require_own_mask(model: PreTrainedModel) -> None:
    """Refuse a decoder that would not take a mask of one's own.

    Raises:
        ConfigError: It makes its attention mask by itself.
    """
    if MASKS not in vars(sys.modules[type(model).__module__]):
        remedy = "take another, such as model=gpt2_tiny, or an encoder-decoder, such as model=t5_tiny"
        raise ConfigError(f"'model': {type(model).__name__} reads no text in both directions; {remedy}")
