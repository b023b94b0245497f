"""Encoders whose layers read no padding: a batch's real tokens in one row, and attention within the texts of it.

Attention is by torch's variable-length kernel (FlashAttention-2, Dao 2023, arXiv:2307.08691) on a GPU, in 16 bits,
without dropout of its weights and without a bias of positions; elsewhere the rows are padded for it alone, and it is
what it was. What comes out of the last layer is padded again, with zeros: no head, loss or adapter notices anything.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.attention.varlen import varlen_attn
from transformers import PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.utils import ModelOutput

from genai_hf.errors import ConfigError
from genai_hf.models import on_cpu
from genai_hf.models.attention import MATRICES, UNPADDED, attend_by
from genai_hf.models.bare import bare
from genai_hf.settings import architectures

WORTH = 0.15  # share of padding from which it pays on a processor; docs/benchmarks.md
LAYOUT = "layout"  # of the arguments of each layer

Choice = Literal["auto", "always", "library"]


@dataclass(frozen=True)
class Layout:
    """Where the real tokens of a padded batch are.

    Args:
        places: int64 (N,) in the flattened batch.
        starts: int32 (B + 1,) where each row begins among the real tokens, their number last.
        rows: B.
        length: T.
    """

    places: Tensor
    starts: Tensor
    rows: int
    length: int

    @classmethod
    def of(cls, mask: Tensor) -> "Layout":
        """That of a mask (B, T), 1 at real tokens."""
        starts = torch.zeros(len(mask) + 1, dtype=torch.int32, device=mask.device)
        torch.cumsum(mask.sum(1), 0, dtype=torch.int32, out=starts[1:])
        return cls(mask.flatten().nonzero()[:, 0], starts, *mask.shape)

    @property
    def padding(self) -> float:
        """Its share of all places, in [0, 1)."""
        return 1 - len(self.places) / (self.rows * self.length)

    def pack(self, states: Tensor) -> Tensor:
        """Of (B, T, …) the real tokens, as one row: (1, N, …)."""
        return states.flatten(0, 1).index_select(0, self.places)[None]

    def pad(self, states: Tensor) -> Tensor:
        """Of one row (1, N, …) the batch (B, T, …), with zeros where no token is."""
        empty = states.new_zeros(self.rows * self.length, *states.shape[2:])
        return empty.index_copy(0, self.places, states[0]).view(self.rows, self.length, *states.shape[2:])


def unpad(model: nn.Module, choice: Choice = "auto") -> None:
    """Let the layers of an encoder, or of the encoder of a T5, read no padding.

    Args:
        model: Wrapped for several processes or with an adapter or not. With ``auto`` one that this is not possible with
            is left as it is.
        choice: ``auto``: in batches more than `WORTH` of which is padding; ``always``: in all; ``library``: in none.

    Raises:
        ConfigError: ``always`` is asked of a model that has no such layers, or attends in a way of its own.
    """
    alone = bare(model)
    parts = None if choice == "library" or not isinstance(alone, PreTrainedModel) else _parts(alone)
    if parts is None and choice == "always":
        raise ConfigError(
            f"'speed.unpadded': the layers of {alone.config.model_type} cannot do without padding; leave it out"
        )
    if parts is None:
        return
    way = alone.config._attn_implementation
    inner = on_cpu.attend if way == MATRICES else sdpa_attention_forward
    attend_by(alone, UNPADDED[way], partial(attend, inner=inner))
    told, entered, left, begin = parts
    told.register_forward_pre_hook(partial(_lay_out, worth=WORTH if choice == "auto" else 0.0), with_kwargs=True)
    entered.register_forward_pre_hook(begin, with_kwargs=True)
    left.register_forward_hook(_end, with_kwargs=True)


def attend(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    inner: Any,
    layout: Layout | None = None,
    **given: Any,
) -> tuple[Tensor, None]:
    """Attention as transformers asks for it, of each token to those of its text.

    Args:
        module: Of the model.
        query: (1, H, N, D) with a layout, else (B, H, T, D); `key` and `value` the same.
        key: As `query`.
        value: As `query`.
        attention_mask: Of the padded batch.
        inner: The attention of padded batches.
        layout: Of the batch; None where it is padded.
        **given: Whatever else transformers passes on, `dropout`, `scaling` and a T5's `position_bias` among it.

    Returns:
        (1, N, H, D) or (B, T, H, D), and None in place of the weights.
    """
    if layout is None:
        found: tuple[Tensor, None] = inner(module, query, key, value, attention_mask, **given)
        return found
    q, k, v = (states.transpose(1, 2) for states in (query, key, value))  # (1, N, H, D)
    if _suits(query) and not given.get("dropout") and given.get("position_bias") is None:
        starts, longest = layout.starts, layout.length
        attended = varlen_attn(q[0], k[0], v[0], starts, starts, longest, longest, scale=given.get("scaling"))
        assert isinstance(attended, Tensor)
        return attended[None], None
    padded = [layout.pad(states).transpose(1, 2) for states in (q, k, v)]
    return layout.pack(inner(module, *padded, attention_mask, **given)[0]), None


def _parts(model: PreTrainedModel) -> tuple[nn.Module, nn.Module, nn.Module, Any] | None:
    """What is given the batch's mask, what its states go into and come out of, and the hook that packs them."""
    kind, body = model.config.model_type, model.base_model
    is_able = architectures.can_do_without_padding(kind, model.config.to_dict())
    if not is_able or model.config._attn_implementation not in UNPADDED:
        return None
    layers = body.get_submodule(architectures.UNPADDED[kind])
    if isinstance(layers, nn.ModuleList):  # a T5's, whose stack is given the mask and what comes out of them
        return body.encoder, layers[0], body.encoder, _begin_t5
    return body, layers, layers, _begin


