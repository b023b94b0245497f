"""Conversations as token ids, by the tokenizer's chat template; only what the assistant says is learned.

Where its turns lie the template says by its generation markers; where it has none, a turn is what the conversation up
to it has more than the same one with the turn about to be spoken. Both are checked: a template that rewrites what came
before (as some do with thoughts) would otherwise train on what nobody said.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

from transformers import PreTrainedTokenizerFast

from genai_hf.data.instruction_files import Example, Message
from genai_hf.encoding.prompts import Encoding
from genai_hf.encoding.templates import rendered
from genai_hf.errors import ConfigError, DataError

MARKERS = re.compile(r"\{%-?\s*generation\s*-?%\}")


@dataclass(frozen=True, kw_only=True)
class ChatEncoder:
    """Encodes a conversation.

    Args:
        tokenizer: The model's, with a chat template.
        length: Tokens of a conversation at most; what is longer loses whole turns from its end.

    Raises:
        ConfigError: It has no template, or one that ends no turn with a special token.
    """

    tokenizer: PreTrainedTokenizerFast
    length: int
    end: int = field(init=False, repr=False)
    _special: dict[int, str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not self.tokenizer.chat_template:
            raise ConfigError("'data': the tokenizer has no chat template; take an instruct model's (tokenizer.name=…)")
        added = self.tokenizer.added_tokens_decoder.items()
        object.__setattr__(self, "_special", {number: str(token) for number, token in added if token.special})
        object.__setattr__(self, "end", self._ending())

    def _ending(self) -> int:
        """The special token that ends a turn of the assistant."""
        ids = self._ids([{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}])
        last = max((place for place, token in enumerate(ids) if token in self._special), default=0)
        if not self._spelt(ids[:last]).lower().endswith("b"):
            wrong = "its chat template ends no turn with a special token, so nothing would stop"
            raise ConfigError(f"'tokenizer': {wrong}; write {{{{ eos_token }}}} behind the assistant's content in it")
        return ids[last]

    def __call__(self, example: Example) -> Encoding | None:
        """The conversation's token ids; None where not even its first answer has room."""
        self._require_no_special(example)
        ids, turns = self._turns(example)
        fitting = [turn for turn in turns if turn[1] <= self.length]
        if not fitting:
            return None
        learnt = [False] * len(ids)
        for first, end in fitting:
            learnt[first:end] = [True] * (end - first)
        end = fitting[-1][1]  # nothing behind the last answer is of use
        answers = [message["content"].strip() for message in example.messages if message["role"] == "assistant"]
        said, cut = answers[len(fitting) - 1], len(fitting) < len(turns)
        return Encoding(ids[:end], learnt[:end], fitting[-1][0], cut=cut, said=said)

    def response(self, example: Example) -> str:
        """What the assistant says in the end, as its tokens spell it."""
        return self._spelt(self._alone(example.references[0]))

    def _turns(self, example: Example) -> tuple[list[int], list[tuple[int, int]]]:
        """All ids, and where the assistant's turns begin and end, what ends them included."""
        try:
            return self._found(example)
        except ConfigError as error:  # the template's
            raise DataError(f"{example.place}: {error}") from error

    def _found(self, example: Example) -> tuple[list[int], list[tuple[int, int]]]:
        messages = [*example.messages]
        spoken = [number for number, message in enumerate(messages) if message["role"] == "assistant"]
        ids = self._ids(messages)
        marked = MARKERS.search(str(self.tokenizer.chat_template))
        found = self._marked(messages) if marked else [self._difference(messages, number, ids) for number in spoken]
        turns = list[tuple[int, int]]()
        for number, place in zip(spoken, found, strict=False):
            turn = place and self._checked(ids, place, messages[number]["content"])
            if not turn or len(found) != len(spoken):
                raise DataError(
                    f"{example.place}: the chat template changes what the assistant says in message {number + 1}, or "
                    "what comes before it; leave the row out, or take another tokenizer"
                )
            turns.append(turn)
        self._require_whole(example)
        return ids, turns

    def _marked(self, messages: Sequence[Message]) -> list[tuple[int, int] | None]:
        """The runs of tokens that the template marks."""
        text, marked = rendered(self.tokenizer, messages)
        offsets = self.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
        ends = [end for _, end in offsets]
        return [(bisect_right(ends, part.start), bisect_left(ends, part.stop) + 1) for part in marked]

    def _difference(self, messages: Sequence[Message], number: int, ids: Sequence[int]) -> tuple[int, int] | None:
        """Where a turn lies; None where either rendering is no beginning of the whole one."""
        before = self._ids(messages[:number], prompt=True)
        through = self._ids(messages[: number + 1])
        is_beginning = ids[: len(before)] == before and ids[: len(through)] == through
        return (len(before), len(through)) if is_beginning else None

    def _checked(self, ids: Sequence[int], place: tuple[int, int], content: str) -> tuple[int, int] | None:
        """The turn up to the token that ends it; None where that is not what was said."""
        first, end = place
        closing = next((spot for spot in range(end - 1, first, -1) if ids[spot] == self.end), None)
        if closing is None and end < len(ids) and ids[end] == self.end:
            closing = end  # the markers leave it out
        if closing is None or self._spelt(ids[first:closing]) != self._spelt(self._alone(content)):
            return None
        return first, closing + 1

    def _require_whole(self, example: Example) -> None:
        """Refuse a template that leaves out a message, or moves it: an answer would be learnt to something else."""
        text, at = rendered(self.tokenizer, example.messages)[0], 0
        for number, message in enumerate(example.messages, 1):
            content = message["content"].strip()
            found = text.find(content, at)
            if found < 0:
                said = f"the chat template leaves out, moves or rewrites message {number}"
                raise DataError(f"{example.place}: {said}; leave the row out, or take another tokenizer")
            at = found + len(content)

    def _require_no_special(self, example: Example) -> None:
        for message in example.messages:
            for token in self._special.values():
                if token in message["content"]:
                    raise DataError(f"{example.place}: holds the special token {token}; take it out")

    def _spelt(self, ids: Sequence[int]) -> str:
        return str(self.tokenizer.decode(ids)).strip()

    def _alone(self, text: str) -> list[int]:
        return list(self.tokenizer(text.strip(), add_special_tokens=False)["input_ids"])

    def _ids(self, messages: Sequence[Message], *, prompt: bool = False) -> list[int]:
        text, _ = rendered(self.tokenizer, messages, prompt=prompt)
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])
