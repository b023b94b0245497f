"""A finished run's decoder with a head at [EXTRACT], to label new texts with, or to choose between some."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, PreTrainedModel

from genai_hf.analysis import finished
from genai_hf.collators.extract import ExtractCollator
from genai_hf.data.splits import Split
from genai_hf.encoding import LaidOut, Layout
from genai_hf.model_folders import finished_model
from genai_hf.models.extract import Facts, read_extract_head
from genai_hf.objectives.extract import extracted
from genai_hf.tokenization import append_marks

BATCH = 32  # examples at a time


@dataclass(frozen=True)
class Extractor:
    """Labels texts as in training: laid out and cut in the same way.

    Attributes:
        model: In evaluation mode, with its head.
        facts: How the head is used.
        layout: Of the texts.
    """

    model: PreTrainedModel
    facts: Facts
    layout: Layout

    @classmethod
    def of_run(cls, run: Path) -> "Extractor":
        """The model of a finished run.

        Raises:
            ConfigError: It has no model of this kind.
        """
        model, tokenizer = finished.read(run, AutoModelForCausalLM)
        facts = read_extract_head(model, finished_model(str(run)))
        marks = append_marks(tokenizer, start=facts.start, delimiter=facts.delimiter, extract=facts.extract)
        layout = Layout(tokenizer=tokenizer, marks=marks, transformation=facts.transformation, length=facts.length)
        return cls(model, facts, layout)

    def __call__(self, split: Split) -> Iterator[dict[str, float]]:
        """For each example its labels, or its choices, with their probabilities, the most probable first.

        In a regression its ``value``.
        """
        rows = LaidOut(split, self.layout(split))
        collator = ExtractCollator(pad_token_id=0, transformation=self.facts.transformation)
        for start in range(0, len(rows), BATCH):
            numbers = range(start, min(start + BATCH, len(rows)))
            batch = collator([rows[number] for number in numbers])
            parts = self._outputs(batch)
            for number, outputs in zip(numbers, parts, strict=True):
                yield self._named(outputs, split.choices[number] if split.choices else list(self.facts.names))

    @torch.no_grad()
    def _outputs(self, batch: dict[str, torch.Tensor]) -> list[torch.Tensor]:
        """Outputs of each example (labels, choices or 1)."""
        with extracted(self.model, batch) as found:
            self.model.base_model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"])
        if self.facts.transformation == "multiple_choice":
            return list(torch.split(found[0][:, 0].float(), batch["sequences"].tolist()))
        return list(found[0].float())

    @staticmethod
    def _named(outputs: torch.Tensor, names: list[str]) -> dict[str, float]:
        if not names:
            return {"value": float(outputs[0])}
        shares = outputs.softmax(0)
        return {names[place]: float(shares[place]) for place in shares.argsort(descending=True).tolist()}
