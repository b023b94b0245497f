"""The model that a finished run left, to be asked; or any other that writes."""

from pathlib import Path
from typing import Any

import torch
from peft.utils import CONFIG_NAME as ADAPTER
from safetensors import SafetensorError
from transformers import AutoConfig, PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerFast

from genai_hf import tokenization
from genai_hf.errors import ConfigError
from genai_hf.models import loading, merging
from genai_hf.models.configuration import HEADS, Head, check_kind, configuration
from genai_hf.task_files import finished_model


def read(run: Path, kind: Any) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """The model, in evaluation mode, and its tokenizer.

    Args:
        run: The run's folder.
        kind: Which of transformers' auto classes it is of.

    Raises:
        ConfigError: The run has not finished, or its model cannot be read.
    """
    folder = finished_model(str(run))
    if (folder / ADAPTER).is_file():
        return merging.read(folder, kind).eval(), tokenization.load(str(folder))
    try:
        model: PreTrainedModel = kind.from_pretrained(folder, use_safetensors=True)
    except (OSError, SafetensorError) as error:
        raise ConfigError(f"{folder} cannot be read ({str(error).splitlines()[0]}); run it again") from error
    return model.eval(), tokenization.load(str(folder))


def read_writer(name: str) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """A decoder or an encoder-decoder in float32, in evaluation mode, on the accelerator if there is one.

    Args:
        name: Hub id, or folder of a model, which may be an adapter.

    Raises:
        ConfigError: There is no such model, or it writes no text.
    """
    device = torch.accelerator.current_accelerator(check_available=True) or torch.device("cpu")
    try:
        tokenizer = tokenization.load(name)
    except ConfigError as error:  # which speaks of a recipe's setting
        reason = str(error).removeprefix("'tokenizer.name': ").removesuffix(", or null to train one")
        raise ConfigError(reason) from error
    if (Path(name) / ADAPTER).is_file():
        kind = HEADS[_head(name, AutoConfig.from_pretrained(name))]
        return merging.read(Path(name), kind).to(device).eval(), tokenizer
    wanted = configuration(name, None, {}, None, tokenizer)
    model, missing = loading.weights(HEADS[_head(name, wanted)], name, wanted, None)
    if missing:
        raise ConfigError(f"{name} lacks the weights of {missing[0]}, without which it writes no text; name another")
    return model.to(device).eval(), tokenizer


def _head(name: str, wanted: PreTrainedConfig) -> Head:
    head: Head = "text_to_text" if wanted.is_encoder_decoder else "causal_lm"
    try:
        check_kind(head, wanted)
    except ConfigError as error:
        kind = wanted.model_type
        raise ConfigError(f"{name} writes no text, being a {kind}; name a decoder or an encoder-decoder") from error
    return head
