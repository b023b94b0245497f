"""What makes training on a processor quick: attention by whole matrices, and dropout from cheap random bits.

The numbers are those of transformers' own, to rounding: in 16 bits scores are rounded, as its eager attention does and
torch's kernel does not. The random stream of dropout is another.
"""

from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.integrations.sdpa_attention import repeat_kv, sdpa_attention_forward

from genai_hf.models.attention import MATRICES, attend_by
from genai_hf.models.bare import bare
from genai_hf.ranks import rank

LONGEST = 1024  # keys; beyond, the scores of all pairs would take too much memory
INTEGERS = {2: torch.int16, 4: torch.int32, 8: torch.int64}  # by the bytes of a number

Choice = Literal["auto", "library"]


def quicken(model: nn.Module, *, attention: Choice = "auto", dropout: Choice = "auto") -> None:
    """Take the quicker attention and dropout where a model trains on a processor.

    Args:
        model: Wrapped for several processes or with an adapter or not. One that does not attend by ``sdpa`` keeps its
            own attention.
        attention: ``library`` leaves it as transformers has it.
        dropout: Likewise, as torch has it.
    """
    alone = bare(model)
    if attention == "auto" and isinstance(alone, PreTrainedModel) and alone.config._attn_implementation == "sdpa":
        attend_by(alone, MATRICES, attend)
    if dropout == "auto":
        for module in model.modules():
            if type(module) is nn.Dropout:
                module.__class__ = Dropout


class Dropout(nn.Dropout):
    """As `torch.nn.Dropout`, in a sixth of the time: torch draws a number at a time on a processor."""

    def forward(self, input: Tensor) -> Tensor:
        """Numbers kept with probability 1 - p and divided by it, the others 0."""
        return dropped(input, self.p) if self.training else input


def dropped(numbers: Tensor, probability: float) -> Tensor:
    """Dropout (Srivastava et al. 2014, JMLR 15:56) of numbers of any floating type and shape.

    Its seed is drawn from torch's own stream, so that a run that goes on and activations that are computed again find
    the same; ranks, whose streams are alike, drop different numbers. The probability is met to 2^-15.
    """
    if not 0 < probability < 1 or numbers.device.type != "cpu" or not numbers.numel():
        return F.dropout(numbers, probability)
    return numbers * _scale(numbers, probability)


def _scale(numbers: Tensor, probability: float) -> Tensor:
    """What each number is multiplied by: made of random bits as integers, which a processor does by the vector."""
    size = numbers.element_size()
    kind, sign = INTEGERS[size], 8 * size - 1
    seed = int(torch.randint(2**63 - 1, ()))
    drawn = np.random.SFC64([seed, rank()]).random_raw(-(-numbers.numel() * size // 8))
    bits = torch.from_numpy(drawn).view(kind)[: numbers.numel()].view(numbers.shape)
    kept = torch.tensor(1 / (1 - probability), dtype=numbers.dtype).view(kind).item()
    below = bits.bitwise_and_(2**sign - 1).sub_(round(probability * 2**sign))  # negative where it is dropped
    return below.bitwise_right_shift_(sign).bitwise_not_().bitwise_and_(kept).view(numbers.dtype)


def attend(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    dropout: float = 0.0,
    scaling: float | None = None,
    is_causal: bool | None = None,
    position_bias: Tensor | None = None,
    **given: Any,
) -> tuple[Tensor, None]:
    """Attention as transformers asks for it, by products of whole matrices where that is quicker than torch's.

    Args:
        module: Of the model; not in training, or where torch's is as quick, torch's is taken.
        query: (B, H, Q, D).
        key: (B, H / g, K, D), and `value` the same.
        value: As `key`.
        attention_mask: bool, or a number to be added to the scores, (B or 1, H or 1, Q or 1, K).
        dropout: Probability, of the attention's weights.
        scaling: Of the scores; None is D^-1/2.
        is_causal: Whether a query sees the keys up to its own alone; None is as the module has it.
        position_bias: (B or 1, H, Q, K), added to the scores.
        **given: Whatever else transformers passes on.

    Returns:
        (B, Q, H, D), and None in place of the weights.
    """
    is_causal = getattr(module, "is_causal", True) if is_causal is None else is_causal  # transformers' own convention
    causal = is_causal and attention_mask is None
    if not (module.training and _pays(query, key, dropout, causal=causal)):
        known = {"dropout": dropout, "scaling": scaling, "is_causal": is_causal, "position_bias": position_bias}
        found: tuple[Tensor, None] = sdpa_attention_forward(module, query, key, value, attention_mask, **known, **given)
        return found
    groups = query.shape[1] // key.shape[1]
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    scores = (query * scale) @ repeat_kv(key, groups).transpose(2, 3)
    if position_bias is not None:
        scores.add_(position_bias)
    if causal:
        attention_mask = torch.ones(scores.shape[-2:], dtype=torch.bool).tril()
    if attention_mask is not None:
        scores.add_(_addend(attention_mask, scores.dtype))
    weights = dropped(scores.softmax(-1), dropout) if dropout else scores.softmax(-1)
    return (weights @ repeat_kv(value, groups)).transpose(1, 2).contiguous(), None


def _pays(query: Tensor, key: Tensor, dropout: float, *, causal: bool) -> bool:
    """Whether torch's attention is slower: with dropout, and in numbers of 16 bits."""
    length = key.shape[2]
    square = not causal or query.shape[2] == length
    return query.device.type == "cpu" and length <= LONGEST and square and (dropout > 0 or query.element_size() == 2)


def _addend(mask: Tensor, dtype: torch.dtype) -> Tensor:
    """A mask as what is added to scores."""
    if mask.dtype != torch.bool:
        return mask
    return torch.zeros(mask.shape, dtype=dtype).masked_fill_(~mask, torch.finfo(dtype).min)
