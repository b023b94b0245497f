"""A finished run's model, to answer new texts with."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from transformers import AutoModelForSeq2SeqLM, PreTrainedModel, PreTrainedTokenizerFast

from genai_hf.analysis import finished
from genai_hf.collators.padding import stack
from genai_hf.encoding.encoded import Frame
from genai_hf.objectives.answering import Decoding

BATCH = 64  # texts at a time


@dataclass(frozen=True)
class Answerer:
    """Answers texts as in the evaluations of its training: framed, cut and decoded in the same way.

    Attributes:
        model: In evaluation mode.
        tokenizer: Of the model.
        length: Tokens of a text at most.
        decoding: How answers are generated.
    """

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerFast
    length: int
    decoding: Decoding

    @classmethod
    def of_run(cls, run: Path, *, length: int, decoding: Decoding) -> "Answerer":
        """The model of a finished run.

        Args:
            run: Its folder.
            length: Its sequence length.
            decoding: As it was evaluated with.

        Raises:
            ConfigError: It has no model of this kind.
        """
        return cls(*finished.read(run, AutoModelForSeq2SeqLM), length, decoding)

    def __call__(self, texts: Sequence[str]) -> Iterator[str]:
        """The answer to each text; a prefix is the caller's to set."""
        encodings = Frame(self.tokenizer, self.length)(texts, None)
        for start in range(0, len(encodings), BATCH):
            rows = [{"input_ids": np.array(ids)} for ids, _, _ in encodings[start : start + BATCH]]
            ids, attention = map(torch.from_numpy, stack(rows, self.tokenizer.pad_token_id))
            batch = {"input_ids": ids, "attention_mask": attention}
            answers = self.decoding(self.model, batch, self.tokenizer.pad_token_id)
            yield from map(str.strip, self.tokenizer.batch_decode(answers, skip_special_tokens=True))
