"""A finished run's model, to label new texts with."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForSequenceClassification, PreTrainedModel, PreTrainedTokenizerFast

from genai_hf.analysis import finished
from genai_hf.collators.labelled import LabelledCollator
from genai_hf.encoding.encoded import Frame
from genai_hf.errors import ConfigError
from genai_hf.models import has_segments
from genai_hf.models.pooling import last_token
from genai_hf.objectives.labelling import INPUTS

BATCH = 64  # texts at a time


@dataclass(frozen=True)
class Labeller:
    """Labels texts as in training: framed and cut in the same way.

    Attributes:
        model: In evaluation mode; its config names its outputs.
        tokenizer: Of the model.
        length: Tokens of an example at most.
        takes_pairs: Whether it judges pairs of texts.
    """

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerFast
    length: int
    takes_pairs: bool

    @classmethod
    def of_run(cls, run: Path, *, length: int, takes_pairs: bool) -> "Labeller":
        """The model of a finished run.

        Args:
            run: Its folder.
            length: Its sequence length.
            takes_pairs: Whether its task has pairs.

        Raises:
            ConfigError: It has no model of this kind.
        """
        return cls(*finished.read(run, AutoModelForSequenceClassification), length, takes_pairs)

    def __call__(self, texts: Sequence[str], pairs: Sequence[str] | None) -> Iterator[dict[str, float]]:
        """For each text its labels with their probabilities, the most probable first; in a regression ``value``.

        Args:
            texts: Any number.
            pairs: As many second texts, where the model takes pairs.

        Raises:
            ConfigError: Second texts are missing, or are given and not wanted.
        """
        if (pairs is not None) != self.takes_pairs:
            wants = "pairs of texts: give two" if self.takes_pairs else "single texts: give one"
            raise ConfigError(f"this model takes {wants}")
        encodings = Frame(self.tokenizer, self.length)(texts, pairs)
        collator = LabelledCollator(pad_token_id=self.tokenizer.pad_token_id, segments=has_segments(self.model.config))
        for start in range(0, len(encodings), BATCH):
            rows = [
                {"input_ids": torch.tensor(ids).numpy(), "second": second}
                for ids, second, _ in encodings[start : start + BATCH]
            ]
            yield from map(self._named, self._outputs(collator(rows)))

    @torch.no_grad()
    def _outputs(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        with last_token(self.model, batch["attention_mask"]):
            outputs: torch.Tensor = self.model(**{name: batch[name] for name in INPUTS if name in batch}).logits
        return outputs.float()

    def _named(self, outputs: torch.Tensor) -> dict[str, float]:
        if self.model.config.problem_type == "regression":
            return {"value": float(outputs[0])}
        names: dict[int, Any] = self.model.config.id2label
        shares = outputs.softmax(0)
        return {str(names[place]): float(shares[place]) for place in shares.argsort(descending=True).tolist()}
