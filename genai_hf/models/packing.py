"""Which models let it be said from outside who may look at whom: tried on six tokens, not believed."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from genai_hf.errors import ConfigError
from genai_hf.models.attention import four_dimensional, prefix_mask

LENGTH = 6  # tokens of the text that is tried: two documents of three, or a beginning of three
STILL = 1e-6  # of the largest logit: what rounding may move


def require_causal(model: PreTrainedModel) -> None:
    """Refuse a model in which a token sees one that comes later.

    Raises:
        ConfigError: It does.
    """
    if _has_weights(model) and bool(_moved(model, {}, LENGTH - 1)[: LENGTH - 1].any()):
        name = type(model).__name__
        raise ConfigError(f"'model': {name} sees the tokens that it should predict; take a decoder, such as gpt2")


def require_packing(model: PreTrainedModel, instead: str = "stream") -> None:
    """Refuse a model whose attention would not see from `position_ids` where a document begins.

    Args:
        model: A decoder.
        instead: What `packing` is to be set to.

    Raises:
        ConfigError: A token of one document moves what is said of another.
    """
    if not _has_weights(model):
        return
    refusal = f"{type(model).__name__} cannot keep the documents of a block apart; say packing={instead}"
    places = torch.arange(LENGTH, device=model.device) % (LENGTH // 2)
    try:
        moved = _moved(model, {"position_ids": places[None]}, 0)
    except (RuntimeError, ValueError, TypeError) as error:  # it takes no positions
        raise ConfigError(f"'packing': {refusal}") from error
    if bool(moved[LENGTH // 2 :].any()):
        raise ConfigError(f"'packing': {refusal}")


def require_own_mask(model: PreTrainedModel, length: int) -> None:
    """Refuse a decoder that would not take a mask of one's own.

    Raises:
        ConfigError: It reads a beginning in one direction only, or looks ahead behind it; or it looks back no farther
            than a window that is shorter than `length`, which such a mask would undo.
    """
    remedy = "take another, such as model=gpt2_tiny, or an encoder-decoder, such as model=t5_tiny"
    name = type(model).__name__
    window = model.config.to_dict().get("sliding_window")
    if window is not None and window < length:
        raise ConfigError(f"'model': {name} looks back {window} tokens only, fewer than {length}; {remedy}")
    if not _has_weights(model):
        return
    beginning = LENGTH // 2
    allowed = prefix_mask(torch.tensor([beginning], device=model.device), LENGTH)
    inputs = {"attention_mask": four_dimensional(model, allowed)}
    try:
        reads = bool(_moved(model, inputs, beginning - 1)[0])
        peeks = bool(_moved(model, inputs, LENGTH - 1)[: LENGTH - 1].any())
    except (RuntimeError, ValueError, TypeError, IndexError) as error:  # whatever a model makes of a mask unknown to it
        raise ConfigError(f"'model': {name} takes no mask of one's own; {remedy}") from error
    if not reads or peeks:
        raise ConfigError(f"'model': {name} reads no text in both directions; {remedy}")


def _has_weights(model: PreTrainedModel) -> bool:
    return not any(parameter.is_meta for parameter in model.parameters())


@torch.no_grad()
def _moved(model: PreTrainedModel, inputs: Mapping[str, Any], place: int) -> Tensor:
    """Whether the logits of each token move with the token at `place`: bool (LENGTH,)."""
    ids = torch.arange(LENGTH, device=model.device)[None] % (model.config.get_text_config().vocab_size - 1)
    other = ids.clone()
    other[0, place] += 1
    was_training = model.training
    model.eval()
    before, after = (model(input_ids=some, use_cache=False, **inputs).logits[0].float() for some in (ids, other))
    model.train(was_training)
    moved: Tensor = (after - before).abs().amax(-1) > STILL * before.abs().max()
    return moved
