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

from genai_hf.encoding.tokens import Tokens
from genai_hf.errors import ConfigError, DataError

EVALUATION = -1  # epoch of every evaluation row: what is drawn for it never changes

Index = int | tuple[int, int]


class Blocks(Dataset[dict[str, Any]]):
    """The document stream of `tokens` in rows of exactly `length` ids; what is left over at its end is not used.

    A row is ``{"input_ids": int64 (length,), "example_id": int, "epoch": int}``. It is asked for by ``(epoch, index)``;
    an index alone is of epoch 0. With `words` it has ``"word_starts": bool (length,)`` besides: where a word begins, of
    one that a block's edge cuts what is seen of it, each special token being a word of its own.

    Args:
        tokens: The documents of one split.
        length: Ids of a row, `prefix` and `suffix` included.
        prefix: Ids before each body, such as ``[CLS]``.
        suffix: Ids after each body, such as ``[SEP]``.
        separator: Ids between two documents.
        first_example_id: Number of the first row, so that no two splits share one.
        evaluation: Rows are of epoch -1 whatever is asked for.
        words: Whether rows say where words begin.

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
        words: bool = False,
    ) -> None:
        self.tokens = tokens
        self.length = length
        self.prefix, self.suffix, self.separator = tuple(prefix), tuple(suffix), tuple(separator)
        self.first_example_id = first_example_id
        self.evaluation = evaluation
        self.words = words
        self.body = length - len(self.prefix) - len(self.suffix)
        if self.body < 1:
            raise ValueError(f"a length of {length} leaves no room for text beside {length - self.body} special tokens")
        if not len(self):
            remedy = "raise data.validation_share" if tokens.split == "validation" else "give more text"
            raise DataError(
                f"{tokens.split}: {len(tokens):,} tokens make no block of length {length:,}, which takes {self.body:,} "
                f"beside its special tokens; {remedy}, or ask for shorter blocks (sequence_length)"
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
        columns = self._columns(numbers)
        return [
            {name: rows[place] for name, rows in columns.items()}
            | {"example_id": self.first_example_id + number, "epoch": EVALUATION if self.evaluation else epoch}
            for place, (epoch, number) in enumerate(asked)
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

    def _columns(self, numbers: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
        """Blocks by number (B,): what their rows hold, (B, length) each."""
        last = self.length - len(self.suffix)
        flat, beyond = self._places(numbers)
        gaps = beyond >= 0
        ids = np.empty((len(numbers), self.length), dtype=np.int64)
        ids[:, : len(self.prefix)] = self.prefix
        ids[:, len(self.prefix) : last] = self.tokens.ids[flat]
        ids[:, len(self.prefix) : last][gaps] = np.asarray(self.separator, dtype=np.int64)[beyond[gaps]]
        ids[:, last:] = self.suffix
        if not self.words:
            return {"input_ids": ids}
        starts = np.ones(ids.shape, dtype=bool)
        starts[:, len(self.prefix) + 1 : last] = (self.tokens.words[flat] | gaps)[:, 1:]
        return {"input_ids": ids, "word_starts": starts}

    def _places(self, numbers: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """What stands at the blocks' places of the stream, (B, body) each.

        Returns:
            The place of a token, and of which separator of its document's end, below zero where it is none.
        """
        places = numbers[:, None] * self.body + np.arange(self.body)
        document = np.searchsorted(self._streamed, places, side="right") - 1
        flat = places - document * len(self.separator)
        return np.minimum(flat, len(self.tokens) - 1), flat - self.tokens.starts[document + 1]


def lm_blocks(
    tokens: Mapping[str, Tokens],
    tokenizer: PreTrainedTokenizerFast,
    *,
    length: int,
    words: bool = False,
    bare: bool = False,
) -> dict[str, Blocks]:
    """Blocks of both splits for a language model, with the special tokens that its tokenizer's family uses.

    A tokenizer with a classification token (BERT, RoBERTa) gives ``[CLS] text [SEP] text [SEP]``, one without (GPT-2,
    Llama, T5) gives text with its end-of-text token between documents.

    Args:
        tokens: Splits ``train`` and ``validation``.
        tokenizer: Whose special tokens to use.
        length: Ids of a block, special tokens included.
        words: Whether rows say where words begin.
        bare: Text and nothing else, one document right after the other, as T5's released code packs them.

    Raises:
        ValueError: `length` leaves no room for text, or the tokenizer has no token to separate documents with.
        ConfigError: Words are asked for, and the tokenizer does not know any.
        DataError: A split is shorter than one block.
    """
    if length < 2:
        raise ValueError(f"a length of {length} leaves no token to predict")
    if words:
        require_words(tokenizer)
    prefix, suffix, separator = ([], [], []) if bare else special_ids(tokenizer)
    cut = partial(Blocks, length=length, prefix=prefix, suffix=suffix, separator=separator, words=words)
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


def require_words(tokenizer: PreTrainedTokenizerFast) -> None:
    """Refuse a tokenizer that takes a whole text for one word, as those without a pre-tokenizer do.

    Raises:
        ConfigError: It does.
    """
    if len(set(tokenizer.backend_tokenizer.encode("one two", add_special_tokens=False).word_ids)) < 2:
        remedy = "take masking.unit=token, or a tokenizer that cuts text at spaces first"
        raise ConfigError(f"'masking.unit': the tokenizer takes a whole text for one word; {remedy}")
