"""Several sets of rows as one, each with its share of an epoch.

Raffel et al. 2020, "Exploring the limits of transfer learning with a unified text-to-text transformer", JMLR 21:140,
arXiv:1910.10683, section 3.5.2, examples-proportional mixing: a set has a share of min(its rows, K), so that a large
one does not drown the others. Which K rows of it an epoch takes changes from epoch to epoch, until all have come.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch.utils.data import Dataset
from transformers import PreTrainedTokenizerFast

from genai_hf.data.text_pairs import TextPairs
from genai_hf.encoding.blocks import Blocks, Index
from genai_hf.encoding.encoded_pairs import EncodedPairs, encode_pairs
from genai_hf.settings.task_files import TRAIN


@dataclass(frozen=True)
class Mixture(Dataset[dict[str, Any]]):
    """The rows of several sets, asked for by ``(epoch, index)``, or by index in the first epoch.

    Attributes:
        sets: What is mixed, by name.
        limit: Rows of a set in an epoch at most, K, at least 1; None is all.

    Raises:
        ValueError: The limit is below 1.
    """

    sets: Mapping[str, Blocks | EncodedPairs]
    limit: int | None = None

    def __post_init__(self) -> None:
        if self.limit is not None and self.limit < 1:
            raise ValueError(f"limit must be at least 1, or null for all rows, got {self.limit}")

    @property
    def sizes(self) -> dict[str, int]:
        """Rows of each set in an epoch."""
        return {name: min(len(rows), self.limit or len(rows)) for name, rows in self.sets.items()}

    @property
    def fingerprint(self) -> str:
        """What determines the rows."""
        known = [(name, rows.fingerprint, self.sizes[name]) for name, rows in self.sets.items()]
        return f"{hashlib.sha256(repr(known).encode()).hexdigest()[:16]}-{len(self)}"

    @property
    def share(self) -> float:
        """Of an epoch's rows that are not of the first set."""
        return 1 - next(iter(self.sizes.values())) / len(self)

    def __len__(self) -> int:
        return sum(self.sizes.values())

    def __getitem__(self, index: Index) -> dict[str, Any]:
        epoch, number = index if isinstance(index, tuple) else (0, index)
        sizes = list(self.sizes.values())
        ends = np.cumsum(sizes)
        chosen = int(np.searchsorted(ends, number, side="right"))
        rows, size = list(self.sets.values())[chosen], sizes[chosen]
        place = number - int(ends[chosen]) + size + max(epoch, 0) * size
        return rows[epoch, place % len(rows)]


def mixed(
    blocks: Mapping[str, Blocks],
    supervised: Mapping[str, TextPairs],
    tokenizer: PreTrainedTokenizerFast,
    *,
    sequence_length: int,
    target_length: int = 128,
    limit: int | None = None,
) -> Blocks | Mixture:
    """Training rows of unlabelled text and of supervised sets beside it.

    Args:
        blocks: Splits ``train`` and ``validation`` of the text.
        supervised: Sets of texts with their answers, by name, of which the training examples are taken.
        tokenizer: Which ends a text with a token of its own.
        sequence_length: Tokens of a supervised input at most, special ones included.
        target_length: Tokens of an answer at most, special ones included.
        limit: Rows of each set in an epoch at most, see `Mixture`.

    Raises:
        ConfigError: The tokenizer does not end a text.
        ValueError: A length leaves no room for text, or the limit is below 1.
    """
    first, sets = len(blocks["train"]) + len(blocks["validation"]), dict[str, EncodedPairs]()
    for name, examples in supervised.items():
        sets[name] = encode_pairs(
            examples=examples,
            tokenizer=tokenizer,
            sequence_length=sequence_length,
            target_length=target_length,
            first_example_id=first,
        )[TRAIN]
        first += len(sets[name])
    return Mixture({"text": blocks["train"], **sets}, limit) if sets or limit else blocks["train"]
