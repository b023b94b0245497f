"""Prefix language modelling: a text is cut at random, its beginning is read in both directions and the rest predicted.

Raffel et al. 2020, arXiv:1910.10683, section 3.2.1 and figure 4 (the mask), section 3.3.1 (the cut is uniform); Dong et
al. 2019, arXiv:1905.03197, for a model of one stack. An encoder-decoder reads the beginning in its encoder.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from genai_hf.collators import counter
from genai_hf.collators.masking import IGNORE
from genai_hf.collators.padding import stack
from genai_hf.collators.view import Piece, Rates, View
from genai_hf.models.attention import prefix_mask

CUT = 0  # stream of the random numbers that cut


@dataclass(frozen=True, kw_only=True)
class PrefixLMCollator:
    """Cut each row in two; the second part is what is predicted.

    Args:
        seed: Of the run; evaluation rows (epoch -1) do not depend on it.
        end_of_text: Id that ends what is read and what is predicted in an encoder-decoder.
        decoder_start: Id that an encoder-decoder's decoder begins with; None for a model of one stack.
        pad_token_id: What fills up the shorter parts of an encoder-decoder; no model sees it.
        share: Of the row that is its beginning, in (0, 1), at least a token; None draws its length uniformly from 1 to
            all tokens but one.

    Raises:
        ValueError: A share lies outside its range.
    """

    seed: int = 0
    end_of_text: int
    decoder_start: int | None = None
    pad_token_id: int = 0
    share: float | None = None
    is_random: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.share is not None and not 0 < self.share < 1:
            raise ValueError(f"share must lie between 0 and 1, or null to draw it, got {self.share}")

    def __call__(self, rows: Sequence[dict[str, Any]]) -> dict[str, Tensor]:
        """Collate rows of `input_ids`, all of one length of at least two, `example_id` and `epoch`.

        Returns:
            For one stack `input_ids`, `attention_mask` (all ones) and `labels`, int64 (B, T), which hold at each
            position the token that follows it, so nothing is to be shifted; `label_positions`, int64 (number of
            labels,), into the flattened batch; and `prefix_lengths`, int64 (B,). For an encoder-decoder the first two
            are of the beginnings, `decoder_input_ids` and `labels` of the rest, each padded to its longest.
        """
        ids = np.stack([row["input_ids"] for row in rows]).astype(np.int64, copy=False)
        lengths = self.prefix_lengths(rows, ids.shape[1])
        arrays = self._one_stack(ids, lengths) if self.decoder_start is None else self._two_stacks(ids, lengths)
        arrays["label_positions"] = np.flatnonzero(arrays["labels"] != IGNORE)
        return {name: torch.from_numpy(array) for name, array in arrays.items()}

    def prefix_lengths(self, rows: Sequence[dict[str, Any]], length: int) -> NDArray[np.int64]:
        """Tokens of each row's beginning, int64 (B,), in [1, length - 1]."""
        if self.share is not None:
            return np.full(len(rows), np.clip(round(self.share * length), 1, length - 1), dtype=np.int64)
        keys = counter.row_keys(self.seed, [row["epoch"] for row in rows], [row["example_id"] for row in rows])
        return 1 + counter.below(counter.bits(keys, np.zeros(1, dtype=np.int64), CUT), length - 1)

    def view(self, row: dict[str, Any], batch: dict[str, Tensor]) -> View:
        """One example: what is read, and what is predicted; of one stack, who looks at whom."""
        length = int(self.prefix_lengths([row], len(row["input_ids"]))[0])
        text = row["input_ids"].tolist()
        note = f"the first {length} of {len(text)} tokens are read, the rest is predicted"
        if self.decoder_start is None:
            lines = {"": [Piece(token, "given" if place < length else "plain") for place, token in enumerate(text)]}
            return View(lines, note=note, mask=prefix_mask(batch["prefix_lengths"], len(text))[0].numpy())
        read, said = batch["input_ids"][0].tolist(), batch["labels"][0].tolist()
        return View(
            {"encoder": [Piece(token, "given") for token in read], "decoder": list(map(Piece, said))}, note=note
        )

    def measure(self, rows: Sequence[dict[str, Any]], batch: dict[str, Tensor]) -> Rates:
        """Count the tokens of text that are predicted.

        Returns:
            For each rate: how often it came, out of how many, and its share.
        """
        total = sum(len(row["input_ids"]) for row in rows)
        predicted = len(batch["label_positions"]) - (0 if self.decoder_start is None else len(rows))
        return {"predicted, of tokens": (predicted, total, predicted / total)}

    def _one_stack(self, ids: NDArray[np.int64], lengths: NDArray[np.int64]) -> dict[str, NDArray[np.int64]]:
        labels = np.full_like(ids, IGNORE)
        labels[:, :-1] = ids[:, 1:]
        labels[np.arange(ids.shape[1]) < lengths[:, None] - 1] = IGNORE
        return {"input_ids": ids, "attention_mask": np.ones_like(ids), "labels": labels, "prefix_lengths": lengths}

    def _two_stacks(self, ids: NDArray[np.int64], lengths: NDArray[np.int64]) -> dict[str, NDArray[np.int64]]:
        end, cuts = [self.end_of_text], lengths.tolist()
        read, mask = stack(_rows([[*row[:cut], *end] for row, cut in zip(ids, cuts, strict=True)]), self.pad_token_id)
        said, real = stack(_rows([[*row[cut:], *end] for row, cut in zip(ids, cuts, strict=True)]), self.pad_token_id)
        start = np.full((len(ids), 1), self.decoder_start)
        return {
            "input_ids": read,
            "attention_mask": mask,
            "decoder_input_ids": np.concatenate([start, said[:, :-1]], axis=1),
            "labels": np.where(real == 1, said, IGNORE),
        }


def _rows(texts: list[list[int]]) -> list[dict[str, Any]]:
    return [{"input_ids": np.array(text, dtype=np.int64)} for text in texts]
