"""Few weights trained in place of all: adapters of PEFT on a pretrained model, with a new head trained beside them.

Where a library would leave out what has to be learnt, or learn what it then does not save, this refuses or mends.
"""

import functools
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import peft
import torch
from peft import PeftConfig, PeftModel
from peft.tuners.lora import LoraLayer
from safetensors import SafetensorError
from torch import nn
from transformers import AutoConfig, PreTrainedModel

from genai_hf.errors import ConfigError
from genai_hf.models.bare import bare
from genai_hf.models.fresh import fresh

Adapted: TypeAlias = PreTrainedModel | PeftModel

METHODS = {"lora": peft.LoraConfig, "ia3": peft.IA3Config}
TASKS = {  # by the end of the class's name
    "ForSequenceClassification": peft.TaskType.SEQ_CLS,
    "ForConditionalGeneration": peft.TaskType.SEQ_2_SEQ_LM,
    "ForCausalLM": peft.TaskType.CAUSAL_LM,
    "LMHeadModel": peft.TaskType.CAUSAL_LM,
}


def adapter(*, method: str | None = None, **fields: Any) -> PeftConfig | None:
    """The settings of an adapter; None where every weight is trained.

    Args:
        method: One of `METHODS`, or None.
        **fields: Of its configuration in PEFT.

    Raises:
        ConfigError: PEFT refuses a value.
    """
    if method is None:
        return None
    try:
        found: PeftConfig = METHODS[method](**fields)
    except (ValueError, TypeError) as error:
        raise ConfigError(f"'peft': {str(error).partition(chr(10))[0]}") from error
    return found


def adapt(model: PreTrainedModel, settings: PeftConfig | None) -> Adapted:
    """Freeze a model, and give it an adapter; what is new in it is trained as a whole and saved with the adapter.

    Args:
        model: As it was loaded; it is changed.
        settings: As `adapter` gives them.

    Raises:
        ConfigError: The model is untrained, nothing of it is what the adapter looks for, or something of it is new that
            the adapter would leave as it was drawn.
    """
    if settings is None:
        return model
    if not model.name_or_path:
        remedy = "say model=pretrained model.name=…"
        raise ConfigError(f"'peft': an adapter is for pretrained weights, and these are new; {remedy}")
    settings.task_type = next(
        (task for end, task in TASKS.items() if type(model).__name__.endswith(end)), peft.TaskType.FEATURE_EXTRACTION
    )
    modules, tokens = fresh(model)
    _require_trainable(model, modules)
    settings.modules_to_save = sorted({*(settings.modules_to_save or ()), *modules}) or None
    if tokens:
        _train_tokens(settings, tokens)
    try:
        with _of_no_concern():
            adapted = peft.get_peft_model(model, settings)
    except ValueError as error:
        reason = str(error).partition("\n")[0]
        raise ConfigError(f"'peft': {type(model).__name__} cannot have it ({reason})") from error
    if Path(model.name_or_path).is_dir():  # found from any folder
        adapted.active_peft_config.base_model_name_or_path = str(Path(model.name_or_path).resolve())
    # Where the vocabulary has grown PEFT would save all of the embedding, and ask the Hub whether it has.
    save = functools.partial(adapted.save_pretrained, save_embedding_layers=False)
    adapted.save_pretrained = save  # type: ignore[method-assign]
    return adapted


@contextmanager
def _of_no_concern() -> Iterator[None]:
    """Within this context PEFT does not warn of what it mends itself, or asks transformers by an old name."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
        warnings.filterwarnings("ignore", "fan_in_fan_out is set to False", UserWarning)
        yield


def _require_trainable(model: PreTrainedModel, modules: Sequence[str]) -> None:
    """Refuse new weights that are the embedding's too: a copy to train would be tied to nothing."""
    tied = {id(weight) for part in (model.get_input_embeddings(),) for weight in part.parameters()}
    for name in modules:
        if any(id(weight) in tied for weight in model.get_submodule(name).parameters()):
            raise ConfigError(
                f"'peft': {model.name_or_path} lacks the weights of {name}, which are tied to its embedding and would "
                "stay as they were drawn; train it without peft first, or begin with a checkpoint that has them"
            )


def _train_tokens(settings: PeftConfig, tokens: Sequence[int]) -> None:
    if "trainable_token_indices" not in vars(settings):
        raise ConfigError(f"'peft': {settings.peft_type} cannot learn the new tokens; take peft=lora")
    settings.trainable_token_indices = list(tokens)


def counted(model: nn.Module) -> dict[str, int]:
    """Weights of an adapted model.

    Returns:
        ``all``; ``trained``, and of these those of modules that are trained as a whole (``heads``) and of new tokens
        (``tokens``); of LoRA the ``matrices`` that have an update, and the ``closed form`` of its weights.

    LoRA's count is r (d + k) for each matrix of d x k, Hu et al. 2021, section 4.2; DoRA has d magnitudes besides.
    """
    alone = bare(model)
    whole = sum(weight.numel() for weight in model.parameters())
    trained = sum(weight.numel() for weight in model.parameters() if weight.requires_grad)
    heads = sum(weight.numel() for name, weight in model.named_parameters() if ".modules_to_save." in name)
    tokens = sum(weight.numel() for name, weight in model.named_parameters() if "trainable_tokens_delta" in name)
    layers = [layer for layer in alone.modules() if isinstance(layer, LoraLayer)]
    closed = sum(_weights(layer) for layer in layers)
    return {
        "all": whole,
        "trained": trained,
        "heads": heads,
        "tokens": tokens,
        "matrices": len(layers),
        "closed form": closed,
    }


def _weights(layer: LoraLayer) -> int:
    """Of one matrix's update."""
    rows, columns = int(layer.out_features or 0), int(layer.in_features or 0)
    return sum(rank * (rows + columns) + int(layer.use_dora[name]) * rows for name, rank in layer.r.items())


def read(folder: Path, kind: Any) -> PreTrainedModel:
    """The model in a folder that holds an adapter only, with the adapter's update in its weights: see `beside`."""
    merged: PreTrainedModel = beside(folder, kind).merge_and_unload()
    return merged


def beside(folder: Path, kind: Any) -> PeftModel:
    """The base of the adapter in a folder, with the adapter.

    Args:
        folder: With the adapter's files, and the model's own ``config.json``.
        kind: Which of transformers' auto classes it is of.

    Raises:
        ConfigError: The base is not where it was.
    """
    settings = PeftConfig.from_pretrained(str(folder))
    name, wanted = str(settings.base_model_name_or_path), AutoConfig.from_pretrained(folder)
    rows = wanted.vocab_size
    try:
        wanted.vocab_size = AutoConfig.from_pretrained(name, revision=settings.revision).vocab_size
        fixed = {"use_safetensors": True, "dtype": torch.float32, "ignore_mismatched_sizes": True}
        base = kind.from_pretrained(name, config=wanted, revision=settings.revision, **fixed)
    except (OSError, SafetensorError) as error:
        raise ConfigError(f"{folder} is an adapter of {name}, which cannot be read; bring it back there") from error
    if rows != base.config.vocab_size:
        base.resize_token_embeddings(rows, mean_resizing=False)
    with _of_no_concern():
        return PeftModel.from_pretrained(base, str(folder))
