"""An adapter read with its base, and its update added to the weights, for a model that needs no adapter any more.

Merging is exact in exact arithmetic; how far rounding to 16 bits moves the outputs is measured, not assumed.
"""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers
from peft import PeftConfig, PeftModel, PeftType
from peft.utils import CONFIG_NAME, SAFETENSORS_WEIGHTS_NAME
from safetensors import SafetensorError
from torch import Tensor
from transformers import BitsAndBytesConfig, PreTrainedModel

from genai_hf import manifests, snapshots, tokenization
from genai_hf.errors import ConfigError
from genai_hf.manifests import require_whole
from genai_hf.model_folders import require_weights
from genai_hf.models import few_bits, virtual
from genai_hf.models.adapters import Adapted, of_no_concern
from genai_hf.models.configuration import is_quantized, positions, pretrained
from genai_hf.models.extract import FACTS, read_extract_head
from genai_hf.models.read_weights import SAFELY

SHOWN = 200  # characters of what a library says
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
        restored: Whether the adapter was trained beside fewer bits than the merged weights have.
    """

    parameters: int
    rows: int
    largest: float
    typical: float
    scale: float
    restored: bool


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
    require_whole(folder)
    configuration = pretrained(str(folder))
    kind = _class(folder, configuration)
    adapted = beside(folder, kind).eval()
    if not mergeable(adapted.active_peft_config):
        method = str(adapted.peft_type).removeprefix("PeftType.")
        raise ConfigError(f"{folder}: what {method} adds is no change of a weight, so it stays beside; use it as it is")
    whole: Any = merged(beside(folder, kind, full=True)).eval()
    if FACTS in configuration.to_dict():
        read_extract_head(whole, folder)
    whole.to(getattr(torch, dtype))
    random = torch.Generator().manual_seed(0)
    length = min(LENGTH, positions(configuration) or LENGTH)
    ids = torch.randint(whole.config.vocab_size, (ROWS, length), generator=random)
    ours, theirs = _outputs(whole, ids), _outputs(adapted, ids)
    whole.save_pretrained(target)
    tokenization.load(str(folder)).save_pretrained(target)
    manifests.write(target)
    apart = (ours - theirs).abs()
    count = sum(weight.numel() for weight in whole.parameters())
    drift = (float(apart.max()), float(apart.mean()), float(theirs.abs().max()))
    return Drift(count, ROWS, *drift, is_quantized(adapted.config))


def read(folder: Path, kind: Any) -> Adapted:
    """The model in a folder that holds an adapter only, the adapter's update in its weights if it can: see `beside`."""
    adapted = beside(folder, kind)
    if not mergeable(adapted.active_peft_config) or is_quantized(adapted.config):
        return adapted
    return merged(adapted)


def merged(adapted: PeftModel) -> PreTrainedModel:
    """The base with the adapter's update in its weights."""
    with of_no_concern():
        whole: PreTrainedModel = adapted.merge_and_unload()
    return whole


def mergeable(settings: PeftConfig) -> bool:
    """Whether what an adapter does can be done by the weights of its base alone."""
    return settings.peft_type in {PeftType.LORA, PeftType.IA3}


def beside(folder: Path, kind: Any, *, full: bool = False) -> PeftModel:
    """The base of the adapter in a folder, with the adapter.

    Args:
        folder: With the adapter's files, and the model's own ``config.json``.
        kind: Which of transformers' auto classes it is of.
        full: Read the base's weights as they come, even if the adapter was trained beside fewer bits of them.

    Raises:
        ConfigError: The base is not where it was.
    """
    settings = _settings(folder)
    name, wanted = str(settings.base_model_name_or_path), pretrained(str(folder))
    rows, bits = wanted.vocab_size, vars(wanted).pop("quantization_config", None)
    stored = {} if bits is None or full else {"quantization_config": BitsAndBytesConfig.from_dict(bits)}
    try:
        wanted.vocab_size = pretrained(name, settings.revision).vocab_size
        require_weights(snapshots.folder(name, settings.revision, snapshots.WEIGHTS))
        fixed = {"dtype": torch.float32, "ignore_mismatched_sizes": True, **SAFELY}
        base = kind.from_pretrained(name, config=wanted, revision=settings.revision, **fixed, **stored)
    except (OSError, SafetensorError, ConfigError) as error:
        remedy = f"bring it back there ({str(error).partition(chr(10))[0]})"
        raise ConfigError(f"{folder} is an adapter of {name}, which cannot be read; {remedy}") from error
    if stored:
        few_bits.leave(base)
    if rows != base.config.vocab_size:
        base.resize_token_embeddings(rows, mean_resizing=False)
    try:
        with of_no_concern():
            warnings.filterwarnings("error", "Found missing adapter keys", UserWarning)
            adapted = PeftModel.from_pretrained(base, str(folder))
    except (RuntimeError, ValueError, LookupError, TypeError, SafetensorError, UserWarning) as error:
        reason = " ".join(str(error).split())[:SHOWN]
        raise ConfigError(f"{folder}: its adapter does not fit {name} ({reason} …); train it again") from error
    virtual.watch(adapted)
    return adapted


def _settings(folder: Path) -> PeftConfig:
    """An adapter's configuration, where its weights lie beside it as safetensors: PEFT would read a pickle else."""
    if not (folder / SAFETENSORS_WEIGHTS_NAME).is_file():
        raise ConfigError(f"{folder} holds no {SAFETENSORS_WEIGHTS_NAME}; have the adapter saved anew as safetensors")
    try:
        settings: PeftConfig = PeftConfig.from_pretrained(str(folder))
    except (OSError, ValueError, TypeError, LookupError, AttributeError) as error:
        reason = " ".join(str(error).split())[:SHOWN]
        raise ConfigError(f"{folder / CONFIG_NAME} is refused by PEFT ({reason}); train it again") from error
    return settings


def _class(folder: Path, configuration: Any) -> Any:
    named = configuration.architectures
    name = named[0] if isinstance(named, list) and named and isinstance(named[0], str) else ""
    kind = getattr(transformers, name, None) if name.isidentifier() else None  # loaded when it is asked for
    if not (isinstance(kind, type) and issubclass(kind, transformers.PreTrainedModel)):
        raise ConfigError(f"{folder}: transformers has no model '{name}'; its config.json is damaged")
    return kind


def _outputs(model: Any, ids: Tensor) -> Tensor:
    """Logits of rows, in float32."""
    attention = torch.ones_like(ids)
    given = {"input_ids": ids, "attention_mask": attention}
    if model.config.is_encoder_decoder:
        given["decoder_input_ids"] = ids
    output = model(**given)
    logits: Tensor = output.logits if "logits" in output else output.prediction_logits
    return logits.float()
