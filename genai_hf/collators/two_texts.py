"""Rows of one text of which some count as two, so that a model learns both of its token types.

BERT's own rows are pairs, the second of token type 1 (Devlin et al. 2018, arXiv:1810.04805, figure 2). Where rows are
single texts, the embedding of that type stays as it was drawn, and falls upon every word of a second text once the
model is fine-tuned on pairs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from genai_hf.collators import counter
from genai_hf.collators.masking import MaskedLMCollator
from genai_hf.collators.view import Rates, View

WHETHER, WHERE = 0, 1  # what a row's two random numbers decide
SHORTEST = 4  # tokens of a row that is two texts: [CLS], a token of each, [SEP]


@dataclass(frozen=True, kw_only=True)
class TwoTextsCollator:
    """Hide tokens, and count the rest of some rows, from a random token on, as a second text.

    Rows of evaluation (epoch -1) are one text each.

    Args:
        masking: Hides the tokens.
        share: Of the rows that count as two texts, in [0, 1]; each place for the second to begin is equally likely.

    Raises:
        ValueError: The share lies outside its range.
    """

    masking: MaskedLMCollator
    share: float = 0.5
    is_random: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise ValueError(f"must be in [0, 1], got {self.share}")

    def __call__(self, rows: Sequence[dict[str, Any]]) -> dict[str, Tensor]:
        """Collate rows as `MaskedLMCollator` does.

        Returns:
            What that gives; and, with a share above 0, `token_type_ids`, int64 (B, T), 1 from the first token of a
            second text to its [SEP].
        """
        batch = self.masking(rows)
        if self.share == 0:
            return batch
        epochs = [row["epoch"] for row in rows]
        keys = counter.mix(counter.row_keys(self.masking.seed, epochs, [row["example_id"] for row in rows]))
        draws = counter.bits(keys[:, None], np.array([WHETHER, WHERE]), 0)
        lengths = batch["attention_mask"].sum(1).numpy()
        is_two = (np.array(epochs) >= 0) & (lengths >= SHORTEST) & (counter.uniform(draws[:, WHETHER]) < self.share)
        begins = 2 + counter.below(draws[:, WHERE], np.maximum(lengths - SHORTEST + 1, 1))
        places = np.arange(batch["input_ids"].shape[1])
        types = torch.from_numpy(is_two[:, None] & (places >= begins[:, None])).long()
        return batch | {"token_type_ids": types * batch["attention_mask"]}

    def view(self, row: dict[str, Any], batch: dict[str, Tensor]) -> View:
        """One example: what is hidden, and where a second text begins."""
        pieces = self.masking.view(row, batch).lines[""]
        if "token_type_ids" not in batch or not batch["token_type_ids"].any():
            return View({"": pieces})
        begin = int(batch["token_type_ids"][0].argmax())
        return View({"first": pieces[:begin], "second": pieces[begin:]})

    def measure(self, rows: Sequence[dict[str, Any]], batch: dict[str, Tensor]) -> Rates:
        """Count what was done to the rows, to be held against the rule."""
        if self.share == 0:
            return self.masking.measure(rows, batch)
        drawn = [row["epoch"] >= 0 and len(row["input_ids"]) >= SHORTEST for row in rows]
        share = (int(batch["token_type_ids"].any(1).sum()), sum(drawn), self.share)
        return {"of two texts": share} | self.masking.measure(rows, batch)
