"""The model that a finished run left, to be asked; or any other that writes."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from peft.utils import CONFIG_NAME as ADAPTER
from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerFast

from genai_hf import tokenization
from genai_hf.errors import ConfigError
from genai_hf.manifests import require_whole
from genai_hf.model_folders import finished_model
from genai_hf.models import loading, merging
from genai_hf.models.configuration import HEADS, Head, check_kind, pretrained
from genai_hf.models.read_weights import require_all


def read(run: Path, kind: Any) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """The model, in evaluation mode, and its tokenizer.

    Args:
        run: The run's folder.
        kind: Which of transformers' auto classes it is of.

    Raises:
        ConfigError: The run has not finished, or its model cannot be read.
    """
    folder = finished_model(str(run))
    with _of_no_setting():
        require_whole(folder)
        tokenizer = tokenization.load(str(folder))
        if (folder / ADAPTER).is_file():
            return merging.read(folder, kind).eval(), tokenizer
        model, missing = loading.weights(kind, str(folder), pretrained(str(folder)), None)
        require_all(str(folder), missing)
    return model.eval(), tokenizer


def read_writer(name: str) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """A decoder or an encoder-decoder in float32, in evaluation mode, on the accelerator if there is one.

    Args:
        name: Hub id, or folder of a model, which may be an adapter.

    Raises:
        ConfigError: There is no such model, or it writes no text.
    """
    device = torch.accelerator.current_accelerator(check_available=True) or torch.device("cpu")
    with _of_no_setting():
        require_whole(Path(name))
        tokenizer, wanted = tokenization.load(name), pretrained(name)
        if (Path(name) / ADAPTER).is_file():
            return merging.read(Path(name), HEADS[_head(name, wanted)]).to(device).eval(), tokenizer
        if len(tokenizer) > wanted.vocab_size:
            room = f"{wanted.vocab_size} tokens and its tokenizer {len(tokenizer)}"
            raise ConfigError(f"{name}: its embedding has {room}; give it the tokenizer's files that belong to it")
        model, missing = loading.weights(HEADS[_head(name, wanted)], name, wanted, None)
    if missing:
        raise ConfigError(f"{name} lacks the weights of {missing[0]}, without which it writes no text; name another")
    return model.to(device).eval(), tokenizer


@contextmanager
def _of_no_setting() -> Iterator[None]:
    """Within this context a refusal names no setting of a recipe: there is none."""
    try:
        yield
    except ConfigError as error:
        reason = re.sub(r"^'[\w.]+': ", "", str(error)).removesuffix(", or null to train one for a new model")
        raise ConfigError(reason) from error


def _head(name: str, wanted: PreTrainedConfig) -> Head:
    head: Head = "text_to_text" if wanted.is_encoder_decoder else "causal_lm"
    try:
        check_kind(head, wanted)
    except ConfigError as error:
        kind = wanted.model_type
        raise ConfigError(f"{name} writes no text, being a {kind}; name a decoder or an encoder-decoder") from error
    return head
