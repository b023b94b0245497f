"""Blocks of a fixed length cut from the stream of documents, without padding.

As RoBERTa's FULL-SENTENCES (Liu et al. 2019, arXiv:1907.11692, section 4.2): a block may cross the boundary of
documents, where separator tokens stand between them. The separators are not in the token file: where each would stand
follows from the documents' starts, so that one file serves every length and every kind of model.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset
from transformers import PreTrainedTokenizerFast

from genai_hf.data.tokens import Tokens
from genai_hf.errors import DataError

EVALUATION = -1  # epoch of every evaluation row: what is drawn for it never changes

Index = int | tuple[int, int]


class Blocks(Dataset[dict[str, Any]]):
    """The document stream of `tokens` in rows of exactly `length` ids; what is left over at its end is not used.

    A row is ``{"input_ids": int64 (length,), "example_id": int, "epoch": int}``. It is asked for by ``(epoch, index)``;
    an index alone is of epoch 0.

    Args:
        tokens: The documents of one split.
        length: Ids of a row, `prefix` and `suffix` included.
        prefix: Ids before each body, such as ``[CLS]``.
        suffix: Ids after each body, such as ``[SEP]``.
        separator: Ids between two documents.
        first_example_id: Number of the first row, so that no two splits share one.
        evaluation: Rows are of epoch -1 whatever is asked for.

    Raises:
        ValueError: `length` leaves no room for text.
        DataError: There are too few tokens for one row.
    """

    def __init__(
        self,
        tokens: Tokens,
        *,
        length: int,
        prefix: Sequence[int],
        suffix: Sequence[int],
        separator: Sequence[int],
        first_example_id: int = 0,
        evaluation: bool = False,
    ) -> None:
        self.tokens = tokens
        self.length = length
        self.prefix, self.suffix, self.separator = tuple(prefix), tuple(suffix), tuple(separator)
        self.first_example_id = first_example_id
        self.evaluation = evaluation
        self.body = length - len(self.prefix) - len(self.suffix)
        if self.body < 1:
            raise ValueError(f"a length of {length} leaves no room for text beside {length - self.body} special tokens")
        if not len(self):
            raise DataError(
                f"{tokens.split}: {len(tokens):,} tokens make no block of length {length:,}, which takes {self.body:,} "
                "beside its special tokens; give more text, or ask for shorter blocks (sequence_length)"
            )

    @property
    def fingerprint(self) -> str:
        """What determines the documents and their tokens: the name of their folder in the cache, and the split."""
        return f"{self.tokens.split}-{self.tokens.folder.name}"

    def __len__(self) -> int:
        separators = (len(self.tokens.starts) - 2) * len(self.separator)
        return (len(self.tokens) + separators) // self.body

    def __getitem__(self, index: Index) -> dict[str, Any]:
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: Sequence[Index]) -> list[dict[str, Any]]:
        """Rows for several indices at once, which is faster; the `DataLoader` asks in this way.

        Raises:
            IndexError: There is no such row.
        """
        asked = [index if isinstance(index, tuple) else (0, index) for index in indices]
        numbers = np.array([number for _, number in asked], dtype=np.int64)
        if ((numbers < 0) | (numbers >= len(self))).any():
            raise IndexError(f"{len(self):,} blocks, asked for {numbers.tolist()}")
        return [
            {
                "input_ids": ids,
                "example_id": self.first_example_id + number,
                "epoch": EVALUATION if self.evaluation else epoch,
            }
            for ids, (epoch, number) in zip(self._wrapped(numbers), asked, strict=True)
        ]

    def __getstate__(self) -> dict[str, Any]:
        """Without what can be computed again: workers get paths and settings."""
        return {key: value for key, value in vars(self).items() if key != "_streamed"}

    @cached_property
    def _streamed(self) -> NDArray[np.int64]:
        """(documents,) where each document starts in the stream with separators."""
        starts = self.tokens.starts[:-1]
        streamed: NDArray[np.int64] = starts + len(self.separator) * np.arange(len(starts))
        return streamed

    def _wrapped(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Blocks by number (B,) as ids (B, length)."""
        rows = np.empty((len(numbers), self.length), dtype=np.int64)
        rows[:, : len(self.prefix)] = self.prefix
        rows[:, len(self.prefix) : self.length - len(self.suffix)] = self._bodies(numbers)
        rows[:, self.length - len(self.suffix) :] = self.suffix
        return rows

    def _bodies(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """What stands at the blocks' places of the stream (B, body): a document's token, or a separator after it."""
        places = numbers[:, None] * self.body + np.arange(self.body)
        document = np.searchsorted(self._streamed, places, side="right") - 1
        flat = places - document * len(self.separator)
        beyond = flat - self.tokens.starts[document + 1]
        bodies: NDArray[np.int64] = self.tokens.ids[np.minimum(flat, len(self.tokens) - 1)].astype(np.int64)
        gaps = beyond >= 0
        bodies[gaps] = np.asarray(self.separator, dtype=np.int64)[beyond[gaps]]
        return bodies


def lm_blocks(
    tokens: Mapping[str, Tokens], tokenizer: PreTrainedTokenizerFast, *, length: int, bare: bool = False
) -> dict[str, Blocks]:
    """Blocks of both splits for a language model, with the special tokens that its tokenizer's family uses.

    A tokenizer with a classification token (BERT, RoBERTa) gives ``[CLS] text [SEP] text [SEP]``, one without (GPT-2,
    Llama, T5) gives text with its end-of-text token between documents.

    Args:
        tokens: Splits ``train`` and ``validation``.
        tokenizer: Whose special tokens to use.
        length: Ids of a block, special tokens included.
        bare: Text and nothing else, one document right after the other, as T5's released code packs them.

    Raises:
        ValueError: `length` leaves no room for text, or the tokenizer has no token to separate documents with.
        DataError: A split is shorter than one block.
    """
    prefix, suffix, separator = ([], [], []) if bare else special_ids(tokenizer)
    cut = partial(Blocks, length=length, prefix=prefix, suffix=suffix, separator=separator)
    train = cut(tokens["train"])
    validation = cut(tokens["validation"], first_example_id=len(train), evaluation=True)
    return {"train": train, "validation": validation}


def special_ids(tokenizer: PreTrainedTokenizerFast) -> tuple[list[int], list[int], list[int]]:
    """Ids before a block, after it, and between two documents.

    Raises:
        ValueError: The tokenizer has neither a separator nor an end-of-text token.
    """
    if tokenizer.cls_token_id is not None and tokenizer.sep_token_id is not None:
        return [tokenizer.cls_token_id], [tokenizer.sep_token_id], [tokenizer.sep_token_id]
    if tokenizer.eos_token_id is None:
        raise ValueError("the tokenizer has neither a separator nor an end-of-text token to set between documents")
    return [], [], [tokenizer.eos_token_id]