def _suits(query: Tensor) -> bool:
    """Whether torch's kernel takes such numbers."""
    return query.is_cuda and query.element_size() == 2


def _lay_out(
    module: nn.Module, given: tuple[Any, ...], named: dict[str, Any], *, worth: float
) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
    """Hand on where the real tokens are, if a batch has padding enough and nobody asks for the states of all layers."""
    mask, config = named.get("attention_mask"), module.config
    watched = named.get("output_hidden_states", config.output_hidden_states)  # type: ignore[union-attr]
    if watched or mask is None or mask.ndim != 2 or named.get("past_key_values") is not None:
        return None
    if not mask[:, 0].all():  # a head reads the first place, whatever stands there
        return None
    layout = Layout.of(mask)
    return (given, named | {LAYOUT: layout}) if layout.padding > worth else None


def _begin(
    module: nn.Module, given: tuple[Any, ...], named: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
    """Pack what goes into the layers."""
    layout: Layout | None = named.get(LAYOUT)
    if layout is None:
        return None
    if "hidden_states" in named:
        return given, named | {"hidden_states": layout.pack(named["hidden_states"])}
    return (layout.pack(given[0]), *given[1:]), named


def _begin_t5(
    module: nn.Module, given: tuple[Any, ...], named: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
    """The same of a T5's first layer, which makes the bias of positions for all of them: that of the padded rows."""
    packed, layout = _begin(module, given, named), named.get(LAYOUT)
    if packed is None or layout is None:
        return None
    (states, mask, _, *rest), named = packed
    bias = module.layer[0].SelfAttention.compute_bias(layout.length, layout.length)  # type: ignore[union-attr,index]
    return (states, mask, bias, *rest), named


def _end(module: nn.Module, given: tuple[Any, ...], named: dict[str, Any], output: ModelOutput) -> ModelOutput | None:
    """Pad what comes out of the layers, where it is the states of all tokens."""
    layout: Layout | None = named.get(LAYOUT)
    if layout is None or output["last_hidden_state"].shape[:2] != (1, len(layout.places)):
        return None
    output["last_hidden_state"] = layout.pad(output["last_hidden_state"])
    return output
