"""Prompts with their responses to a batch of a decoder, which learns the responses only.

Supervised fine-tuning (Ouyang et al. 2022, arXiv:2203.02155, section 3.1; Wang et al. 2022, arXiv:2204.07705). Rows are
padded, or packed without one seeing another: positions begin anew in each (Krell et al. 2021, arXiv:2107.02027, section
3.2). The rows of a batch are the same either way, and so is its loss.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from genai_hf.collators.masking import IGNORE
from genai_hf.collators.padding import rectangle
from genai_hf.collators.view import Piece, Rates, View
from genai_hf.encoding.blocks import EVALUATION


@dataclass(frozen=True, kw_only=True)
class InstructCollator:
    """Batches of rows as `genai_hf.encoding.InstructionRows` gives them.

    Args:
        pad_token_id: What fills up; no model sees it and no loss counts it, so that any id will do.
        length: Tokens of a packed row at most.
        packing: Whether several rows share one.
        pad_to_multiple_of: Tokens; for few shapes, and for tensor cores.
        share: Of the tokens of all training rows that are learnt, against which `measure` holds those of some.
    """

    pad_token_id: int
    length: int = 0
    packing: bool = False
    pad_to_multiple_of: int = 1
    share: float = 0.0
    is_random: ClassVar[bool] = False  # rows of like length, which come together, are no independent draws

    def __call__(self, rows: Sequence[dict[str, Any]]) -> dict[str, Tensor]:
        """Collate rows.

        Returns:
            `input_ids`, `attention_mask` and `labels`, int64 (R, T), where labels hold at each position the token that
            follows it there, so nothing is to be shifted, and -100 before what is not learnt; `label_positions`, int64
            (number of labels,), into the flattened batch; packed, `position_ids`, int64 (R, T), 0 where a row begins.
            Of evaluation rows besides the prompts alone, padded on the left: `prompt_ids` and `prompt_mask`, int64
            (B, P).
        """
        bins = [[place] for place in range(len(rows))] if not self.packing else pack(_lengths(rows), self.length)
        columns = {
            "input_ids": ([row["input_ids"] for row in rows], self.pad_token_id),
            "attention_mask": ([np.ones_like(row["input_ids"]) for row in rows], 0),
            "labels": ([labels(row) for row in rows], IGNORE),
            "position_ids": ([np.arange(len(row["input_ids"])) for row in rows], 0),
        }
        arrays = {
            name: self._rectangle([np.concatenate([parts[place] for place in some]) for some in bins], filler)
            for name, (parts, filler) in columns.items()
            if name != "position_ids" or self.packing
        }
        arrays["label_positions"] = np.flatnonzero(arrays["labels"] != IGNORE)
        if rows[0]["epoch"] == EVALUATION:
            arrays |= self._prompts(rows)
        return {name: torch.from_numpy(array) for name, array in arrays.items()}

    def view(self, row: dict[str, Any], batch: dict[str, Tensor]) -> View:
        """One example: what is read, and what is learnt."""
        del batch
        told = zip(row["input_ids"].tolist(), row["learnt"], strict=True)
        pieces = [Piece(token, "predicted" if known else "given") for token, known in told]
        return View({"": pieces}, note=f"{sum(row['learnt'])} of {len(pieces)} tokens are predicted")

    def measure(self, rows: Sequence[dict[str, Any]], batch: dict[str, Tensor]) -> Rates:
        """Count the tokens that are learnt.

        Returns:
            For each rate: how often it came, out of how many, and its share.
        """
        learnt, total = len(batch["label_positions"]), sum(_lengths(rows))
        return {"predicted, of tokens": (learnt, total, self.share)}

    def _prompts(self, rows: Sequence[dict[str, Any]]) -> dict[str, NDArray[np.int64]]:
        turned = [row["input_ids"][: row["prompt"]][::-1] for row in rows]
        ids = self._rectangle(turned, self.pad_token_id)
        mask = self._rectangle([np.ones_like(prompt) for prompt in turned], 0)
        return {"prompt_ids": ids[:, ::-1].copy(), "prompt_mask": mask[:, ::-1].copy()}

    def _rectangle(self, rows: Sequence[NDArray[Any]], filler: int) -> NDArray[Any]:
        return rectangle(rows, filler, np.int64, self.pad_to_multiple_of)


def labels(row: Mapping[str, Any]) -> NDArray[np.int64]:
    """What a row's tokens are followed by, int64 (T,), -100 where that is not learnt."""
    followed = np.where(row["learnt"], row["input_ids"], IGNORE)
    return np.append(followed[1:], IGNORE)


def pack(lengths: Sequence[int], room: int) -> list[list[int]]:
    """Places of rows by the packed row that they share: each, longest first, goes where it leaves the least room.

    Best-fit decreasing (Johnson et al. 1974), which needs at most 11/9 of the fewest packed rows and a few more.

    Args:
        lengths: Of the rows, each at most `room`.
        room: Of a packed row.
    """
    bins, left = list[list[int]](), list[int]()
    for place in sorted(range(len(lengths)), key=lambda place: -lengths[place]):
        fitting = [number for number, free in enumerate(left) if free >= lengths[place]]
        if not fitting:
            bins.append([])
            left.append(room)
            fitting = [len(bins) - 1]
        best = min(fitting, key=left.__getitem__)
        bins[best].append(place)
        left[best] -= lengths[place]
    return bins


def _lengths(rows: Sequence[Mapping[str, Any]]) -> list[int]:
    return [len(row["input_ids"]) for row in rows]
