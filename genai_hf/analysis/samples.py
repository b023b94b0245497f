"""What a language model writes after a prompt, before and after training."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from transformers import PreTrainedTokenizerBase

from genai_hf.analysis.before_after import BeforeAndAfter


def samples(
    *,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[str],
    max_new_tokens: int = 40,
    temperature: float = 0.7,
    seed: int = 0,
) -> BeforeAndAfter:
    """A table for the run's report: each prompt, how the model went on before training, and after.

    Args:
        tokenizer: The model's.
        prompts: Texts to go on from.
        max_new_tokens: Tokens written at most, at least 1.
        temperature: Of the distribution that is sampled from, above 0; 0 always takes the most probable token.
        seed: Of the samples.

    Raises:
        ValueError: A value lies outside its range, or a prompt is empty.
    """
    if max_new_tokens < 1:
        raise ValueError(f"max_new_tokens must be at least 1, got {max_new_tokens}")
    if temperature < 0:
        raise ValueError(f"temperature must not be negative, got {temperature}")
    for prompt in prompts:
        if not tokenizer(prompt)["input_ids"]:
            raise ValueError(f"a prompt must hold a token, got {prompt!r}")
    go_on = partial(write, tokenizer=tokenizer, max_new_tokens=max_new_tokens, temperature=temperature, seed=seed)
    said = f"sampled at a temperature of {temperature:g}" if temperature else "each the most probable"
    return BeforeAndAfter(
        title="What it writes",
        heading="prompt",
        texts=prompts,
        answer=lambda model: [go_on(model, prompt) for prompt in prompts],
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
    sampled = {"do_sample": True, "temperature": temperature, "top_k": 0} if temperature else {"do_sample": False}
    was_training = model.training
    model.eval()
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        ids = model.generate(
            input_ids=batch["input_ids"],
            attention_mask=batch["attention_mask"],
            max_new_tokens=max_new_tokens,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.eos_token_id,
            **sampled,
        )
    model.train(was_training)
    written: str = tokenizer.decode(ids[0, batch["input_ids"].shape[1] :], skip_special_tokens=True)
    return written
