"""Model FLOPs: the floating-point operations that training a model needs, however it is computed.

Chowdhery et al. 2022, "PaLM", arXiv:2204.02311, appendix B: 6 for each weight that a token passes (2 forward, 4
backward) and 12 x layers x width x length for its attention, as if every token looked at all of its row. What lies
about the layers is passed less often: the vocabulary head where it is called, a pooler and the classes once a row,
a last layer that is computed at first tokens alone, its keys and values excepted; embedding tables never. A frozen
weight takes 4. Every expert of a mixture counts, passed or not. Padding and what is computed again count nothing, nor
does a teacher.
"""

import re
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor, nn
from transformers import PreTrainedConfig

from genai_hf.models.bare import bare
from genai_hf.models.few_bits import elements
from genai_hf.models.fresh import fresh
from genai_hf.models.last_layer import OF_ALL, shortened

CROSS = re.compile(r"(EncDecAttention|encoder_attn|crossattention|cross_attn)(\.\w+)*?\.(k|v|key|value)(_proj)?(\.|$)")
"""What of a decoder's layers is computed of the encoder's tokens."""


@dataclass
class Seen:
    """Sums over what a model was trained on by one process.

    Attributes:
        read: Tokens of texts, of an encoder or of the only stack; `read_squared` is the sum of the rows' squares.
        written: Tokens that a decoder beside an encoder read; `written_squared` likewise, `crossed` of the products.
        rows: Texts.
        all: Tokens with their padding.
        labels: Tokens to predict, where the batches name them.
    """

    read: int = 0
    read_squared: int = 0
    written: int = 0
    written_squared: int = 0
    crossed: int = 0
    rows: int = 0
    all: int = 0
    labels: int = 0

    def add(self, read: Tensor, written: Tensor) -> None:
        """Add rows of so many tokens, int64 (B,); `written` is empty where there is no decoder beside an encoder."""
        self.rows += len(read)
        self.read += int(read.sum())
        self.read_squared += int((read * read).sum())
        self.written += int(written.sum())
        self.written_squared += int((written * written).sum())
        self.crossed += int((read[: len(written)] * written).sum())

    @property
    def padding(self) -> float:
        """Share of padding among all tokens."""
        return (self.all - self.read - self.written) / max(self.all, 1)


@dataclass(frozen=True)
class Operations:
    """Operations of training, each for one of what `Seen` counts.

    Attributes:
        read: Of a token of an encoder or of the only stack, without attention.
        written: Of a token of a decoder beside an encoder, without attention.
        row: Of what is passed once a row.
        label: Of a position at which the vocabulary head is called.
        attention: Of a pair of tokens in all layers of the encoder or of the only stack.
        written_attention: Of a pair of tokens in all layers of a decoder beside an encoder.
    """

    read: int
    written: int
    row: int
    label: int
    attention: int
    written_attention: int

    def with_layers(self, share: float) -> "Operations":
        """The same with the attention of a share of the layers."""
        attention, written = round(share * self.attention), round(share * self.written_attention)
        return replace(self, attention=attention, written_attention=written)

    def of(self, seen: Seen, head_positions: int) -> int:
        """All of what a model was trained on; its head was called at so many positions."""
        return (
            self.read * seen.read
            + self.written * seen.written
            + self.row * seen.rows
            + self.label * head_positions
            + self.attention * seen.read_squared
            + self.written_attention * (seen.written_squared + seen.crossed)
        )


def operations(model: nn.Module) -> Operations:
    """Of a model of transformers, wrapped or adapted or not; layers that are passed several times count once."""
    alone = bare(model)
    head = alone.get_output_embeddings()
    shared: set[int] = set() if head is None else {id(weight) for weight in head.parameters()}
    within = set() if head is None else {*head.modules()}
    last = shortened(alone)
    sums = dict.fromkeys(("read", "written", "row", "label", ""), 0)
    for name, module in alone.named_modules():
        weights = [
            weight for weight in module.parameters(recurse=False) if module in within or id(weight) not in shared
        ]
        sums[_passed_by(alone, name, module, last)] += sum((6 if w.requires_grad else 4) * elements(w) for w in weights)
    del sums[""]
    layers, each = _size(alone.config, "num_hidden_layers"), 12 * width(alone.config)
    if last is not None:
        layers, sums["read"] = layers - 1, sums["read"] + each  # each token is a key of one query there
    beside = _size(alone.config, "num_decoder_layers") or _size(alone.config, "decoder_layers") or layers
    written = each * beside if alone.config.is_encoder_decoder else 0
    return Operations(**sums, attention=each * layers, written_attention=written)


def width(config: PreTrainedConfig) -> int:
    """Width of all heads of a layer's attention together; 0 where there is none."""
    heads = _size(config, "num_attention_heads")
    return heads * (_size(config, "head_dim") or config.hidden_size // max(heads, 1))


def _size(config: PreTrainedConfig, name: str) -> int:
    """A field of a configuration, by whatever name that has it; 0 where it has none."""
    return int(config.to_dict().get(config.attribute_map.get(name, name)) or 0)


def _passed_by(model: Any, name: str, module: nn.Module, last: str | None) -> str:
    """What passes the weights of a module: a field of `Operations`, or nothing; `last` is what `shortened` says."""
    path, trunk, head = name.split("."), model.base_model, model.get_output_embeddings()
    if isinstance(module, nn.Embedding):
        return ""
    if head is not None and module in {*head.modules()}:  # an adapter may have put it into another
        return "" if "original_module" in path else "label"  # whose copy is trained in its place
    is_read_once = last is not None and f"{name}.".startswith(f"{last}.") and not OF_ALL.search(name)
    if is_read_once or (trunk is not model and "pooler" in path):
        return "row"
    is_aside = name and trunk is not model and model.get_submodule(path[0]) is not trunk
    if is_aside and (head is None or path[0] in fresh(model)[0]):
        return "row"
    if model.config.is_encoder_decoder and "decoder" in path and not CROSS.search(name):
        return "written"
    return "read"
