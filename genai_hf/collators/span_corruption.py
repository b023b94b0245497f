"""Span corruption: hide spans of the text, each behind a sentinel, and write out what stood there.

Raffel et al. 2020, "Exploring the limits of transfer learning with a unified text-to-text transformer", JMLR 21:140,
arXiv:1910.10683, sections 3.1.4 and 3.3.4. As in the released code a text begins with kept tokens and ends with hidden
ones, and is not rotated. Spans are a function of (seed, epoch, example) alone.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from genai_hf.collators import counter, segments
from genai_hf.collators.segments import Integers, Spans
from genai_hf.collators.sentinels import sentinels, written
from genai_hf.collators.view import Piece, Rates, View
from genai_hf.errors import DataError

IGNORE = -100  # label of a position that no loss counts


@dataclass(frozen=True, kw_only=True)
class SpanCorruptionCollator:
    """Replace spans of each row with sentinels in the inputs, and let the targets be each sentinel with its span.

    ``a b c d e f`` with ``b c`` and ``f`` hidden gives the inputs ``a <extra_id_0> d e <extra_id_1> </s>`` and the
    targets ``<extra_id_0> b c <extra_id_1> f </s>``. A row of fewer than two tokens is left as it is and has no target.

    Args:
        tokenizer: Supplies padding, which begins the decoder's inputs too, the end of text and the sentinels
            ``<extra_id_0>``, ``<extra_id_1>`` …, which are its last tokens, from the last downwards.
        seed: Of the run; evaluation rows (epoch -1) do not depend on it.
        inputs_length: Tokens that the inputs shall have, sentinels and end of text included; `text_length` says how
            long the rows must be for it. Rows of other lengths are taken too.
        density: Share of the tokens to hide, in (0, 0.5].
        mean_span_length: Of the hidden spans, in tokens, at least 1.

    Raises:
        ValueError: A value lies outside its range, or the tokenizer lacks padding, an end of text or sentinels enough.
    """

    tokenizer: PreTrainedTokenizerBase
    seed: int = 0
    inputs_length: int = 512
    density: float = 0.15
    mean_span_length: float = 3.0
    is_random: ClassVar[bool] = True
    _sentinels: Integers = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not 0 < self.density <= 0.5:
            raise ValueError(f"density must be in (0, 0.5], or there is a span for no kept token; got {self.density}")
        if not 1 <= self.mean_span_length < math.inf:
            raise ValueError(f"mean_span_length must be at least 1, got {self.mean_span_length}")
        object.__setattr__(self, "_sentinels", sentinels(self.tokenizer))
        spans = int(self._counts(np.array([self.text_length]))[1][0])
        if spans > len(self._sentinels):
            raise ValueError(
                f"inputs of {self.inputs_length:,} tokens hide {spans:,} spans and the tokenizer has "
                f"{len(self._sentinels)} sentinels; lower sequence_length or density, or raise mean_span_length"
            )

    @property
    def text_length(self) -> int:
        """Tokens of a row whose inputs have `inputs_length` tokens."""
        return segments.text_length(self.inputs_length, density=self.density, mean_span_length=self.mean_span_length)

    @property
    def special(self) -> list[int]:
        """Ids in the targets that are no text: the sentinels and the end."""
        return [*self._sentinels.tolist(), self.tokenizer.eos_token_id]

    def __call__(self, rows: Sequence[dict[str, Any]]) -> dict[str, Tensor]:
        """Collate rows of `input_ids`, `example_id` and `epoch`.

        Returns:
            `input_ids` and `attention_mask`, int64 (B, T); `decoder_input_ids`, the targets one place to the right
            behind a padding token, and `labels`, the targets, ignored on padding only, int64 (B, U); `label_positions`,
            int64 (number of labels,): where the labels are not ignored in the flattened batch, ascending.

        Raises:
            DataError: A row has more spans than there are sentinels.
        """
        lengths = np.array([len(row["input_ids"]) for row in rows], dtype=np.int64)
        text = np.concatenate([*(row["input_ids"] for row in rows), [self.tokenizer.eos_token_id]])
        keys = counter.row_keys(self.seed, [row["epoch"] for row in rows], [row["example_id"] for row in rows])
        spans = segments.draw(keys, lengths, density=self.density, mean_span_length=self.mean_span_length)
        if spans.number.max() > len(self._sentinels):
            worst, most = int(spans.number.argmax()), len(self._sentinels)
            raise DataError(
                f"example {rows[worst]['example_id']}: its {lengths[worst]:,} tokens hide {spans.number[worst]} spans "
                f"and the tokenizer has {most} sentinels; cut it into shorter rows"
            )
        return self.batch(text.astype(np.int64, copy=False), lengths, spans)

    def batch(self, text: Integers, lengths: Integers, spans: Spans) -> dict[str, Tensor]:
        """The batch of rows, which stand one after the other in `text`, with their spans given."""
        inputs, targets = written(text, lengths, spans, self._sentinels, self.tokenizer.eos_token_id)
        ids, attention = _rectangle(*inputs, self.tokenizer.pad_token_id)
        labels, is_target = _rectangle(*targets, IGNORE)
        decoder = np.empty_like(labels)
        decoder[:, 0] = self.tokenizer.pad_token_id
        decoder[:, 1:] = labels[:, :-1]
        decoder[decoder == IGNORE] = self.tokenizer.pad_token_id
        return {
            "input_ids": torch.from_numpy(ids),
            "attention_mask": torch.from_numpy(attention),
            "decoder_input_ids": torch.from_numpy(decoder),
            "labels": torch.from_numpy(labels),
            "label_positions": torch.from_numpy(np.flatnonzero(is_target)),
        }

    def view(self, row: dict[str, Any], batch: dict[str, Tensor]) -> View:
        """One example: what the encoder reads and the decoder writes, a span in the colour of its sentinel."""
        del row
        labels = batch["labels"][0]
        return View(
            {
                "encoder reads": self._pieces(batch["input_ids"][0].tolist(), is_span_shown=False),
                "decoder writes": self._pieces(labels[labels != IGNORE].tolist(), is_span_shown=True),
            }
        )

    def measure(self, rows: Sequence[dict[str, Any]], batch: dict[str, Tensor]) -> Rates:
        """Count what was done to the rows, to be held against the rule, which fixes it.

        Returns:
            For each rate: how often it happened, out of how many, and its share under the rule.
        """
        lengths = np.array([len(row["input_ids"]) for row in rows], dtype=np.int64)
        tokens, spans = (int(numbers.sum()) for numbers in self._counts(lengths))
        labels = batch["labels"].numpy()
        shown = int(np.isin(labels, self._sentinels).sum())
        hidden = len(batch["label_positions"]) - shown - int((lengths > 1).sum())  # an end of text for each row
        total = int(lengths.sum())
        return {
            "hidden, of tokens": (hidden, total, tokens / max(total, 1)),
            "spans, of hidden tokens": (shown, hidden, spans / max(tokens, 1)),
        }

    def _pieces(self, ids: Sequence[int], *, is_span_shown: bool) -> list[Piece]:
        pieces, span = list[Piece](), None
        for token in ids:
            if token in self._sentinels:
                span = int(self._sentinels[0]) - token
                pieces.append(Piece(token, "span", span=span))
            elif is_span_shown and span is not None and token != self.tokenizer.eos_token_id:
                pieces.append(Piece(token, "span", span=span))
            else:
                pieces.append(Piece(token))
        return pieces

    def _counts(self, lengths: Integers) -> tuple[Integers, Integers]:
        return segments.counts(lengths, density=self.density, mean_span_length=self.mean_span_length)


def _rectangle(flat: Integers, lengths: Integers, fill: int) -> tuple[Integers, Integers]:
    """Rows, one after the other in `flat`, as (B, T), at least one wide; and (B, T), 1 on them and 0 on `fill`."""
    width = max(int(lengths.max()), 1)
    if len(flat) == len(lengths) * width:
        return flat.reshape(-1, width), np.ones((len(lengths), width), dtype=np.int64)
    mask = np.arange(width) < lengths[:, None]
    rows = np.full(mask.shape, fill, dtype=np.int64)
    rows[mask] = flat
    return rows, mask.astype(np.int64)
