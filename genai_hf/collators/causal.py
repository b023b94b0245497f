"""Causal language modelling on packed blocks: every token is predicted from those before it in its own document.

Radford et al. 2018, "Improving Language Understanding by Generative Pre-Training", section 3.1. Several documents lie
in one block, so that nothing is padded; since none of them looks at another, each is predicted as if it came alone
(Krell et al. 2021, "Efficient Sequence Packing without Cross-contamination", arXiv:2107.02027, section 3.2). GPT-3 did
look across (Brown et al. 2020, arXiv:2005.14165, appendix B).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from genai_hf.collators.masking import IGNORE
from genai_hf.collators.view import Piece, Rates, View


@dataclass(frozen=True, kw_only=True)
class CausalLMCollator:
    """Label each token of a block with the one after it.

    Args:
        end_of_text: Id that ends each document; text never holds it.
        packing: ``documents`` starts positions anew in each document, by which the model keeps its attention within,
            and predicts no document's first token; ``stream`` is one text to the model, across the ends of documents.
    """

    end_of_text: int
    packing: Literal["documents", "stream"] = "documents"
    is_random: ClassVar[bool] = False

    def __call__(self, rows: Sequence[dict[str, Any]]) -> dict[str, Tensor]:
        """Collate rows of `input_ids`, all of one length.

        Returns:
            `input_ids`, `attention_mask` (all ones) and `labels`, int64 (B, T): `labels` holds at each position the
            token that follows it there, so nothing is to be shifted; `label_positions`, int64 (number of labels,),
            into the flattened batch; and `position_ids`, int64 (B, T), where documents are kept apart.
        """
        ids = np.stack([row["input_ids"] for row in rows]).astype(np.int64, copy=False)
        labels = np.full_like(ids, IGNORE)
        labels[:, :-1] = ids[:, 1:]
        apart = self.packing == "documents"
        if apart:
            labels[ids == self.end_of_text] = IGNORE
        batch = {
            "input_ids": ids,
            "attention_mask": np.ones_like(ids),
            "labels": labels,
            "label_positions": np.flatnonzero(labels != IGNORE),
        } | ({"position_ids": positions_in_documents(ids, self.end_of_text)} if apart else {})
        return {name: torch.from_numpy(array) for name, array in batch.items()}

    def view(self, row: dict[str, Any], batch: dict[str, Tensor]) -> View:
        """One block, a line for each piece of a document that may look only at itself, and who looks at whom."""
        del row
        ids = batch["input_ids"][0]
        places = batch.get("position_ids", torch.arange(len(ids))[None])[0]
        edges = [*(places == 0).nonzero()[:, 0].tolist(), len(ids)]
        lines = {
            f"{number}" if len(edges) > 2 else "": [
                Piece(token, "given" if place == 0 else "plain") for place, token in enumerate(ids[first:last].tolist())
            ]
            for number, (first, last) in enumerate(pairwise(edges), start=1)
        }
        document = (places == 0).cumsum(0)
        mask = (document[:, None] == document) & (torch.arange(len(ids))[:, None] >= torch.arange(len(ids)))
        several = len(lines) > 1
        note = "each token is predicted from those before it" + " in its line" * several
        return View(lines, note=note, mask=mask.numpy() if several else None)

    def measure(self, rows: Sequence[dict[str, Any]], batch: dict[str, Tensor]) -> Rates:
        """Count the tokens that are predicted, and the documents.

        Returns:
            For each rate: how often it came, out of how many, and its share.
        """
        del rows
        total, predicted = batch["labels"].numel(), len(batch["label_positions"])
        ends = int((batch["input_ids"] == self.end_of_text).sum())
        return {
            "predicted, of tokens": (predicted, total, predicted / total),
            "ends of documents, of tokens": (ends, total, ends / total),
        }


def positions_in_documents(ids: NDArray[np.int64], end_of_text: int) -> NDArray[np.int64]:
    """Place of each token in its document, or in what its row holds of it.

    Args:
        ids: (B, T).
        end_of_text: The last token of each document.

    Returns:
        int64 (B, T), 0 at each row's begin and after each end of a document.
    """
    places = np.arange(ids.shape[1])
    begins = np.zeros(ids.shape, dtype=np.int64)
    begins[:, 1:] = np.where(ids[:, :-1] == end_of_text, places[1:], 0)
    positions: NDArray[np.int64] = places - np.maximum.accumulate(begins, axis=1)
    return positions
