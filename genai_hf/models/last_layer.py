"""The last layer of an encoder with classes, computed at the first token of each text alone: no head reads another.

Its keys and values are those of all tokens; queries, the output of attention and the two wide products are of one in a
row: a sixth of the layer's operations is left. The numbers are those of the whole layer. Where activations are computed
again in the backward pass, its own, which are few, are not.
"""

import re
from functools import partial
from typing import Any

from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from genai_hf.models import attention
from genai_hf.models.bare import bare, prompted
from genai_hf.models.unpadded import LAYOUT, Layout
from genai_hf.settings import architectures

OF_ALL = re.compile(r"\.(key|value|k_lin|v_lin)(\.|$)")  # modules of such a layer that all tokens pass
FIRST = "first"  # of the arguments of each layer: whether the last is to be computed at first tokens alone


def shorten(model: nn.Module) -> None:
    """Let the last layer of an encoder with classes be computed where they are read; other models stay as they are.

    Args:
        model: Wrapped for several processes or with an adapter or not; behind a prompt another token is read.
    """
    alone = bare(model)
    if not isinstance(alone, PreTrainedModel) or not _reads_first(alone) or prompted(model):
        return
    body = alone.base_model
    layer = body.get_submodule(architectures.UNPADDED[alone.config.model_type]).layer[-1]
    read = _read_distilbert if alone.config.model_type == "distilbert" else _read_bert
    body.register_forward_pre_hook(_ask, with_kwargs=True)
    layer.forward = partial(_forward, layer, layer.forward, read)


def shortened(model: PreTrainedModel) -> str | None:
    """The path of the layer that is computed at first tokens alone; None where there is none."""
    ours = ((name, vars(module).get("forward")) for name, module in model.named_modules())
    return next((name for name, forward in ours if isinstance(forward, partial) and forward.func is _forward), None)


def _reads_first(model: PreTrainedModel) -> bool:
    """Whether its head reads the first token of a text, and it is known how its layers are made."""
    kind, config = model.config.model_type, model.config
    is_encoder = architectures.can_do_without_padding(kind, config.to_dict()) and not config.is_encoder_decoder
    is_known = config._attn_implementation in {*attention.UNPADDED, *attention.UNPADDED.values()}
    return is_encoder and is_known and type(model).__name__.endswith("ForSequenceClassification")


def _ask(module: Any, given: tuple[Any, ...], named: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
    """Ask for first tokens, unless somebody asks for the states of all layers or keys and values come from before."""
    watched = named.get("output_hidden_states", module.config.output_hidden_states)
    return None if watched or named.get("past_key_values") is not None else (given, named | {FIRST: True})


def _forward(layer: nn.Module, whole: Any, read: Any, hidden_states: Tensor, *given: Any, **named: Any) -> Any:
    """What a layer gives for states (B, T, H), or (1, N, H) with a layout: (B, 1, H), if that is asked for.

    Args:
        layer: The last.
        whole: It, as transformers has it.
        read: How it computes first tokens.
        hidden_states: Of all tokens.
        *given: The mask of the padded batch, perhaps, and what only decoders have.
        **named: `FIRST` and `LAYOUT` among them.
    """
    if not named.pop(FIRST, False):
        return whole(hidden_states, *given, **named)
    layout: Layout | None = named.get(LAYOUT)
    mask = given[0] if given else named.get("attention_mask")
    first = hidden_states[:, :1] if layout is None else hidden_states[0, layout.starts[:-1].long(), None]
    return read(layer, hidden_states, first, mask, layout)


def _read_bert(layer: Any, states: Tensor, first: Tensor, mask: Tensor | None, layout: Layout | None) -> Tensor:
    part = layer.attention.self
    attended = _attend(part, part.query(first), (part.key(states), part.value(states)), mask, layout)
    found: Tensor = layer.feed_forward_chunk(layer.attention.output(attended, first))
    return found


def _read_distilbert(layer: Any, states: Tensor, first: Tensor, mask: Tensor | None, layout: Layout | None) -> Tensor:
    part = layer.attention
    attended = _attend(part, part.q_lin(first), (part.k_lin(states), part.v_lin(states)), mask, layout)
    attended = layer.sa_layer_norm(part.out_lin(attended) + first)
    found: Tensor = layer.output_layer_norm(layer.ffn(attended) + attended)
    return found


def _attend(
    part: Any, query: Tensor, keys: tuple[Tensor, Tensor], mask: Tensor | None, layout: Layout | None
) -> Tensor:
    """Attention of one query a text (B, 1, H) to all keys and values, as the model has it: (B, 1, H)."""
    padded = [states if layout is None else layout.pad(states) for states in keys]
    size = part.attention_head_size
    heads = [states.view(*states.shape[:2], -1, size).transpose(1, 2) for states in (query, *padded)]
    attend = ALL_ATTENTION_FUNCTIONS[part.config._attn_implementation]
    allowed = None if mask is None else mask[:, :, :1]
    dropout = part.dropout.p if part.training else 0.0
    found: Tensor = attend(part, *heads, allowed, dropout=dropout, scaling=part.scaling)[0]
    return found.flatten(2)
