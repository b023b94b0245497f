"""A text said while its tokens come."""

import re
from collections.abc import Callable, Sequence
from typing import TypeAlias

from torch import Tensor
from transformers.generation import BaseStreamer

LAST_WORD = re.compile(
    r"\s*[!-~\ufffd]*$"
)  # the next token may be a part of it, or bring the bytes that a letter lacks

Say: TypeAlias = Callable[[str], object]


class Streamer(BaseStreamer):
    """Says all of a text but its last word, and that one at the end.

    Args:
        decode: Makes text of all tokens so far.
        say: Called with each piece; together they are the text as it is decoded at once.
    """

    def __init__(self, decode: Callable[[Sequence[int]], str], say: Say) -> None:
        self.decode, self.say = decode, say
        self.ids: list[int] | None = None
        self.said = 0

    def put(self, value: Tensor) -> None:
        """Take the prompt first, or what a decoder begins with, then a token at a time."""
        if self.ids is None:
            self.ids = []
            return
        self.ids += value.tolist()
        self._say(LAST_WORD.sub("", self.decode(self.ids)))

    def end(self) -> None:
        """Say the last word."""
        self._say(self.decode(self.ids or []))

    def _say(self, text: str) -> None:
        if len(text) > self.said:
            self.say(text[self.said :])
            self.said = len(text)
