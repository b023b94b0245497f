"""Virtual tokens: learnt vectors before a text, or before the keys and values of each layer, of a frozen model.

Li and Liang 2021 (prefix tuning, arXiv:2101.00190), Lester et al. 2021 (prompt tuning, arXiv:2104.08691), Liu et al.
2021 (p-tuning, arXiv:2103.10385), all in PEFT. There the vectors of a prompt stay in the model's last states, so that
heads count from the wrong place, and BERT's classifier reads the first of them in place of [CLS]; here they are taken
off.
"""

import warnings
from collections.abc import Callable, Mapping
from functools import partial
from inspect import signature
from typing import Any

from peft import PeftModel, PeftType, TaskType
from peft.config import PromptLearningConfig
from torch import Tensor, nn
from transformers import PreTrainedModel

from genai_hf.errors import ConfigError
from genai_hf.models.bare import bare, prompted
from genai_hf.models.configuration import has_segments, positions
from genai_hf.models.writing import reads_prefix

IN_PROMPT = {PeftType.PROMPT_TUNING, PeftType.P_TUNING}
OTHER_NAMES = {  # fields of PEFT that it cannot find in the configuration of an architecture
    "distilbert": {"token_dim": "dim", "num_attention_heads": "n_heads", "num_layers": "n_layers"}
}


def fit(model: PreTrainedModel, settings: PromptLearningConfig, length: int, *, checkpointing: bool) -> None:
    """Say in the settings what PEFT would not find, and refuse a model that has no room for the vectors.

    Args:
        model: Without an adapter.
        settings: They are changed.
        length: Tokens of a text at most.
        checkpointing: Whether activations are computed again in the backward pass.

    Raises:
        ConfigError: There are fewer positions than vectors and tokens together, or the model has no place for them.
    """
    _require_place(model, settings, checkpointing)
    sizes, fields = model.config.to_dict(), vars(settings)
    for field, name in OTHER_NAMES.get(model.config.model_type, {}).items():
        setattr(settings, field, fields[field] or sizes[name])
    if settings.peft_type == PeftType.PREFIX_TUNING and "d_kv" in sizes:  # a T5's own width of keys and values
        settings.token_dim, settings.num_layers = sizes["num_heads"] * sizes["d_kv"], sizes["num_decoder_layers"]
    if settings.peft_type in IN_PROMPT:
        settings.num_transformer_submodules = 1  # PEFT would draw a T5 vectors for its decoder too, and leave them idle
    room, vectors = positions(model.config), settings.num_virtual_tokens
    if room is not None and length + vectors > room:
        most, half = f"sequence_length={room - vectors}", length // 2  # below it little is left of a text
        remedy = f"say {most}" if room - vectors >= half else "lower peft.num_virtual_tokens"
        problem = f"{vectors} before texts of {length} exceed the model's {room} positions"
        raise ConfigError(f"'peft.num_virtual_tokens': {problem}; {remedy}")


def free_positions(model: nn.Module) -> int | None:
    """How many tokens a model has positions for beside its virtual ones; None where there is no limit.

    Args:
        model: With an adapter or not.
    """
    adapted, room = prompted(model), positions(bare(model).config)
    return room if room is None or adapted is None else room - adapted.active_peft_config.num_virtual_tokens


def reads_pairs(model: nn.Module) -> bool:
    """Whether a model, with an adapter or not, can be told by `token_type_ids` which tokens are of a second text."""
    return has_segments(bare(model).config) and prompted(model) is None


