"""Which models keep the documents of one block apart."""

import sys

from transformers import PreTrainedModel

from genai_hf.errors import ConfigError

MASKS = "create_causal_mask"  # of transformers.masking_utils: it reads from positions where a packed document begins


def require_packing(model: PreTrainedModel) -> None:
    """Refuse a model whose attention would not see from `position_ids` where a document begins.

    Raises:
        ConfigError: It makes its attention mask by itself.
    """
    if MASKS not in vars(sys.modules[type(model).__module__]):
        remedy = "say packing=stream, where it may look across"
        raise ConfigError(f"'packing': {type(model).__name__} cannot keep the documents of a block apart; {remedy}")
