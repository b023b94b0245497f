"""Labelled examples to a batch: padded on the right to its longest, with segments where the model has them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import Tensor

from genai_hf.collators.padding import stack
from genai_hf.collators.view import Piece, Rates, View


@dataclass(frozen=True, kw_only=True)
class LabelledCollator:
    """Stack rows of `input_ids`, `second` and, where it is known, `label`.

    Args:
        pad_token_id: What fills up the shorter rows; no model sees it.
        pad_to_multiple_of: Tokens; for few shapes, and for tensor cores.
        segments: Whether the model tells first and second text apart by `token_type_ids`.
        shares: Share of each label, by its name, among the training rows; empty in a regression.
    """

    pad_token_id: int
    pad_to_multiple_of: int = 1
    segments: bool = True
    shares: Mapping[str, float] = field(default_factory=dict)
    is_random: ClassVar[bool] = False  # rows of like length, which come together, are no independent draws

    def __call__(self, rows: Sequence[dict[str, Any]]) -> dict[str, Tensor]:
        """Collate rows.

        Returns:
            `input_ids` and `attention_mask`, int64 (B, T); `token_type_ids`, int64 (B, T), 1 from the second text on,
            where the model has segments; `labels`, float32 (B,), where they are known.
        """
        ids, attention = stack(rows, self.pad_token_id, self.pad_to_multiple_of)
        batch = {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(attention)}
        if self.segments:
            batch["token_type_ids"] = segments(rows, batch["attention_mask"])
        if "label" in rows[0]:
            batch["labels"] = torch.tensor([row["label"] for row in rows], dtype=torch.float32)
        return batch

    def view(self, row: dict[str, Any], batch: dict[str, Tensor]) -> View:
        """One example with its label."""
        ids = enumerate(batch["input_ids"][0].tolist())
        pieces = [Piece(token, "second" if place >= row["second"] else "plain") for place, token in ids]
        return View({"": pieces}, note=label_note(row["label"], self.shares))

    def measure(self, rows: Sequence[dict[str, Any]], batch: dict[str, Tensor]) -> Rates:
        """Count the labels of the rows, to be held against their shares among all training rows.

        Returns:
            For each label: how often it came, out of how many, and its share.
        """
        del rows
        return label_rates(batch["labels"], self.shares)


def segments(rows: Sequence[dict[str, Any]], attention_mask: Tensor) -> Tensor:
    """Which of a row's two texts a token is of: int64 (B, T), 1 from the row's `second` on, 0 on padding."""
    second = torch.tensor([row["second"] for row in rows])
    return ((torch.arange(attention_mask.shape[1]) >= second[:, None]) & (attention_mask == 1)).long()


def label_note(label: float, shares: Mapping[str, float]) -> str:
    """A label by its name; in a regression the number itself."""
    return list(shares)[int(label)] if shares else f"{label:g}"


def label_rates(labels: Tensor, shares: Mapping[str, float]) -> Rates:
    """How often each label came, out of how many, and its share among all training rows."""
    return {
        f"label {name}": (int((labels == number).sum()), len(labels), share)
        for number, (name, share) in enumerate(shares.items())
    }
