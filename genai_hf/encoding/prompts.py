"""Prompts and their responses as token ids: what is read, what is learned, and what gives way when it is too long.

A prompt is tokenised as it will be when there is no response yet, so that the model is trained on what it is asked
later. Text never becomes a special token, whatever is spelt in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

from genai_hf.data.instruction_files import Example
from genai_hf.data.wording import Part, Wording
from genai_hf.encoding.tokenise import plain
from genai_hf.tokenization.special import end_of_text


@dataclass(frozen=True)
class Encoding:
    """One example as token ids.

    Attributes:
        ids: Of the prompt, the response and what ends it; of a conversation all of it.
        learnt: Which of them the model learns to say.
        prompt: So many of them are read before the (last) response is said.
        dropped: Examples of the prompt that were dropped.
        cut: Whether the task's input was cut, or of a conversation the end.
        said: What the assistant says last in a conversation, which was cut or not; None where the first reference is.
    """

    ids: list[int]
    learnt: list[bool]
    prompt: int
    dropped: int = 0
    cut: bool = False
    said: str | None = None


@dataclass(frozen=True, kw_only=True)
class PromptEncoder:
    """Encodes an instruction with its input and first reference.

    Args:
        tokenizer: The model's.
        wording: Makes the prompt.
        length: Tokens of an example at most, what ends it included.

    Attributes:
        end: The token that ends a response.
    """

    tokenizer: PreTrainedTokenizerFast
    wording: Wording
    length: int
    _plain: Tokenizer = field(init=False, repr=False)
    _opening: list[int] = field(init=False, repr=False)
    end: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_plain", plain(self.tokenizer))
        object.__setattr__(self, "_opening", opening(self.tokenizer))
        object.__setattr__(self, "end", end_of_text(self.tokenizer))

    def __call__(self, example: Example) -> Encoding | None:
        """The example's token ids; None where its response and the rest of its prompt leave its input no room."""
        parts, dropped, cut = self.wording(example.instruction, example.input), 0, False
        prompt, response = self._joined(parts, example.references[0])
        while len(prompt) + len(response) > self.length:
            shown = [place for place, part in enumerate(parts) if part.role == "example"]
            if shown:
                del parts[shown[-1]]
                dropped += 1
            elif (shorter := self._shorter(parts, len(prompt) + len(response) - self.length)) is not None:
                parts, cut = shorter, True
            else:
                return None
            prompt, response = self._joined(parts, example.references[0])
        learnt = [False] * len(prompt) + [True] * len(response)
        return Encoding(prompt + response, learnt, len(prompt), dropped, cut)

    def response(self, example: Example) -> str:
        """What the model is to say, as its tokens spell it."""
        return str(self.tokenizer.decode(self._ids(example.references[0]))).strip()

    def _joined(self, parts: Sequence[Part], response: str) -> tuple[list[int], list[int]]:
        """Ids of the prompt and of the response; a space between them is the response's, as it is within a text."""
        text = "".join(part.text for part in parts)
        asked = text.rstrip(" ")
        said = text[len(asked) :] + response
        prompt, together = self._ids(asked), self._ids(asked + said)
        apart = together[: len(prompt)] != prompt  # a token would reach across
        answer = self._ids(said) if apart else together[len(prompt) :]
        return self._opening + prompt, [*answer, self.end]

    def _shorter(self, parts: Sequence[Part], excess: int) -> list[Part] | None:
        """The parts with so many tokens less at the end of the input; None where nothing would be left of it."""
        place = next(place for place, part in enumerate(parts) if part.role == "input")
        offsets = self._plain.encode(parts[place].text, add_special_tokens=False).offsets
        kept = len(offsets) - excess
        while kept > 0 and offsets[kept - 1][1] > offsets[kept][0]:  # both are of one letter, which is not cut in two
            kept -= 1
        if kept < 1:
            return None
        cut = Part(parts[place].text[: offsets[kept - 1][1]], "input")
        return [*parts[:place], cut, *parts[place + 1 :]]

    def _ids(self, text: str) -> list[int]:
        return list(self._plain.encode(text, add_special_tokens=False).ids)


def opening(tokenizer: PreTrainedTokenizerFast) -> list[int]:
    """What a tokenizer sets before every text, such as Llama's begin of text."""
    framed, bare = tokenizer("a")["input_ids"], tokenizer("a", add_special_tokens=False)["input_ids"]
    return list(framed[: framed.index(bare[0])])
