"""Labelled texts as token ids: one row an example, cut to a length, with its segments and its label."""

from collections.abc import Iterator, Sequence
from functools import reduce
from operator import add
from typing import Any

import numpy as np
from torch.utils.data import Dataset
from transformers import PreTrainedTokenizerFast

from genai_hf.data.labelled import Labelled
from genai_hf.data.remarks import shortened, tell
from genai_hf.data.splits import Split
from genai_hf.encoding.blocks import EVALUATION, Index
from genai_hf.errors import ConfigError
from genai_hf.settings.task_files import TRAIN

BATCH = 8192  # examples tokenised at a time


class Encoded(Dataset[dict[str, Any]]):
    """The examples of a split as rows.

    A row is ``{"input_ids": int64 (T,), "second": int, "example_id": int, "epoch": int}``, where the second segment
    begins at `second`, and ``"label"`` where it is known. It is asked for by ``(epoch, index)``, or by index.

    Args:
        split: The examples.
        encodings: See `Frame`.
        first_example_id: Number of the first row, so that no two splits share one.
        evaluation: Rows are of epoch -1 whatever is asked for.

    Attributes:
        lengths: (examples,) tokens of each.
        labels: (examples,) float64, if known.
        cut: (examples,) bool.
    """

    def __init__(
        self,
        split: Split,
        encodings: Sequence[tuple[list[int], int, bool]],
        *,
        first_example_id: int = 0,
        evaluation: bool = False,
    ) -> None:
        self.lengths = np.array([len(ids) for ids, _, _ in encodings], dtype=np.int64)
        self.labels = None if split.labels is None else np.array(split.labels, dtype=np.float64)
        self.first_example_id, self.evaluation = first_example_id, evaluation
        self.cut = np.array([cut for _, _, cut in encodings], dtype=bool)
        self.fingerprint = f"{split.fingerprint()[:16]}-{len(split)}"
        self._ids = np.fromiter((token for ids, _, _ in encodings for token in ids), dtype=np.int32)
        self._starts = np.concatenate([[0], np.cumsum(self.lengths)])
        self._seconds = np.array([second for _, second, _ in encodings], dtype=np.int64)

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, index: Index) -> dict[str, Any]:
        epoch, number = index if isinstance(index, tuple) else (0, index)
        row = {
            "input_ids": self._ids[self._starts[number] : self._starts[number + 1]].astype(np.int64),
            "second": int(self._seconds[number]),
            "example_id": self.first_example_id + number,
            "epoch": EVALUATION if self.evaluation else epoch,
        }
        return row if self.labels is None else row | {"label": float(self.labels[number])}


def encode(
    *, examples: Labelled, tokenizer: PreTrainedTokenizerFast, length: int, predict: bool = False
) -> dict[str, Encoded]:
    """Rows of ``train``, of ``validation`` (all sets to evaluate on, one after another), and of test sets.

    A pair is framed as the tokenizer frames pairs; one that sets nothing between two texts (GPT-2) gets its end-of-text
    token there. What is too long loses tokens from the end of the longer text.

    Args:
        examples: With the task.
        tokenizer: Whose special tokens to use.
        length: Tokens of an example at most, special ones included.
        predict: Whether to take the test sets whose labels are not known, too.

    Raises:
        ConfigError: There is no token to set between two texts, or the task offers choices.
        ValueError: `length` leaves no room for text.
    """
    if examples.task.choices is not None:
        raise ConfigError(f"'task': {examples.task.name} chooses between texts; take the recipe gpt_extract")
    frame, rows = Frame(tokenizer, length), dict[str, Encoded]()
    for name, split, first in numbered(examples, predict=predict):
        rows[name] = Encoded(split, frame(split.texts, split.pairs), first_example_id=first, evaluation=name != TRAIN)
        tell(name, split.repeated() if name == TRAIN else "", shortened(rows[name].cut, length))
    return rows


