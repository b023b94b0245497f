"""An adapter's update added to the weights of its base, for a model that needs no adapter any more.

Merging is exact in exact arithmetic; how far rounding to 16 bits moves the outputs is measured, not assumed.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import Tensor
from transformers import AutoConfig, AutoTokenizer

from genai_hf.errors import ConfigError
from genai_hf.models import adapters
from genai_hf.models.extract import FACTS, read_extract_head
from genai_hf.models.loading import positions

ROWS, LENGTH = 8, 32  # of random tokens, on which both are compared


@dataclass(frozen=True)
class Drift:
    """How far the merged model is from its base with the adapter beside.

    Attributes:
        parameters: Of the merged model.
        rows: Of random tokens that were compared.
        largest: Difference of two outputs at most.
        typical: Mean difference.
        scale: The largest output, without its sign.
    """

    parameters: int
    rows: int
    largest: float
    typical: float
    scale: float


@torch.no_grad()
def merge(folder: Path, target: Path, dtype: str) -> Drift:
    """Write the merged model and its tokenizer.

    Args:
        folder: With the adapter's files.
        target: Made here.
        dtype: Name of a floating type of torch.

    Raises:
        ConfigError: The base is not where it was, or its class cannot be found.
    """
    configuration = AutoConfig.from_pretrained(folder)
    kind = _class(folder, configuration)
    beside = adapters.beside(folder, kind).eval()
    if not adapters.mergeable(beside.active_peft_config):
        method = str(beside.peft_type).removeprefix("PeftType.")
        raise ConfigError(f"{folder}: what {method} adds is no change of a weight, so it stays beside; use it as it is")
    merged: Any = adapters.merged(adapters.beside(folder, kind, full=True)).eval()
    if FACTS in configuration.to_dict():
        read_extract_head(merged, folder)
    merged.to(getattr(torch, dtype))
    random = torch.Generator().manual_seed(0)
    length = min(LENGTH, positions(configuration) or LENGTH)
    ids = torch.randint(merged.config.vocab_size, (ROWS, length), generator=random)
    ours, theirs = _outputs(merged, ids), _outputs(beside, ids)
    merged.save_pretrained(target)
    AutoTokenizer.from_pretrained(folder).save_pretrained(target)
    apart = (ours - theirs).abs()
    count = sum(weight.numel() for weight in merged.parameters())
    return Drift(count, ROWS, float(apart.max()), float(apart.mean()), float(theirs.abs().max()))


def _class(folder: Path, configuration: Any) -> Any:
    name = next(iter(configuration.architectures or ()), "")
    if not hasattr(transformers, name):
        raise ConfigError(f"{folder}: transformers has no class '{name}'; its config.json is damaged")
    return getattr(transformers, name)


def _outputs(model: Any, ids: Tensor) -> Tensor:
    """Logits of rows, in float32."""
    attention = torch.ones_like(ids)
    given = {"input_ids": ids, "attention_mask": attention}
    if model.config.is_encoder_decoder:
        given["decoder_input_ids"] = ids
    output = model(**given)
    logits: Tensor = output.logits if "logits" in output else output.prediction_logits
    return logits.float()
