"""A tokenizer's chat template is a program of somebody else's: it is run in a sandbox, for a while, to a length."""

from collections.abc import Mapping, Sequence
from typing import Any

from genai_hf.errors import ConfigError
from genai_hf.rendering import RENDERER

MOST_LETTERS, TIMES = 100_000, 20  # of a text: so many, and so many times those of its messages
ENDLESS = "the tokenizer's chat template takes more time or memory than any needs; take another tokenizer"


def rendered(tokenizer: Any, messages: Sequence[Mapping[str, str]], *, prompt: bool = False) -> tuple[str, list[slice]]:
    """What a tokenizer's template makes of a conversation, and which parts it marks as the assistant's.

    Args:
        tokenizer: With a template.
        messages: Each with `role` and `content`.
        prompt: Whether the beginning of an answer follows.

    Raises:
        ConfigError: The template refuses the conversation, cannot be read, does not end, or writes without measure.
    """
    given = {**tokenizer.special_tokens_map, "messages": list(map(dict, messages)), "add_generation_prompt": prompt}
    given |= {"tools": None, "documents": None}
    letters = sum(len(message["content"]) for message in messages)
    found = RENDERER(tokenizer.get_chat_template(), MOST_LETTERS + TIMES * letters, given)
    if found is None:
        raise ConfigError(ENDLESS)
    if "refused" in found:
        said = f"the tokenizer's chat template takes no such conversation ({found['refused']})"
        raise ConfigError(f"{said}; change it, or the tokenizer")
    if "letters" in found:
        raise ConfigError(
            f"the tokenizer's chat template makes {found['letters']:,} letters of {letters:,}; take another tokenizer"
        )
    return found["text"], [slice(*place) for place in found["marked"]]
