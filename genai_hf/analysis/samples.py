"""What a language model writes after a prompt, before and after training."""

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import Any

from transformers import PreTrainedTokenizerBase

from genai_hf.analysis.before_after import BeforeAndAfter
from genai_hf.encoding.tokens import Tokens
from genai_hf.models import writing


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
                f"{length} tokens of a prompt and {max_new_tokens} new ones exceed the {positions} positions; "
                "lower samples.max_new_tokens"
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


def held_out_samples(
    *,
    tokens: Tokens,
    tokenizer: PreTrainedTokenizerBase,
    positions: int | None,
    texts: int = 5,
    beginning: int = 16,
    max_new_tokens: int = 40,
    temperature: float = 0.7,
    seed: int = 0,
) -> BeforeAndAfter:
    """The same table with the beginnings of held-out documents as prompts.

    Args:
        tokens: Of the documents.
        tokenizer: As all that follow but these two, as of `samples`.
        positions: Of the model.
        texts: So many documents at most, taken evenly from all, at least 0.
        beginning: Tokens of each at most, at least 1.
        max_new_tokens: Tokens written.
        temperature: Of the samples.
        seed: Of the samples.

    Raises:
        ValueError: A value lies outside its range.
    """
    if texts < 0 or beginning < 1:
        raise ValueError(f"texts must be at least 0 and beginning at least 1, got {texts} and {beginning}")
    spans = list(pairwise(tokens.starts.tolist()))
    number = min(texts, len(spans))
    chosen = [spans[place * len(spans) // number] for place in range(number)]
    prompts = [tokenizer.decode(tokens.ids[first : min(first + beginning, last)]) for first, last in chosen]
    return samples(
        tokenizer=tokenizer,
        positions=positions,
        prompts=prompts,
        max_new_tokens=max_new_tokens,
        temperature=temperature,
        seed=seed,
    )


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
    batch = tokenizer(prompt, return_tensors="pt").to(next(model.parameters()).device)
    sampled: dict[str, Any] = {"do_sample": True, "temperature": temperature, "top_k": 0} if temperature else {}
    ends = dict.fromkeys(("eos_token_id", "pad_token_id"), tokenizer.eos_token_id)
    ids = writing.write(model, batch, seed=seed, max_new_tokens=max_new_tokens, **ends, **sampled)
    written: str = tokenizer.decode(ids[0], skip_special_tokens=True)
    return written
