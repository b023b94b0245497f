"""Few weights trained in place of all: adapters of PEFT on a pretrained model, with a new head trained beside them.

Where a library would leave out what has to be learnt, or learn what it then does not save, this refuses or mends.
"""

import functools
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import peft
from peft import PeftConfig, PeftModel
from peft.config import PromptLearningConfig
from transformers import PreTrainedModel

from genai_hf.errors import ConfigError
from genai_hf.models import bottleneck, virtual
from genai_hf.models.fresh import fresh
from genai_hf.ranks import say
from genai_hf.settings.limits import check_range
from genai_hf.settings.names import FROM_DATA

Adapted: TypeAlias = PreTrainedModel | PeftModel


# By the word after peft=: the class of its settings.
METHODS: dict[str, type[PeftConfig]] = {
    "lora": peft.LoraConfig,
    "ia3": peft.IA3Config,
    "prefix": peft.PrefixTuningConfig,
    "prompt": peft.PromptTuningConfig,
    "p_tuning": peft.PromptEncoderConfig,
    "bottleneck": bottleneck.BottleneckConfig,
}
TASKS = {  # by the end of the class's name
    "ForSequenceClassification": peft.TaskType.SEQ_CLS,
    "ForConditionalGeneration": peft.TaskType.SEQ_2_SEQ_LM,
    "ForCausalLM": peft.TaskType.CAUSAL_LM,
    "LMHeadModel": peft.TaskType.CAUSAL_LM,
}


# By method and architecture, where PEFT has no default: what learns, as it has it for others.
TARGETS: dict[tuple[type[PeftConfig], str], dict[str, list[str]]] = {
    (peft.LoraConfig, "distilbert"): {"target_modules": ["q_lin", "v_lin"]},
    (peft.LoraConfig, "modernbert"): {"target_modules": ["Wqkv"]},
    (peft.LoraConfig, "mpnet"): {"target_modules": ["attn.q", "attn.v"]},
    (peft.LoraConfig, "openai-gpt"): {"target_modules": ["c_attn"]},
    (peft.IA3Config, "distilbert"): {
        "target_modules": ["k_lin", "v_lin", "ffn.lin2"],
        "feedforward_modules": ["ffn.lin2"],
    },
    (peft.IA3Config, "modernbert"): {"target_modules": ["Wqkv", "mlp.Wo"], "feedforward_modules": ["mlp.Wo"]},
}


@dataclass(frozen=True, kw_only=True)
class Adapter:
    """What is trained in place of all weights.

    Args:
        settings: The adapter's.
        length: Tokens of a text at most.
        checkpointing: Whether activations are computed again in the backward pass.
    """

    settings: PeftConfig
    length: int
    checkpointing: bool


def adapter(*, length: int, checkpointing: bool, method: str | None = None, **fields: Any) -> Adapter | None:
    """What is trained in place of all weights; None where every weight is trained.

    Args:
        length: As `Adapter` has it.
        checkpointing: Likewise.
        method: One of `METHODS`, or None.
        **fields: Of its configuration in PEFT.

    Raises:
        ConfigError: PEFT refuses a value.
    """
    if method is None:
        return None
    for key, value in fields.items():
        check_range(f"peft.{key}", value)
    if fields.get("init_lora_weights") in FROM_DATA:
        raise ConfigError("'peft.init_lora_weights': this one is made from data, which nobody gives; take another")
    try:
        settings = METHODS[method](**fields)
    except (ValueError, TypeError) as error:
        raise ConfigError(f"'peft': {str(error).partition(chr(10))[0]}") from error
    return Adapter(settings=settings, length=length, checkpointing=checkpointing)


