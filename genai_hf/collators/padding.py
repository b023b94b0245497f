"""Rows of token ids to one rectangle."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def stack(
    rows: Sequence[dict[str, Any]], pad_token_id: int, multiple: int = 1
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Stack the rows' `input_ids`, padded on the right to the longest, or further to a `multiple`.

    Returns:
        Token ids and attention mask, both int64 (B, T); the mask is 1 on tokens and 0 on padding. A token that merely
        has the id of padding is a token.
    """
    columns = [row["input_ids"] for row in rows]
    ids, lengths = rectangle(columns, pad_token_id, np.int64, multiple), np.array([len(column) for column in columns])
    if lengths.sum() == ids.size:
        return ids, np.ones_like(ids)
    return ids, (np.arange(ids.shape[1]) < lengths[:, None]).astype(np.int64)


def rectangle(rows: Sequence[NDArray[Any]], filler: int, dtype: type[np.generic], multiple: int = 1) -> NDArray[Any]:
    """Stack rows as (B, T) of `dtype`, filled up on the right to the longest, T a multiple of `multiple`."""
    lengths = np.array([len(row) for row in rows])
    together = np.concatenate(rows).astype(dtype, copy=False)
    width = -(-lengths.max() // multiple) * multiple
    if (lengths == width).all():
        return together.reshape(len(rows), -1)
    filled = np.full((len(rows), width), filler, dtype=dtype)
    filled[np.arange(width) < lengths[:, None]] = together
    return filled
