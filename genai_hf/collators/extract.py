"""Examples of one or more sequences to a batch, with the place in each where the head reads (Radford et al. 2018)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from genai_hf.collators.labelled import label_note, label_rates
from genai_hf.collators.padding import stack
from genai_hf.collators.view import Kind, Piece, Rates, View
from genai_hf.encoding.layout import Transformation


@dataclass(frozen=True, kw_only=True)
class ExtractCollator:
    """Stack the sequences of rows as `genai_hf.encoding.LaidOut` gives them.

    Args:
        pad_token_id: What fills up the shorter sequences; no model sees it, and any id will do.
        pad_to_multiple_of: Tokens; for few shapes, and for tensor cores.
        transformation: Of the sequences; only what is shown of them depends on it.
        shares: Share of each label, by its name, among the training rows; empty in a regression.
    """

    pad_token_id: int
    transformation: Transformation
    pad_to_multiple_of: int = 1
    shares: Mapping[str, float] = field(default_factory=dict)
    is_random: ClassVar[bool] = False  # rows of like length, which come together, are no independent draws

    def __call__(self, rows: Sequence[dict[str, Any]]) -> dict[str, Tensor]:
        """Collate B rows of S sequences together.

        Returns:
            `input_ids` and `attention_mask`, int64 (S, T), padded on the right; `extract_positions`, int64 (S,): where
            each sequence ends, in the flattened batch; `sequences`, int64 (B,): how many each row has; `labels`,
            float32 (B,), where they are known.
        """
        cut = [ids for row in rows for ids in np.split(row["input_ids"], np.cumsum(row["lengths"])[:-1])]
        ids, attention = stack([{"input_ids": part} for part in cut], self.pad_token_id, self.pad_to_multiple_of)
        lengths = np.concatenate([row["lengths"] for row in rows])
        batch = {
            "input_ids": torch.from_numpy(ids),
            "attention_mask": torch.from_numpy(attention),
            "extract_positions": torch.from_numpy(np.arange(len(ids)) * ids.shape[1] + lengths - 1),
            "sequences": torch.tensor([len(row["lengths"]) for row in rows]),
        }
        if "label" in rows[0]:
            batch["labels"] = torch.tensor([row["label"] for row in rows], dtype=torch.float32)
        return batch

    def view(self, row: dict[str, Any], batch: dict[str, Tensor]) -> View:
        """One example with its label: a line for each of its sequences."""
        lines = {}
        for number, (length, second) in enumerate(zip(row["lengths"], row["seconds"], strict=True)):
            ids = batch["input_ids"][number, : int(length)].tolist()
            lines[self._named(number)] = [
                Piece(token, self._kind(number, place, int(second), len(ids))) for place, token in enumerate(ids)
            ]
        if self.transformation == "multiple_choice":
            return View(lines, note=self._named(int(row["label"])))
        return View(lines, note=label_note(row["label"], self.shares))

    def measure(self, rows: Sequence[dict[str, Any]], batch: dict[str, Tensor]) -> Rates:
        """Count the labels of the rows, to be held against their shares among all training rows."""
        del rows
        return label_rates(batch["labels"], self.shares)

    def _named(self, number: int) -> str:
        if self.transformation == "similarity":
            return ("in order", "turned")[number]
        return f"choice {number}" if self.transformation == "multiple_choice" else ""

    def _kind(self, number: int, place: int, second: int, length: int) -> Kind:
        """How a token is shown: the example's second text comes first where the two are turned."""
        if place in {0, length - 1} or place == second - 1:
            return "special"
        is_turned = self.transformation == "similarity" and number == 1
        return "second" if (place >= second) != is_turned else "plain"