def adapt(model: PreTrainedModel, wanted: Adapter | None) -> Adapted:
    """Freeze a model, and give it an adapter; what is new in it is trained as a whole and saved with the adapter.

    Args:
        model: As it was loaded; it is changed.
        wanted: As `adapter` gives it.

    Raises:
        ConfigError: The model is untrained, nothing of it is what the adapter looks for, something of it is new that
            the adapter would leave as it was drawn, or the two are known not to work together.
    """
    if wanted is None:
        return model
    settings = wanted.settings
    if not model.name_or_path:
        remedy = "say model=pretrained model.name=…"
        raise ConfigError(f"'peft': an adapter is for pretrained weights, and these are new; {remedy}")
    settings.revision = vars(model.config).get("_commit_hash")  # of the Hub: what this name stood for
    settings.task_type = next(
        (task for end, task in TASKS.items() if type(model).__name__.endswith(end)), peft.TaskType.FEATURE_EXTRACTION
    )
    modules, tokens = fresh(model)
    _require_trainable(model, modules)
    if vars(model).get("is_loaded_in_8bit") and vars(settings).get("use_dora"):
        remedy = "take quantization=nf4, or peft=lora"
        raise ConfigError(f"'peft': DoRA needs weights that can be read back, and int8's cannot; {remedy}")
    if isinstance(settings, PromptLearningConfig):
        virtual.fit(model, settings, wanted.length, checkpointing=wanted.checkpointing)
        modules = [f"base_model.{name}" for name in modules]  # or else PEFT takes parts of its own of the same name
    if isinstance(settings, bottleneck.BottleneckConfig) and settings.layer_norms:
        modules += bottleneck.layer_norms(model, modules)
    settings.modules_to_save = sorted({*(settings.modules_to_save or ()), *modules}) or None
    _name_targets(model, settings)
    if tokens:
        _train_tokens(settings, tokens)
    try:
        with of_no_concern():
            adapted = peft.get_peft_model(model, settings)
    except (ValueError, TypeError) as error:
        reason = str(error).partition("\n")[0].removesuffix(". Please check the target modules and try again.")
        if re.search(r"target.modules", reason.lower()):
            reason += f"; peft.target_modules=… of {', '.join(_layers(model))}"
        raise ConfigError(f"'peft': {type(model).__name__} cannot have it ({reason})") from error
    virtual.watch(adapted)
    if Path(model.name_or_path).is_dir():  # found from any folder
        adapted.active_peft_config.base_model_name_or_path = str(Path(model.name_or_path).resolve())
    # Where the vocabulary has grown PEFT would save all of the embedding, and ask the Hub whether it has.
    save = functools.partial(adapted.save_pretrained, save_embedding_layers=False)
    adapted.save_pretrained = save  # type: ignore[method-assign]
    return adapted


@contextmanager
def of_no_concern() -> Iterator[None]:
    """Within this context PEFT does not warn of what it mends itself, or asks transformers by an old name."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
        warnings.filterwarnings("ignore", "fan_in_fan_out is set to False", UserWarning)
        warnings.filterwarnings(
            "ignore", "Input and output embeddings are no longer tied", UserWarning
        )  # T5 1.1: never
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


def _layers(model: PreTrainedModel) -> list[str]:
    """Last parts of the names of what has a matrix, each once."""
    found = [name for name, part in model.named_modules() if vars(part)["_parameters"].get("weight") is not None]
    return sorted({name.rpartition(".")[2] for name in found})


def _name_targets(model: PreTrainedModel, settings: PeftConfig) -> None:
    """Say what the adapter is for where PEFT does not know the architecture, and what it is not for."""
    architecture: str = model.config.model_type
    fields: Any = vars(settings)
    if fields.get("target_modules") == "all-linear":  # also those that are trained as a whole
        fields["exclude_modules"] = settings.modules_to_save
    names = TARGETS.get((type(settings), architecture), {})
    if names and fields["target_modules"] is None:
        say(f"peft: PEFT has no default for {architecture}; taken: {', '.join(names['target_modules'])}")
        fields.update(names)


def _train_tokens(settings: PeftConfig, tokens: Sequence[int]) -> None:
    if "trainable_token_indices" not in vars(settings):
        raise ConfigError(f"'peft': {settings.peft_type} cannot learn the new tokens; take peft=lora")
    settings.trainable_token_indices = list(tokens)
