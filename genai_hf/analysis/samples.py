"""What a language model writes after a prompt, before and after training."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from transformers import GenerationConfig, PreTrainedTokenizerBase

from genai_hf.analysis.before_after import BeforeAndAfter


def samples(
    *,
    tokenizer: PreTrainedTokenizerBase,
    positions: int | None,
    prompts: Sequence[str],
    max_new_tokens: int = 40,
    temperature: float = 0.7,
    seed: int = 0,
) -> BeforeAndAfter:
    """A table for the run's report: each prompt, how the model went on before training, and after.

    Args:
        tokenizer: The model's.
        positions: Tokens that the model has room for, prompt and all; None is no limit.
        prompts: Texts to go on from.
        max_new_tokens: Tokens written at most, at least 1.
        temperature: Of the distribution that is sampled from, above 0; 0 always takes the most probable token.
        seed: Of the samples.

    Raises:
        ValueError: A value lies outside its range, or a prompt is empty or leaves no room to go on.
    """
    if max_new_tokens < 1:
        raise ValueError(f"max_new_tokens must be at least 1, got {max_new_tokens}")
    if temperature < 0:
        raise ValueError(f"temperature must not be negative, got {temperature}")
    for prompt in prompts:
        length = len(tokenizer(prompt)["input_ids"])
        if not length:
            raise ValueError(f"a prompt must hold a token, got {prompt!r}")
        if positions is not None and length + max_new_tokens > positions:
            raise ValueError(
                f"{length} tokens of a prompt and {max_new_tokens} new ones exceed the {positions} positions"
            )
    go_on = partial(write, tokenizer=tokenizer, max_new_tokens=max_new_tokens, temperature=temperature)
    said = f"sampled at a temperature of {temperature:g}" if temperature else "each the most probable"
    return BeforeAndAfter(
        title="What it writes",
        heading="prompt",
        texts=prompts,
        answer=lambda model: [go_on(model, prompt, seed=seed + place) for place, prompt in enumerate(prompts)],
        note=f"The next {max_new_tokens} tokens at most, {said}.",
    )


@torch.no_grad()
def write(
    model: Any,
    prompt: str,
    *,
    tokenizer: PreTrainedTokenizerBase,
    max_new_tokens: int,
    temperature: float,
    seed: int,
) -> str:
    """How `model` goes on from `prompt`, up to its end of text; no other random stream moves by it."""
    device = next(model.parameters()).device
    batch = tokenizer(prompt, return_tensors="pt").to(device)
    sampled: dict[str, Any] = {"do_sample": True, "temperature": temperature, "top_k": 0} if temperature else {}
    end = tokenizer.eos_token_id
    habits, was_training = model.generation_config, model.training  # the checkpoint's, such as top_p, are left out
    model.generation_config = GenerationConfig(eos_token_id=end, pad_token_id=end, **sampled)
    model.eval()
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        ids = model.generate(
            input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], max_new_tokens=max_new_tokens
        )
    model.generation_config = habits
    model.train(was_training)
    written: str = tokenizer.decode(ids[0, batch["input_ids"].shape[1] :], skip_special_tokens=True)
    return written
