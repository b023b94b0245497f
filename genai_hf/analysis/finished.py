"""The model that a finished run left, to be asked."""

from pathlib import Path
from typing import Any

from peft.utils import CONFIG_NAME as ADAPTER
from safetensors import SafetensorError
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from genai_hf import tokenization
from genai_hf.errors import ConfigError
from genai_hf.models import adapters
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
        return adapters.read(folder, kind).eval(), tokenization.load(str(folder))
    try:
        model: PreTrainedModel = kind.from_pretrained(folder, use_safetensors=True)
    except (OSError, SafetensorError) as error:
        raise ConfigError(f"{folder} cannot be read ({str(error).splitlines()[0]}); run it again") from error
    return model.eval(), tokenization.load(str(folder))
