"""Texts as a decoder's input: the four transformations of GPT's fine-tuning.

Radford et al. 2018, "Improving Language Understanding by Generative Pre-Training", section 3.3 and figure 1:

- classification: ``[START] text [EXTRACT]``
- entailment: ``[START] first [DELIM] second [EXTRACT]``
- similarity: both orders of a pair, as two sequences
- multiple choice: ``[START] context [DELIM] choice [EXTRACT]`` for each choice, whose number may vary by row

What is too long loses tokens from the end of the longer text, never one of the three. No text holds one of them: what
is spelt like it is read as letters.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from transformers import PreTrainedTokenizerFast

from genai_hf.data.splits import Split
from genai_hf.data.task import Task
from genai_hf.encoding.encoded import BATCH, longest_first
from genai_hf.tokenization.marks import Marks

Transformation: TypeAlias = Literal["classification", "entailment", "similarity", "multiple_choice"]
SHORTEST = 8  # tokens of a sequence: three special ones, and something of two texts


def transformation_of(task: Task, asked: Literal["auto"] | Transformation = "auto") -> Transformation:
    """Which transformation a task takes: by its texts, unless another one that suits them is asked for.

    Raises:
        ValueError: What is asked for does not suit the task.
    """
    suited: tuple[Transformation, ...] = ("classification",)
    if task.choices is not None:
        suited = ("multiple_choice",)
    elif task.text_pair is not None:
        suited = ("similarity", "entailment") if task.symmetric else ("entailment", "similarity")
    if asked == "auto":
        return suited[0]
    if asked not in suited:
        raise ValueError(f"{asked} does not suit task={task.name}; take {' or '.join(suited)}")
    return asked


@dataclass(frozen=True)
class Example:
    """One example as token ids.

    Attributes:
        sequences: One, or one for each order or choice.
        seconds: Of each sequence, where what follows the delimiter begins; else its end.
        cut: Whether a text lost tokens.
    """

    sequences: list[list[int]]
    seconds: list[int]
    cut: bool


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Examples of a split to token ids.

    Args:
        tokenizer: Whose own special tokens are not used.
        marks: The three special tokens.
        transformation: How they are set around the texts.
        length: Tokens of a sequence at most.

    Raises:
        ValueError: `length` leaves no room for text.
    """

    tokenizer: PreTrainedTokenizerFast
    marks: Marks
    transformation: Transformation
    length: int

    def __post_init__(self) -> None:
        if self.length < SHORTEST:
            raise ValueError(f"{self.length} leaves no room for text beside special tokens; take {SHORTEST} or more")

    def __call__(self, split: Split) -> list[Example]:
        """The examples in their order."""
        firsts, marks = self._ids(split.texts), self.marks
        if self.transformation == "classification":
            kept = self.length - 2
            return [
                Example([[marks.start, *ids[:kept], marks.extract]], [min(len(ids), kept) + 2], len(ids) > kept)
                for ids in firsts
            ]
        if self.transformation == "multiple_choice":
            offered = iter(self._ids([choice for offer in split.choices or [] for choice in offer]))
            return [
                self._paired([(ids, next(offered)) for _ in offer])
                for ids, offer in zip(firsts, split.choices or [], strict=True)
            ]
        both = zip(firsts, self._ids(split.pairs or []), strict=True)
        turned = self.transformation == "similarity"
        return [self._paired([(one, two), (two, one)] if turned else [(one, two)]) for one, two in both]

    def _paired(self, pairs: Sequence[tuple[list[int], list[int]]]) -> Example:
        """An example of which each sequence holds two texts."""
        sequences, seconds, cut, room = list[list[int]](), list[int](), False, self.length - 3
        for one, two in pairs:
            keep, keep_two = longest_first(len(one), len(two), room)
            begin = [self.marks.start, *one[:keep], self.marks.delimiter]
            sequences.append([*begin, *two[:keep_two], self.marks.extract])
            seconds.append(len(begin))
            cut |= keep < len(one) or keep_two < len(two)
        return Example(sequences, seconds, cut)

    def _ids(self, texts: Sequence[str]) -> list[list[int]]:
        return [ids for start in range(0, len(texts), BATCH) for ids in self._plain(texts[start : start + BATCH])]

    def _plain(self, texts: Sequence[str]) -> Iterator[list[int]]:
        encoded = self.tokenizer(
            list(texts), add_special_tokens=False, split_special_tokens=True, truncation=False, verbose=False
        )
        yield from encoded["input_ids"]
