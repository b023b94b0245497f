"""The span boundary objective's targets: each hidden token by the two tokens beside its span.

Joshi et al. 2020, "SpanBERT", arXiv:1907.10529, section 3.2. Spans that lie side by side are one here, as in the
released code: the tokens beside it are then those that are not hidden. Where one of the two is no text, such as
``[CLS]``, ``[SEP]`` or padding, or where there is none, the span has no targets; and of a long span only as many tokens
as the head knows positions are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from genai_hf.collators.masking import MaskedLMCollator
from genai_hf.collators.view import Rates, View
from genai_hf.collators.words import ranges


@dataclass(frozen=True, kw_only=True)
class SpanBoundaryCollator:
    """Add to a masked batch where each span's boundary tokens stand.

    Args:
        masking: Makes the batch.
        positions: Tokens of a span that are predicted from its boundary, at least 1; those after them are not.

    Raises:
        ValueError: `positions` is below 1.
    """

    masking: MaskedLMCollator
    positions: int = 15
    is_random: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.positions < 1:
            raise ValueError(f"positions must be at least 1, got {self.positions}")

    def __call__(self, rows: Sequence[dict[str, Any]]) -> dict[str, Tensor]:
        """Collate rows as `masking` does.

        Returns:
            Its batch, and int64 (number of targets,) each: `span_positions`, where the targets stand in the flattened
            batch, ascending; `span_left` and `span_right`, where their spans' boundary tokens stand; and `span_places`,
            their places in their spans, from 0 on.
        """
        batch = self.masking(rows)
        text = self.masking.free(batch["input_ids"].numpy(), batch["attention_mask"].numpy())
        begin, length = bounded_runs(batch["label_positions"].numpy(), text)
        predicted = np.minimum(length, self.positions)
        targets = ranges(begin, predicted)
        found = {
            "span_positions": targets,
            "span_left": np.repeat(begin - 1, predicted),
            "span_right": np.repeat(begin + length, predicted),
            "span_places": targets - np.repeat(begin, predicted),
        }
        return batch | {name: torch.from_numpy(values) for name, values in found.items()}

    def view(self, row: dict[str, Any], batch: dict[str, Tensor]) -> View:
        """One example as `masking` shows it, and how much of it is predicted from boundaries too."""
        hidden, targets = len(batch["label_positions"]), len(batch["span_positions"])
        note = f"{targets} of {hidden} hidden tokens have a boundary"
        return View(self.masking.view(row, batch).lines, note=note)

    def measure(self, rows: Sequence[dict[str, Any]], batch: dict[str, Tensor]) -> Rates:
        """Count what was done to the rows: as `masking` does, and the hidden tokens that have a boundary."""
        targets, hidden = len(batch["span_positions"]), len(batch["label_positions"])
        share = targets / max(hidden, 1)  # it follows from the spans, so no rule says what it is
        return self.masking.measure(rows, batch) | {"with a boundary, of hidden": (targets, hidden, share)}


def bounded_runs(positions: NDArray[np.int64], text: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Hidden tokens that stand side by side, with a text token of the same row on either side.

    Args:
        positions: int64 (N,), of the hidden tokens in the flattened batch, ascending.
        text: bool (B, T), which tokens of the batch as the model sees it are text.

    Returns:
        Where each run begins in the flattened batch, and its length.
    """
    is_first = (np.diff(positions, prepend=-2) != 1) | (positions % text.shape[1] == 0)
    first = np.flatnonzero(is_first)
    begin, length = positions[first], np.diff(first, append=len(positions))
    row, column = np.divmod(begin, text.shape[1])
    framed = np.pad(text, ((0, 0), (1, 1)))  # nothing stands before a row or after it
    is_bounded = framed[row, column] & framed[row, column + length + 1]
    return begin[is_bounded], length[is_bounded]
