"""Texts and the texts that answer them to a batch of an encoder and a decoder (Raffel et al. 2020, section 2.1).

Teacher forcing: the decoder reads the answer shifted by one, after a token that begins every answer, and predicts the
answer itself, its end token included.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from genai_hf.collators import counter
from genai_hf.collators.masking import IGNORE
from genai_hf.collators.padding import stack
from genai_hf.collators.view import Piece, Rates, View

ANSWER = 0  # stream of random numbers
RATES = ("input tokens, of room", "answer tokens, of room", "inputs cut", "answers cut")


@dataclass(frozen=True, kw_only=True)
class TextToTextCollator:
    """Stack rows of `input_ids`, `targets`, `cut`, `example_id` and `epoch`.

    Args:
        pad_token_id: What fills up shorter rows; no loss counts it.
        decoder_start_token_id: What the decoder reads first.
        pad_to_multiple_of: Tokens; for few shapes, and for tensor cores.
        target: Which of several references is learned: the first, or in each epoch any, each as probably. In
            evaluation it is the first.
        seed: Of that draw.
        room: Tokens of an input and of an answer at most, against which their lengths are measured.
        shares: Of all training rows, what `measure` gives of some; empty where nothing is to be measured.
    """

    pad_token_id: int
    decoder_start_token_id: int
    pad_to_multiple_of: int = 1
    target: Literal["first", "any"] = "first"
    seed: int = 0
    room: tuple[int, int] = (1, 1)
    shares: Mapping[str, float] = field(default_factory=dict)
    is_random: ClassVar[bool] = False  # rows of like length, which come together, are no independent draws

    def __call__(self, rows: Sequence[dict[str, Any]]) -> dict[str, Tensor]:
        """Collate rows.

        Returns:
            `input_ids` and `attention_mask`, int64 (B, T); `decoder_input_ids` and `labels`, int64 (B, U), labels -100
            beyond an answer's end; `label_positions`, int64 (number of labels,): where the labels are not ignored in
            the flattened batch, ascending.
        """
        ids, attention = stack(rows, self.pad_token_id, self.pad_to_multiple_of)
        chosen = [{"input_ids": row["targets"][place]} for row, place in zip(rows, self._choose(rows), strict=True)]
        targets, known = stack(chosen, self.pad_token_id, self.pad_to_multiple_of)
        shifted = np.roll(targets, 1, axis=1)
        shifted[:, 0] = self.decoder_start_token_id
        return {
            "input_ids": torch.from_numpy(ids),
            "attention_mask": torch.from_numpy(attention),
            "decoder_input_ids": torch.from_numpy(shifted),
            "labels": torch.from_numpy(np.where(known == 1, targets, IGNORE)),
            "label_positions": torch.from_numpy(np.flatnonzero(known)),
        }

    def view(self, row: dict[str, Any], batch: dict[str, Tensor]) -> View:
        """One example: what the encoder reads, and what the decoder reads and predicts at each place."""
        read = zip(batch["decoder_input_ids"][0].tolist(), batch["labels"][0].tolist(), strict=True)
        cut = [name for name, is_cut in zip(("input", "answer"), row["cut"], strict=True) if is_cut]
        references = f"{len(row['targets'])} references, " if len(row["targets"]) > 1 else ""
        return View(
            {
                "encoder": [Piece(token) for token in batch["input_ids"][0].tolist()],
                "decoder": [Piece(token, "plain", label) for token, label in read],
            },
            note=f"{references}{' and '.join(cut) or 'nothing'} cut",
        )

    def measure(self, rows: Sequence[dict[str, Any]], batch: dict[str, Tensor]) -> Rates:
        """Count what was cut, and how much of the room is used, to be held against the shares of all training rows.

        Returns:
            For each rate: how often it came, out of how many, and its share.
        """
        if not self.shares:
            return {}
        inputs, answers = (len(rows) * room for room in self.room)
        cut = np.array([row["cut"] for row in rows]).sum(0).tolist()
        counts = (
            (sum(len(row["input_ids"]) for row in rows), inputs),
            (sum(len(row["targets"][0]) for row in rows), answers),
            (cut[0], len(rows)),
            (cut[1], len(rows)),
        )
        return {name: (*count, self.shares[name]) for name, count in zip(RATES, counts, strict=True)}

    def _choose(self, rows: Sequence[dict[str, Any]]) -> NDArray[np.int64]:
        """Number of the reference that each row learns, (B,)."""
        if self.target == "first":
            return np.zeros(len(rows), dtype=np.int64)
        epochs, examples = [row["epoch"] for row in rows], [row["example_id"] for row in rows]
        draws = counter.bits(counter.row_keys(self.seed, epochs, examples), np.array(0), ANSWER)
        drawn = [counter.below(draw, len(row["targets"])) for draw, row in zip(draws, rows, strict=True)]
        return np.where(np.array(epochs) < 0, 0, np.array(drawn))  # the mark of evaluation