def numbered(examples: Labelled, *, predict: bool) -> Iterator[tuple[str, Split, int]]:
    """What rows are made of: training set, validation sets as one, test sets; each with its first example's number."""
    splits = {TRAIN: examples.splits[TRAIN], "validation": reduce(add, examples.validation.values())}
    splits |= {name: split for name, split in examples.test.items() if predict or split.labels is not None}
    first = 0
    for name, split in splits.items():
        yield name, split, first
        first += len(split)


class Frame:
    """Texts and pairs to token ids with special tokens, cut to a length.

    Args:
        tokenizer: Its truncation and padding are ignored.
        length: Tokens of an example at most.

    Raises:
        ValueError: `length` leaves no room for text.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerFast, length: int) -> None:
        self.tokenizer, self.length = tokenizer, length
        self.filler = tokenizer.eos_token_id or 0  # an empty text where there are no special tokens is this one
        self.between = tokenizer.num_special_tokens_to_add(pair=True) - tokenizer.num_special_tokens_to_add(pair=False)
        if length < tokenizer.num_special_tokens_to_add(pair=True) + 4:
            raise ValueError(f"{length} leaves no room for text beside special tokens; raise it")

    def __call__(self, texts: Sequence[str], pairs: Sequence[str] | None) -> list[tuple[list[int], int, bool]]:
        """Token ids of each example, where its second segment begins (else its end), and whether it was cut."""
        found = list[tuple[list[int], int, bool]]()
        for start in range(0, len(texts), BATCH):
            some = list(texts[start : start + BATCH])
            others = None if pairs is None else list(pairs[start : start + BATCH])
            found += self._joined(some, others) if others and self.between < 1 else self._framed(some, others)
        return found

    def _framed(self, texts: list[str], pairs: list[str] | None) -> list[tuple[list[int], int, bool]]:
        """As the tokenizer frames them."""
        encoded = self.tokenizer(
            texts, pairs, truncation="longest_first", max_length=self.length, padding=False, return_token_type_ids=True
        )
        self.tokenizer.backend_tokenizer.no_truncation()  # else it is saved with the tokenizer
        return [
            (ids or [self.filler], _second(encoding.type_ids or [0]), bool(encoding.overflowing))
            for ids, encoding in zip(encoded["input_ids"], encoded.encodings, strict=True)
        ]

    def _joined(self, texts: list[str], pairs: list[str]) -> list[tuple[list[int], int, bool]]:
        """Both texts with an end-of-text token between, cut as pairs are."""
        middle = self.tokenizer.eos_token_id
        if middle is None:
            raise ConfigError("'tokenizer': it has no token to set between the texts of a pair; take another")
        head, tail = self._around()
        first, second = (self.tokenizer(some, add_special_tokens=False)["input_ids"] for some in (texts, pairs))
        room, rows = self.length - len(head) - len(tail) - 1, list[tuple[list[int], int, bool]]()
        for one, two in zip(first, second, strict=True):
            keep, keep_two = longest_first(len(one), len(two), room)
            begin = [*head, *one[:keep], middle]
            rows.append(([*begin, *two[:keep_two], *tail], len(begin), keep < len(one) or keep_two < len(two)))
        return rows

    def _around(self) -> tuple[list[int], list[int]]:
        """The special tokens before and after a text."""
        framed = self.tokenizer("a", return_special_tokens_mask=True)
        special = [
            token for token, is_own in zip(framed["input_ids"], framed["special_tokens_mask"], strict=True) if is_own
        ]
        place = next((place for place, is_own in enumerate(framed["special_tokens_mask"]) if not is_own), len(special))
        return special[:place], special[place:]


def _second(types: list[int]) -> int:
    """Where the second segment begins; the end where there is none."""
    return types.index(1) if 1 in types else len(types)


def longest_first(one: int, two: int, room: int) -> tuple[int, int]:
    """How much of two lengths is kept when the longer one is cut until both fit."""
    if one + two <= room:
        return one, two
    half = room // 2
    if min(one, two) <= half:
        return (one, room - one) if one < two else (room - two, two)
    return (room - half, half) if one > two else (half, room - half)
