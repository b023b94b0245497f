"""Instructions or conversations with their responses as rows of token ids, of which some are learnt."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset
from transformers import PreTrainedTokenizerFast

from genai_hf.data.instruction_files import Example
from genai_hf.data.instructions import Instructions, named
from genai_hf.data.pairs import Pairs
from genai_hf.data.progress import slow_work
from genai_hf.data.remarks import repeated, shortened, tell
from genai_hf.data.wording import Wording
from genai_hf.encoding.blocks import EVALUATION, Index
from genai_hf.encoding.chat import ChatEncoder
from genai_hf.encoding.prompts import Encoding, PromptEncoder
from genai_hf.errors import DataError
from genai_hf.settings.task_files import TRAIN

NEEDED = "for the response and what the prompt cannot lose"
SAMPLE = 512  # rows of each split whose labels are read back


class Encoder(Protocol):
    """Makes token ids of an example."""

    @property
    def end(self) -> int:
        """The one that ends a response."""

    def __call__(self, example: Example) -> Encoding | None:
        """The example's token ids; None where it has no room."""

    def response(self, example: Example) -> str:
        """What the model is to say in the end, as its tokens spell it."""


class InstructionRows(Dataset[dict[str, Any]]):
    """The examples of a split as rows.

    A row is ``{"input_ids": int64 (T,), "learnt": bool (T,), "prompt": int, "example_id": int, "epoch": int}``: the
    tokens, which of them the model learns to say, and how many it has read before it says the (last) response. It is
    asked for by ``(epoch, index)``, or by index.

    Args:
        examples: Of one split.
        encoder: Makes token ids of them.
        length: Tokens of a row at most.
        first_example_id: Number of the first row, so that no two splits share one.
        evaluation: Rows are of epoch -1 whatever is asked for.

    Attributes:
        examples: Those that have room.
        end: The token that ends a response.
        lengths: (examples,) tokens of each, by which rows are grouped.
        learnt: (examples,) how many of them are learnt.
        dropped: (examples,) how many examples of the prompt gave way.
        cut: bool (examples,), whether the input was cut.
        left_out: Places of the examples whose response has no room.

    Raises:
        DataError: None has room, or the labels of one are not its response.
    """

    def __init__(
        self,
        examples: Sequence[Example],
        encoder: Encoder,
        *,
        length: int,
        first_example_id: int = 0,
        evaluation: bool = False,
    ) -> None:
        self.examples, self.left_out, encodings = list[Example](), list[str](), list[Encoding]()
        with slow_work("tokenising instructions", len(examples)) as advance:
            for example in examples:
                if (encoding := encoder(example)) is None:
                    self.left_out.append(example.place)
                else:
                    said = encoding.said
                    self.examples.append(example if said is None else replace(example, references=[said]))
                    encodings.append(encoding)
                advance(1)
        if not encodings:
            raise DataError(f"no row of {len(examples):,} has room {NEEDED} in {length} tokens; raise sequence_length")
        self.end, self.length = encoder.end, length
        self.first_example_id, self.evaluation = first_example_id, evaluation
        self.lengths = np.array([len(one.ids) for one in encodings], dtype=np.int64)
        self.learnt = np.array([sum(one.learnt) for one in encodings], dtype=np.int64)
        self.dropped = np.array([one.dropped for one in encodings], dtype=np.int64)
        self.cut = np.array([one.cut for one in encodings], dtype=bool)
        self._prompts = np.array([one.prompt for one in encodings], dtype=np.int64)
        self._ids = np.fromiter((token for one in encodings for token in one.ids), dtype=np.int32)
        self._learnt = np.fromiter((known for one in encodings for known in one.learnt), dtype=bool)
        self._starts = np.concatenate([[0], np.cumsum(self.lengths)])
        digest = hashlib.sha256(self._ids.tobytes() + self._learnt.tobytes() + self._starts.tobytes())
        self.fingerprint = f"{digest.hexdigest()[:16]}-{len(self)}"

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, index: Index) -> dict[str, Any]:
        epoch, number = index if isinstance(index, tuple) else (0, index)
        first, end = self._starts[number : number + 2]
        return {
            "input_ids": self._ids[first:end].astype(np.int64),
            "learnt": self._learnt[first:end],
            "prompt": int(self._prompts[number]),
            "example_id": self.first_example_id + number,
            "epoch": EVALUATION if self.evaluation else epoch,
        }

    @property
    def share(self) -> float:
        """What part of all tokens is learnt."""
        return float(self.learnt.sum() / self.lengths.sum())

    @property
    def references(self) -> list[list[str]]:
        """The texts of which each answers an example."""
        return [example.references for example in self.examples]

    @property
    def categories(self) -> list[str]:
        """The category of each example's task; empty where none is known."""
        return [example.instruction.category for example in self.examples]

    def commonest(self) -> str:
        """The response that is right most often."""
        return Pairs([], self.references).commonest()

    def frequencies(self, vocab_size: int) -> NDArray[np.int64]:
        """(vocab_size,) how often each token is learnt."""
        return np.bincount(self._ids[self._learnt], minlength=vocab_size)

    def require_responses(self, tokenizer: PreTrainedTokenizerFast, encoder: Encoder) -> None:
        """Read the labels of a sample back: those behind the last prompt must spell the response, and end it.

        Raises:
            DataError: They do not.
        """
        for number in range(0, len(self), -(-len(self) // SAMPLE)):
            row, example = self[number], self.examples[number]
            last = row["input_ids"][row["prompt"] :][row["learnt"][row["prompt"] :]].tolist()
            said = str(tokenizer.decode(last[:-1])).strip()
            if last[-1] != encoder.end or said != encoder.response(example):
                raise DataError(f"{example.place}: its labels are {said!r:.80}, and not its response; leave it out")


def encode_instructions(
    *,
    examples: Instructions,
    tokenizer: PreTrainedTokenizerFast,
    wording: Wording,
    sequence_length: int,
) -> dict[str, InstructionRows]:
    """Rows of ``train`` and ``validation``.

    Args:
        examples: Of both splits.
        tokenizer: The model's.
        wording: Of instructions; conversations have the tokenizer's chat template.
        sequence_length: Tokens of an example at most, special ones included.

    Raises:
        ConfigError: The tokenizer has no token that ends a text, or no chat template for conversations.
        DataError: A split has no row with room for its response, or labels are not what is to be said.
        ValueError: The length leaves no room.
    """
    if sequence_length < 8:
        raise ValueError(f"sequence_length must be at least 8, got {sequence_length}")
    chats = bool(examples.splits[TRAIN][0].messages)
    encoder: Encoder = (
        ChatEncoder(tokenizer=tokenizer, length=sequence_length)
        if chats
        else PromptEncoder(tokenizer=tokenizer, wording=wording, length=sequence_length)
    )
    rows, first = dict[str, InstructionRows](), 0
    for name, split in examples.splits.items():
        rows[name] = InstructionRows(
            split, encoder, length=sequence_length, first_example_id=first, evaluation=name != TRAIN
        )
        rows[name].require_responses(tokenizer, encoder)
        different = {repr(replace(example, place="")) for example in split}
        tell(name, repeated(len(split), len(different)), shortened(rows[name].cut, sequence_length))
        named(rows[name].left_out, f"left out of {name}: no room {NEEDED} in {sequence_length} tokens")
        first += len(rows[name])
    return rows