def _require_place(model: PreTrainedModel, settings: PromptLearningConfig, checkpointing: bool) -> None:
    """Refuse what PEFT would crash at, or leave idle without a word."""
    name, remedy = type(model).__name__, "take another, such as peft=lora"
    if name.endswith("ForPreTraining"):
        raise ConfigError(f"'peft': PEFT takes no segments to {name} beside virtual tokens; {remedy}")
    if reads_prefix(model.config):
        raise ConfigError(f"'peft': virtual tokens have no place in the mask of a prefix; {remedy}")
    if settings.peft_type in IN_PROMPT:
        if isinstance(dict(model.base_model.named_children()).get("pooler"), nn.Linear):
            raise ConfigError(f"'peft': the pooler of {name} would read a virtual token in place of [CLS]; {remedy}")
        if model.config.to_dict().get("classifier_pooling") == "mean":
            raise ConfigError(f"'peft': the mean that {name} takes would count virtual tokens; {remedy}")
        return
    if checkpointing:
        off = "trainer.activation_checkpointing=false"
        raise ConfigError(f"'peft': a prefix is lost where activations are computed again; say {off}, or {remedy}")
    if "past_key_values" not in signature(model.base_model.forward).parameters:
        raise ConfigError(f"'peft': the attention of {name} takes no keys and values from before; {remedy}")


def watch(adapted: PeftModel) -> None:
    """Take the vectors off the last states of an adapted model, and refuse what PEFT would leave out of its inputs."""
    settings = adapted.active_peft_config
    if prompted(adapted) is None:
        return
    adapted.register_forward_pre_hook(_refuse, with_kwargs=True)
    adapted.generate = partial(_generate, adapted.generate)  # type: ignore[method-assign]
    base: Any = adapted.get_base_model()
    if settings.peft_type not in IN_PROMPT or base.config.is_encoder_decoder:
        return
    count, trunk = settings.num_virtual_tokens, base.base_model
    for name, part in trunk.named_children():
        if name == "pooler":  # within the trunk
            part.register_forward_pre_hook(lambda _, given: (given[0][:, count:], *given[1:]))

    def taken_off(_: nn.Module, __: Any, given: Mapping[str, Any], output: Any) -> Any:
        if given.get("inputs_embeds") is not None:  # not in the later steps of a generation
            output.last_hidden_state = output.last_hidden_state[:, count:]
        return output

    trunk.register_forward_hook(taken_off, with_kwargs=True)


def _generate(generate: Callable[..., Any], *given: Any, **named: Any) -> Any:
    """Generate; positions are counted on from the cache, and PEFT need not say that it takes none.

    Raises:
        ConfigError: There is padding on the left, from which they would be counted, or PEFT reads a setting wrongly.
    """
    settings = vars(named["generation_config"]) if "generation_config" in named else {}
    for key in ("prefill_chunk_size", "cache_implementation", "prompt_lookup_num_tokens"):
        if settings.get(key) is not None:
            raise ConfigError(f"'generation.{key}': virtual tokens come first, all at once; leave it out")
    if settings.get("use_cache") is False:
        raise ConfigError("'generation.use_cache': virtual tokens are kept in the cache; leave it out")
    if (mask := named.get("attention_mask")) is not None and not bool(mask[:, 0].all()):
        remedy = "say trainer.per_device_eval_batch_size=1, or take another, such as peft=lora"
        raise ConfigError(f"'peft': virtual tokens cannot stand before texts of different lengths; {remedy}")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Position ids are not supported", UserWarning)
        return generate(*given, **named)


def _refuse(adapted: nn.Module, given: tuple[Any, ...], named: dict[str, Any]) -> None:
    """PEFT drops these with a warning.

    Raises:
        ConfigError: One of them is given.
    """
    mask: Tensor | None = named.get("attention_mask")
    kept = isinstance(adapted, PeftModel) and adapted.active_peft_config.task_type == TaskType.SEQ_CLS
    for name, what in (("position_ids", "packed texts"), ("token_type_ids", "segments")):
        if named.get(name) is not None and not (name == "token_type_ids" and kept):
            raise ConfigError(f"'peft': virtual tokens cannot stand before {what}; take another, such as peft=lora")
    if mask is not None and mask.dim() > 2:
        raise ConfigError("'peft': virtual tokens have no place in a mask of one's own; take peft=lora")
