"""Answering in free text: teacher-forced cross-entropy in training, generated answers and their scores in evaluation.

Everything is text to text (Raffel et al. 2020, arXiv:1910.10683, sections 2.3 and 2.4); a question is answered without
any document (Roberts et al. 2020, arXiv:2002.08910, section 3, who decode greedily).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import PreTrainedTokenizerFast

from genai_hf.losses import cross_entropy_sum
from genai_hf.metrics.answers import require, score
from genai_hf.metrics.language import language_metrics
from genai_hf.models.writing import plain, writer
from genai_hf.objectives.language import TextTally, forward, scored


@dataclass(frozen=True, kw_only=True)
class Decoding:
    """How an answer is generated: the same one every time, whatever a checkpoint says of length or repetition.

    Args:
        beams: Hypotheses that are kept at each step; 1 is greedy.
        max_new_tokens: Tokens of an answer at most, its end token included.

    Raises:
        ValueError: A number is below 1.
    """

    beams: int = 1
    max_new_tokens: int = 16

    def __post_init__(self) -> None:
        for name in ("beams", "max_new_tokens"):
            if vars(self)[name] < 1:
                raise ValueError(f"{name} must be at least 1, got {vars(self)[name]}")

    @torch.no_grad()
    def __call__(self, model: nn.Module, batch: Mapping[str, Tensor], pad_token_id: int) -> Tensor:
        """Answers to a batch, int64 (B, max_new_tokens), padded on the right.

        Args:
            model: Wrapped for several processes or not; the wrapped one generates, in no step with other ranks.
            batch: On the model's device: `input_ids` and `attention_mask` of an encoder, or `prompt_ids` and
                `prompt_mask`, padded on the left, of a decoder.
            pad_token_id: What fills up shorter answers.
        """
        alone = writer(model)
        names = ("prompt_ids", "prompt_mask") if "prompt_ids" in batch else ("input_ids", "attention_mask")
        asked, mask = (batch[name] for name in names)
        with plain(alone, num_beams=self.beams, max_new_tokens=self.max_new_tokens, do_sample=False) as config:
            ids = alone.generate(input_ids=asked, attention_mask=mask, generation_config=config)
        begun = 1 if alone.config.is_encoder_decoder else asked.shape[1]  # the decoder's first token, or the prompt
        answers: Tensor = ids[:, begun:]
        return F.pad(answers, (0, self.max_new_tokens - answers.shape[1]), value=pad_token_id)


@dataclass(frozen=True, kw_only=True)
class Answering:
    """The objective of batches of `TextToTextCollator` or `InstructCollator`.

    Args:
        tokenizer: Turns generated tokens into text.
        decoding: How answers are generated.
        scores: Names of the figures (`genai_hf.metrics.answers`), the deciding one first.
        references: Those of each evaluation row, in their order.
        majority: The answer whose scores are the yardstick.
        text: Scores the predictions of text, teacher-forced.
        head_on_labels: Compute the vocabulary head only where there is a label: the same loss, for less.
        groups: The group of each evaluation row, in their order, whose scores are given besides; empty has none.

    Raises:
        ValueError: A score is unknown.
        ConfigError: A score's library is missing.
    """

    tokenizer: PreTrainedTokenizerFast
    decoding: Decoding
    scores: Sequence[str]
    references: Sequence[Sequence[str]]
    majority: str
    text: TextTally
    head_on_labels: bool = True
    groups: Sequence[str] = ()
    weights: ClassVar[Mapping[str, float]] = {"answer": 1.0}

    def __post_init__(self) -> None:
        require(self.scores)

    def count(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Number of targets of each term."""
        return {"answer": torch.tensor(len(batch["label_positions"]))}

    def sums(self, model: nn.Module, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Sum of each term's loss over its targets."""
        output, targets = forward(model, batch, head_on_labels=self.head_on_labels)
        return {"answer": cross_entropy_sum(output.logits, targets)}

    def tally(self, model: nn.Module, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Sums over the batch's targets, and the generated answers (B, max_new_tokens)."""
        output, targets = forward(model, batch, head_on_labels=self.head_on_labels)
        answers = self.decoding(model, batch, filler(self.tokenizer))
        return self.text(*scored(output.logits, targets), targets) | {"answers": answers}

    def metrics(self, totals: Mapping[str, Any]) -> dict[str, float]:
        """Scores of the evaluation set, the deciding one first, those of the yardstick, and the loss's figures.

        Args:
            totals: The sums over all batches, and `answers` (N, max_new_tokens) in the order of the evaluation rows.
        """
        return self.figures(totals, self.references) | self._of_groups(self.texts(totals["answers"]))

    def figures(self, totals: Mapping[str, Any], references: Sequence[Sequence[str]]) -> dict[str, float]:
        """The same figures of any set, given its references."""
        scores = score(self.scores, self.texts(totals["answers"]), references)
        yardstick = score(self.scores, [self.majority] * len(references), references)
        language = language_metrics(totals)
        return scores | {f"majority_{name}": value for name, value in yardstick.items()} | language

    def _of_groups(self, texts: Sequence[str]) -> dict[str, float]:
        """The scores of each group by itself."""
        found = dict[str, float]()
        for group in sorted(set(self.groups)):
            rows = [place for place, name in enumerate(self.groups) if name == group]
            scores = score(self.scores, [texts[row] for row in rows], [self.references[row] for row in rows])
            found |= {in_group(name, group): value for name, value in scores.items()}
        return found

    def prompt(self, row: Mapping[str, Any]) -> str:
        """What a row's decoder has read before it answers."""
        return str(self.tokenizer.decode(row["input_ids"][: row["prompt"]], skip_special_tokens=True))

    def texts(self, answers: NDArray[np.float64]) -> list[str]:
        """Generated answers (N, max_new_tokens) as text."""
        ids = answers.astype(np.int64).tolist()
        return [text.strip() for text in self.tokenizer.batch_decode(ids, skip_special_tokens=True)]


def in_group(score_name: str, group: str) -> str:
    """What the score of one group is called among all figures."""
    return f"{score_name}_of_{'_'.join(group.lower().split())}"


def filler(tokenizer: PreTrainedTokenizerFast) -> int:
    """What fills up shorter answers, and is no part of any: padding, or where there is none the end of text."""
    return int(tokenizer.eos_token_id if tokenizer.pad_token_id is None else tokenizer.pad_token_id)
