"""Rows that every collator takes, and what a batch of them must show."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom
from tokenizers import Tokenizer, models, pre_tokenizers
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from genai_hf.collators.masking import IGNORE

SPECIAL = {"pad": "[PAD]", "unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]"}
MASK, VOCABULARY = 4, 8192
SHARE = 0.15
PIECES = (0.7, 0.18, 0.08, 0.04)  # share of words of one piece, two, …
BAND = 0.999999  # a rate outside has one chance in a million

Batch = Mapping[str, Tensor]


@dataclass(frozen=True)
class Rows:
    """The same rows as every collator takes them."""

    ours: list[dict[str, Any]]
    stock: list[dict[str, Any]]
    stock_words: list[dict[str, Any]]  # with offsets
    ids: NDArray[np.int64]  # (B, T)
    starts: NDArray[np.bool_]  # (B, T), where words begin


Check = Callable[[Batch, Rows], None]


def make_tokenizer() -> PreTrainedTokenizerFast:
    """A vocabulary of numbers after the five special tokens."""
    words = [*SPECIAL.values(), *map(str, range(VOCABULARY - len(SPECIAL)))]
    backend = Tokenizer(models.WordLevel({word: number for number, word in enumerate(words)}, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, **{f"{role}_token": token for role, token in SPECIAL.items()}
    )


def make_rows(size: int, length: int, seed: int = 0) -> Rows:
    """Random words between [CLS] and [SEP]."""
    random = np.random.default_rng(seed)
    ids = random.integers(len(SPECIAL), VOCABULARY, (size, length))
    ids[:, 0], ids[:, -1] = 2, 3
    starts = np.zeros((size, length), dtype=bool)
    for row in starts:
        ends = np.cumsum(random.choice(len(PIECES), length, p=PIECES) + 1)
        row[[0, 1, length - 1, *(ends[ends < length - 2] + 1)]] = True
    ours, stock, stock_words = [], [], []
    for number in range(size):
        ours.append({"input_ids": ids[number], "word_starts": starts[number], "example_id": number, "epoch": 0})
        first = 4 * np.arange(length) + np.cumsum(starts[number])  # a gap of one character before each word
        offsets = [(0, 0), *zip(first[1:-1].tolist(), (first[1:-1] + 4).tolist(), strict=True), (0, 0)]
        row = {"input_ids": ids[number].tolist(), "special_tokens_mask": [1, *[0] * (length - 2), 1]}
        stock.append(row)
        stock_words.append(row | {"offset_mapping": offsets})
    return Rows(ours, stock, stock_words, ids, starts)


def require(name: str, hits: int, trials: int, share: float) -> None:
    """See that a rate is what it should be.

    Raises:
        SystemExit: It is not.
    """
    low, high = binom.interval(BAND, trials, share)
    if not low <= hits <= high:
        raise SystemExit(f"{name}: {hits:,} of {trials:,} lie outside {low:,.0f} to {high:,.0f}")


def labelled(batch: Batch, rows: Rows) -> NDArray[np.bool_]:
    """Which tokens have a label, (B, T).

    Raises:
        SystemExit: Another than what they were, or special ones.
    """
    labels = batch["labels"].numpy()
    chosen: NDArray[np.bool_] = labels != IGNORE
    if not (labels[chosen] == rows.ids[chosen]).all() or chosen[:, [0, -1]].any():
        raise SystemExit("labels are not the ordinary tokens that were hidden")
    return chosen


def tokens_by_themselves(batch: Batch, rows: Rows) -> None:
    """15 % of the ordinary tokens are labelled."""
    require("tokens", int(labelled(batch, rows).sum()), rows.ids[:, 1:-1].size, SHARE)


def words_by_themselves(batch: Batch, rows: Rows) -> None:
    """15 % of the words are labelled."""
    words = rows.starts[:, 1:-1]
    require("words", int((labelled(batch, rows)[:, 1:-1] & words).sum()), int(words.sum()), SHARE)


def words_are_whole(batch: Batch, rows: Rows) -> None:
    """Words are labelled whole or not at all."""
    chosen, first = labelled(batch, rows).ravel(), np.flatnonzero(rows.starts)
    if (np.logical_and.reduceat(chosen, first) != np.logical_or.reduceat(chosen, first)).any():
        raise SystemExit("a word is hidden in part")


def budget_is(count: int, *, at_most: bool = False) -> Check:
    """So many labels a row."""

    def check(batch: Batch, rows: Rows) -> None:
        counts = labelled(batch, rows).sum(axis=1)
        if counts.max() > count or (counts.min() < count and not at_most):
            raise SystemExit(f"rows have {counts.min()} to {counts.max()} labels, not {count}")

    return check


def fates_are(mask_share: float, random_share: float) -> Check:
    """Of the labelled tokens so many are masked, and so many stay."""

    def check(batch: Batch, rows: Rows) -> None:
        chosen, seen = labelled(batch, rows), batch["input_ids"].numpy()
        total, same = int(chosen.sum()), 1 - mask_share - random_share
        require("[MASK]", int((seen[chosen] == MASK).sum()), total, mask_share)
        require("unchanged", int((seen == rows.ids)[chosen].sum()), total, same + random_share / VOCABULARY)

    return check
