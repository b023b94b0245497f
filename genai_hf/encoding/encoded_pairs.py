"""Texts with their answers as token ids: one row an example, both sides cut to a length with their last token kept."""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset
from transformers import PreTrainedTokenizerFast

from genai_hf.collators.text_to_text import RATES
from genai_hf.data.pairs import Pairs
from genai_hf.data.remarks import repeated, shortened, tell
from genai_hf.data.text_pairs import TextPairs
from genai_hf.encoding.blocks import EVALUATION, Index
from genai_hf.encoding.encoded import Frame
from genai_hf.errors import ConfigError
from genai_hf.settings.task_files import TRAIN

Framed = tuple[NDArray[np.int64], bool]  # token ids, and whether they were cut


class EncodedPairs(Dataset[dict[str, Any]]):
    """The examples of a split as rows.

    A row is ``{"input_ids": int64 (T,), "targets": [int64 (U,), …], "cut": (bool, bool), "example_id": int, "epoch":
    int}`` with a target for each reference; `cut` tells whether the input and the first target were. It is asked for by
    ``(epoch, index)``, or by index.

    Args:
        pairs: The examples.
        frame: Makes token ids of inputs.
        frame_target: Makes token ids of answers.
        first_example_id: Number of the first row, so that no two splits share one.
        evaluation: Rows are of epoch -1 whatever is asked for.
        any_target: Whether any target may be learnt, and not only the first.

    Attributes:
        lengths: (examples, 2) tokens of each input and of the longest target that may be learnt with it, by which rows
            are grouped.
        input_lengths: (examples,) tokens of each input.
        target_lengths: (examples,) tokens of each first target.
        cut: bool (examples, 2) as in the rows.
        room: Tokens of an input and of a target at most.
    """

    def __init__(
        self,
        pairs: Pairs,
        frame: Frame,
        frame_target: Frame,
        *,
        first_example_id: int = 0,
        evaluation: bool = False,
        any_target: bool = False,
    ) -> None:
        answers = [answer for known in pairs.answers for answer in known]
        targets = iter(_framed(frame_target, answers))
        self._inputs = _framed(frame, pairs.inputs)
        self._targets = [[next(targets) for _ in known] for known in pairs.answers]
        self.first_example_id, self.evaluation = first_example_id, evaluation
        self.room = (frame.length, frame_target.length)
        self.input_lengths = np.array([len(ids) for ids, _ in self._inputs], dtype=np.int64)
        self.target_lengths = np.array([len(known[0][0]) for known in self._targets], dtype=np.int64)
        longest = [max(len(ids) for ids, _ in known[: None if any_target else 1]) for known in self._targets]
        self.lengths = np.stack([self.input_lengths, np.array(longest, dtype=np.int64)], axis=1)
        cuts = [(cut, known[0][1]) for (_, cut), known in zip(self._inputs, self._targets, strict=True)]
        self.cut = np.array(cuts, dtype=bool).reshape(-1, 2)
        self.fingerprint = f"{pairs.fingerprint()[:16]}-{len(pairs)}"

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, index: Index) -> dict[str, Any]:
        epoch, number = index if isinstance(index, tuple) else (0, index)
        return {
            "input_ids": self._inputs[number][0],
            "targets": [ids for ids, _ in self._targets[number]],
            "cut": (bool(self.cut[number, 0]), bool(self.cut[number, 1])),
            "example_id": self.first_example_id + number,
            "epoch": EVALUATION if self.evaluation else epoch,
        }

    def shares(self) -> dict[str, float]:
        """What part of the room the rows use on average, and what part of the rows is cut."""
        used = [self.input_lengths.mean() / self.room[0], self.target_lengths.mean() / self.room[1]]
        return dict(zip(RATES, map(float, [*used, *self.cut.mean(0)]), strict=True))

    def frequencies(self, vocab_size: int) -> NDArray[np.int64]:
        """(vocab_size,) how often each token occurs in the first targets."""
        ids = np.concatenate([known[0][0] for known in self._targets])
        return np.bincount(ids, minlength=vocab_size)


def encode_pairs(
    *,
    examples: TextPairs,
    tokenizer: PreTrainedTokenizerFast,
    sequence_length: int,
    target_length: int,
    target: Literal["first", "any"] = "first",
    first_example_id: int = 0,
) -> dict[str, EncodedPairs]:
    """Rows of ``train``, ``validation`` and, where there is one, ``test``, framed as the tokenizer frames texts.

    What is too long loses tokens from its end; the token that ends a text stays.

    Args:
        examples: Of all splits.
        tokenizer: Which ends a text with a token of its own.
        sequence_length: Tokens of an input at most, special ones included.
        target_length: Tokens of an answer at most, special ones included.
        target: Which of several answers is learnt.
        first_example_id: Number of the first row.

    Raises:
        ConfigError: The tokenizer does not end a text, so that no answer would.
        ValueError: A length leaves no room for text.
    """
    if tokenizer.eos_token_id is None or tokenizer("a")["input_ids"][-1] != tokenizer.eos_token_id:
        raise ConfigError("'tokenizer': it ends no text with an end token; take one such as T5's (tokenizer.family=t5)")
    for name, length in (("sequence_length", sequence_length), ("target_length", target_length)):
        least = tokenizer.num_special_tokens_to_add(pair=True) + 4
        if length < least:
            raise ValueError(f"{name} must be at least {least}, got {length}")
    frames, rows, first = (Frame(tokenizer, sequence_length), Frame(tokenizer, target_length)), {}, first_example_id
    for name, pairs in examples.splits.items():
        is_drawn = target == "any" and name == TRAIN
        rows[name] = EncodedPairs(pairs, *frames, first_example_id=first, evaluation=name != TRAIN, any_target=is_drawn)
        different = len(set(zip(pairs.inputs, map(tuple, pairs.answers), strict=True)))
        lengths = f"{sequence_length} and {target_length}"
        tell(name, repeated(len(pairs), different), shortened(rows[name].cut, lengths))
        first += len(pairs)
    return rows


def _framed(frame: Frame, texts: list[str]) -> list[Framed]:
    return [(np.array(ids, dtype=np.int64), cut) for ids, _, cut in frame(texts, None)]
