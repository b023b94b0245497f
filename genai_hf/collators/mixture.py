"""Rows of several kinds in one batch: text whose spans are hidden, and texts with the texts that answer them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from genai_hf.collators.masking import IGNORE
from genai_hf.collators.span_corruption import SpanCorruptionCollator
from genai_hf.collators.text_to_text import TextToTextCollator
from genai_hf.collators.view import Rates, View


@dataclass(frozen=True, kw_only=True)
class MixtureCollator:
    """Collate each row by its kind, into one batch in the rows' order.

    Args:
        spans: For rows of text.
        share: Of an epoch's rows that have targets, against which they are counted.
    """

    spans: SpanCorruptionCollator
    share: float
    is_random: ClassVar[bool] = True

    @property
    def answers(self) -> TextToTextCollator:
        """For rows with ``targets``, which begin as those of spans do."""
        padding = self.spans.tokenizer.pad_token_id
        return TextToTextCollator(pad_token_id=padding, decoder_start_token_id=padding)

    def __call__(self, rows: Sequence[dict[str, Any]]) -> dict[str, Tensor]:
        """Collate rows.

        Returns:
            As both collators: `input_ids` and `attention_mask`, int64 (B, T), `decoder_input_ids` and `labels`, int64
            (B, U), padded to the widest row of either kind, and `label_positions`.
        """
        answered = torch.tensor(["targets" in row for row in rows])
        parts = {
            kind: (self.answers if kind else self.spans)([row for row in rows if ("targets" in row) == kind])
            for kind in sorted(set(answered.tolist()))
        }
        padding = self.answers.pad_token_id
        filler = {"input_ids": padding, "attention_mask": 0, "decoder_input_ids": padding, "labels": IGNORE}
        batch = dict[str, Tensor]()
        for name, fill in filler.items():
            width = max(part[name].shape[1] for part in parts.values())
            batch[name] = torch.full((len(rows), width), fill)
            for kind, part in parts.items():
                batch[name][answered == kind, : part[name].shape[1]] = part[name]
        return batch | {"label_positions": (batch["labels"].flatten() != IGNORE).nonzero()[:, 0]}

    def view(self, row: dict[str, Any], batch: Mapping[str, Tensor]) -> View:
        """One example, as the collator of its kind shows it."""
        collator: Any = self.answers if "targets" in row else self.spans
        return collator.view(row, batch)  # type: ignore[no-any-return]

    def measure(self, rows: Sequence[dict[str, Any]], batch: Mapping[str, Tensor]) -> Rates:
        """Count the rows that have targets, and what was done to the others."""
        del batch
        text = [row for row in rows if "targets" not in row]
        answered = len(rows) - len(text)
        rates = self.spans.measure(text, self.spans(text)) if text else {}
        return {"supervised, of rows": (answered, len(rows), self.share)} | rates
