"""What a model writes after a prompt: by its special tokens and the given settings alone.

A checkpoint's habits, such as a `top_p` of its own, are left out, so that a word means the same with every model. A
decoder trained as a prefix language model reads the prompt in both directions first (Raffel et al. 2020,
arXiv:1910.10683, section 3.2.1); what it keeps of it is what the training computes there, layer by layer.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from transformers import GenerationConfig, PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerBase
from transformers.generation import BaseStreamer

from genai_hf.errors import ConfigError
from genai_hf.models.attention import four_dimensional, prefix_mask
from genai_hf.models.bare import bare, prompted, unwrapped

OF_THE_MODEL = ("pad", "bos", "eos", "decoder_start", "forced_bos", "forced_eos")  # ids; all else is given
PREFIX = "prefix_lm"  # key of a decoder's config: whether it reads a prompt in both directions


def note_prefix(configuration: PreTrainedConfig, *, reads: bool) -> None:
    """Note in a model's configuration whether it is trained to read a beginning in both directions."""
    if reads != reads_prefix(configuration):
        configuration.update({PREFIX: reads})


def reads_prefix(configuration: PreTrainedConfig) -> bool:
    """Whether it is noted."""
    return bool(configuration.to_dict().get(PREFIX, False))


def writer(model: nn.Module) -> Any:
    """What to call `generate` of: an adapter of vectors before the text has one of its own."""
    return prompted(model) or bare(model)


@contextmanager
def plain(model: Any, **settings: Any) -> Iterator[GenerationConfig]:
    """Within this context the model has no generation defaults but its ids: `generate` fills in whatever is unset.

    Args:
        model: Wrapped for several processes or with an adapter, or not.
        **settings: Fields of the configuration that is yielded, beside those ids or in their place.
    """
    alone: Any = bare(model)
    own = alone.generation_config
    ids = {f"{name}_token_id": vars(own)[f"{name}_token_id"] for name in OF_THE_MODEL}
    alone.generation_config = GenerationConfig(**ids)
    try:
        yield GenerationConfig(**ids | settings)
    finally:
        alone.generation_config = own


@torch.no_grad()
def write(
    model: nn.Module,
    batch: Mapping[str, Tensor],
    *,
    seed: int = 0,
    streamer: BaseStreamer | None = None,
    tokenizer: PreTrainedTokenizerBase | None = None,
    **settings: Any,
) -> Tensor:
    """Tokens that a model writes after prompts; the model and every random stream are left as they were.

    Args:
        model: Wrapped for several processes or with an adapter, or not.
        batch: `input_ids` and `attention_mask`, int64 (B, T) on its device; a decoder's padding lies on the left.
        seed: Of the samples.
        streamer: Given each token of a single prompt as it comes, where there are no beams.
        tokenizer: Needed where the settings have strings to stop at.
        **settings: Fields of transformers' GenerationConfig.

    Returns:
        int64 (B, at most max_new_tokens), without prompts, padded on the right.
    """
    alone, whole, writes = bare(model), unwrapped(model), writer(model)
    inputs = {name: batch[name] for name in ("input_ids", "attention_mask")}
    width, was_training = inputs["input_ids"].shape[1], whole.training
    whole.eval()
    with (
        plain(alone, **settings) as config,
        _both_ways(alone, width, config),
        torch.random.fork_rng([alone.device] if alone.device.type == "cuda" else []),
    ):
        torch.manual_seed(seed)
        ids: Tensor = writes.generate(**inputs, generation_config=config, streamer=streamer, tokenizer=tokenizer)
    whole.train(was_training)
    return ids[:, 1 if alone.config.is_encoder_decoder else width :]  # a decoder of two begins with a token of its own


@contextmanager
def _both_ways(model: PreTrainedModel, width: int, config: GenerationConfig) -> Iterator[None]:
    """Within this context the first `width` tokens are read under the mask of training, if that was a prefix's."""
    if not reads_prefix(model.config):
        yield
        return
    for key in ("prefill_chunk_size", "cache_implementation", "prompt_lookup_num_tokens"):
        if vars(config)[key] is not None:
            raise ConfigError(
                f"'generation.{key}': this model reads a prompt in both directions, all at once; leave it out"
            )

    def widened(_: nn.Module, given: Any, named: dict[str, Any]) -> tuple[Any, dict[str, Any]] | None:
        ids = named["input_ids"]
        real = named.get("attention_mask", torch.ones_like(ids))
        if ids.shape[1] == 1:  # a token that looks back at all that is kept
            return None
        allowed = prefix_mask(ids.new_full((len(ids),), width), ids.shape[1]) & real.bool()[:, None]
        return given, named | {"attention_mask": four_dimensional(model, allowed)}

    handle = model.register_forward_pre_hook(widened, with_kwargs=True)
    try:
        yield
    finally:
        handle.remove()
