"""What a text-to-text model writes where spans of a text are hidden, before and after training."""

import re
from collections.abc import Sequence

from torch import nn
from transformers import PreTrainedTokenizerBase

from genai_hf.analysis.before_after import BeforeAndAfter
from genai_hf.collators.sentinels import sentinels
from genai_hf.models.bare import bare
from genai_hf.models.writing import write

HIDDEN = re.compile(r"\{([^{}]*)\}")  # a span that is hidden stands in braces


def fill_spans(*, tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], max_new_tokens: int = 40) -> BeforeAndAfter:
    """A table for the run's report: each text, and what the model writes for its hidden spans, before and after.

    Args:
        tokenizer: With sentinels.
        texts: Each with one span or more in braces, such as ``Thank you {for inviting} me``.
        max_new_tokens: Tokens that the model writes for a text at most, sentinels included, at least 1.

    Raises:
        ValueError: A text has no span, or more than there are sentinels; or `max_new_tokens` is below 1.
    """
    for text in texts:
        if not HIDDEN.search(text):
            raise ValueError(f"each text needs a span in braces, got {text!r}")
        if len(HIDDEN.findall(text)) > len(sentinels(tokenizer)):
            raise ValueError(f"the tokenizer has fewer sentinels than there are spans in braces in {text!r}")
    if max_new_tokens < 1:
        raise ValueError(f"max_new_tokens must be at least 1, got {max_new_tokens}")
    return BeforeAndAfter(
        title="Fill in the spans",
        heading="text",
        texts=texts,
        answer=lambda model: [" | ".join(fill(model, tokenizer, text, max_new_tokens)) for text in texts],
        note="What the model writes for the spans in braces, by the most probable tokens; nothing where it names none.",
    )


def fill(model: nn.Module, tokenizer: PreTrainedTokenizerBase, text: str, max_new_tokens: int) -> list[str]:
    """What the model writes for each span in braces of `text`, by greedy search; empty where it names no such span."""
    names = iter(tokenizer.convert_ids_to_tokens(sentinels(tokenizer).tolist()))
    batch = tokenizer(HIDDEN.sub(lambda _: next(names), text), return_tensors="pt").to(bare(model).device)
    written = write(model, batch, max_new_tokens=max_new_tokens)
    return spans(written[0].tolist(), tokenizer, len(HIDDEN.findall(text)))


def spans(written: Sequence[int], tokenizer: PreTrainedTokenizerBase, number: int) -> list[str]:
    """The text behind each of the first `number` sentinels in `written`, up to the next sentinel or the end of text."""
    places = {token: place for place, token in enumerate(sentinels(tokenizer).tolist())}
    found: dict[int, list[int]] = {}
    newest: list[int] | None = None
    for token in written:
        if token == tokenizer.eos_token_id:
            break
        if token in places:
            newest = found.setdefault(places[token], [])
        elif newest is not None:
            newest.append(token)
    return [tokenizer.decode(found.get(place, []), skip_special_tokens=True).strip() for place in range(number)]
