"""A tokenizer's chat template is a program of somebody else's: it is run in a sandbox, for a while, to a length."""

import functools
from collections.abc import Mapping, Sequence
from typing import Any

from jinja2 import Template, TemplateError
from jinja2.filters import do_round
from transformers.utils.chat_template_utils import _compile_jinja_template

from genai_hf import bounds
from genai_hf.errors import ConfigError

MOST_LETTERS, TIMES = 100_000, 20  # of a text: so many, and so many times those of its messages
FINEST = 99  # digits to which a template may round
ENDLESS = "the tokenizer's chat template takes more time or memory than any needs; take another tokenizer"
FAULTS = (TemplateError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


def rendered(tokenizer: Any, messages: Sequence[Mapping[str, str]], *, prompt: bool = False) -> tuple[str, list[slice]]:
    """What a tokenizer's template makes of a conversation, and which parts it marks as the assistant's.

    Args:
        tokenizer: With a template.
        messages: Each with `role` and `content`.
        prompt: Whether the beginning of an answer follows.

    Raises:
        ConfigError: The template refuses the conversation, cannot be read, does not end, or writes without measure.
    """
    given = {"messages": [dict(message) for message in messages], "add_generation_prompt": prompt}
    blocks, marked = list[str](), list[tuple[int, int]]()
    try:
        with bounds.bounded(ConfigError(ENDLESS)):
            template = compiled(tokenizer.get_chat_template())
            with template.environment.activate_tracker(blocks, marked):  # type: ignore[attr-defined]
                blocks += template.generate(**tokenizer.special_tokens_map, tools=None, documents=None, **given)
    except ConfigError:
        raise
    except FAULTS as error:
        said = str(error).strip().partition("\n")[0] or type(error).__name__
        raise ConfigError(
            f"the tokenizer's chat template takes no such conversation ({said[:200]}); change it, or the tokenizer"
        ) from error
    text, letters = "".join(blocks), sum(len(message["content"]) for message in messages)
    if len(text) > MOST_LETTERS + TIMES * letters:
        raise ConfigError(
            f"the tokenizer's chat template makes {len(text):,} letters of {letters:,}; take another tokenizer"
        )
    return text, [slice(*place) for place in marked]


@functools.lru_cache
def compiled(source: str) -> Template:
    """The template in transformers' sandbox, without operations that no clock interrupts."""
    environment: Any = _compile_jinja_template("{# the sandbox #}").environment
    environment.intercepted_binops = frozenset({"*", "**"})
    environment.binop_table |= {"*": bounds.product, "**": bounds.power}
    environment.filters["round"] = _rounded
    template: Template = environment.from_string(source)
    return template


def _rounded(value: Any, precision: int = 0, method: Any = "common") -> float:
    return do_round(value, max(-FINEST, min(precision, FINEST)), method)
