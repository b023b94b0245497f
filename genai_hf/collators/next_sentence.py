"""Two segments in one row: which token is of which, and whether the second follows (Devlin et al. 2018, section 3.1).

The label is 0 where it follows, 1 where it is from another document, as in the released models.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from genai_hf.collators.labelled import segments
from genai_hf.collators.masking import MaskedLMCollator
from genai_hf.collators.view import Rates, View


@dataclass(frozen=True, kw_only=True)
class NextSentenceCollator:
    """Hide tokens of rows of two segments, and label the rows.

    Args:
        masking: Hides the tokens.
        random_share: Share of the second segments from elsewhere where there was a choice; what the rates are held
            against.
    """

    masking: MaskedLMCollator
    random_share: float = 0.5
    is_random: ClassVar[bool] = True

    def __call__(self, rows: Sequence[dict[str, Any]]) -> dict[str, Tensor]:
        """Collate rows of `input_ids`, `second`, `is_random`, `example_id` and `epoch`.

        Returns:
            What `MaskedLMCollator` gives; `token_type_ids`, int64 (B, T), 1 from the second segment on to its [SEP];
            and `next_sentence_labels`, int64 (B,).
        """
        batch = self.masking(rows)
        return batch | {
            "token_type_ids": segments(rows, batch["attention_mask"]),
            "next_sentence_labels": torch.tensor([int(row["is_random"]) for row in rows]),
        }

    def view(self, row: dict[str, Any], batch: dict[str, Tensor]) -> View:
        """One example: what is hidden in either segment, and whether the second follows."""
        pieces = self.masking.view(row, batch).lines[""]
        note = "from another document" if row["is_random"] else "the second follows"
        return View({"first": pieces[: row["second"]], "second": pieces[row["second"] :]}, note=note)

    def measure(self, rows: Sequence[dict[str, Any]], batch: dict[str, Tensor]) -> Rates:
        """Count what was done to the rows, to be held against the rule."""
        drawn = [row["is_random"] for row in rows if row["is_drawn"]]
        share = (sum(drawn), len(drawn), self.random_share)
        return {"second from elsewhere, where there was a choice": share} | self.masking.measure(rows, batch)
