"""Span corruption as it is commonly written: a mask for one text after the other, then a batch of one length."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

DENSITY, MEAN = 0.15, 3.0


class RowByRow:
    """The common way, for rows of one length."""

    def __init__(self, tokenizer: Any) -> None:
        self.first, self.end, self.pad = len(tokenizer), tokenizer.eos_token_id, tokenizer.pad_token_id
        self.random = np.random.default_rng(0)

    def __call__(self, rows: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
        """Collate."""
        ids = np.array([row["input_ids"] for row in rows])
        hidden = np.asarray([self.mask(ids.shape[1]) for _ in rows])
        inputs, labels = self.written(ids, hidden), self.written(ids, ~hidden)
        decoder = np.zeros_like(labels)
        decoder[:, 1:] = labels[:, :-1]
        decoder[:, 0] = self.pad
        batch = {"input_ids": inputs, "attention_mask": np.ones_like(inputs), "labels": labels}
        return {name: torch.from_numpy(array) for name, array in (batch | {"decoder_input_ids": decoder}).items()}

    def mask(self, length: int) -> NDArray[np.bool_]:
        """Which tokens of one text are hidden."""
        number = min(max(round(length * DENSITY), 1), length - 1)
        spans = max(round(number / MEAN), 1)
        parts = np.stack([self.parts(length - number, spans), self.parts(number, spans)], axis=1).ravel()
        begins = np.zeros(length, dtype=np.int8)
        begins[np.cumsum(parts)[:-1]] = 1
        return np.cumsum(begins) % 2 == 1

    def parts(self, items: int, number: int) -> NDArray[np.int64]:
        """Sizes of `number` parts of at least one."""
        begins = np.arange(items - 1) < number - 1
        self.random.shuffle(begins)
        part = np.cumsum(np.pad(begins, (1, 0)))
        return np.unique(part, return_counts=True)[1]

    def written(self, ids: NDArray[np.int64], left_out: NDArray[np.bool_]) -> NDArray[np.int64]:
        """The texts with a sentinel where tokens are left out, and the end."""
        begins = left_out & ~np.roll(left_out, 1, axis=1)
        begins[:, 0] = left_out[:, 0]
        named = np.where(begins, self.first - np.cumsum(begins, axis=1), 0)
        named = np.where(left_out & ~begins, -1, named)
        whole = np.where(named != 0, named, ids)
        kept = whole[whole >= 0].reshape(len(ids), -1)
        return np.concatenate([kept, np.full((len(ids), 1), self.end)], axis=1)
