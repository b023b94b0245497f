"""Rows of token ids to one rectangle."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def stack(rows: Sequence[dict[str, Any]], pad_token_id: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Stack the rows' `input_ids`, padded on the right to the longest.

    Returns:
        Token ids and attention mask, both int64 (B, T); the mask is 1 on tokens and 0 on padding. A token that merely
        has the id of padding is a token.
    """
    lengths = np.array([len(row["input_ids"]) for row in rows])
    if (lengths == lengths[0]).all():
        ids = np.stack([row["input_ids"] for row in rows]).astype(np.int64, copy=False)
        return ids, np.ones_like(ids)
    mask = np.arange(lengths.max()) < lengths[:, None]
    ids = np.full(mask.shape, pad_token_id, dtype=np.int64)
    ids[mask] = np.concatenate([row["input_ids"] for row in rows])
    return ids, mask.astype(np.int64)
