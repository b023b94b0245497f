"""Rows of two segments of text for next-sentence prediction, read from the token file as they are asked for."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset
from transformers import PreTrainedTokenizerFast

from genai_hf.encoding.blocks import EVALUATION, Index, require_words
from genai_hf.encoding.pair_plan import FIRST, FIRST_LENGTH, IS_DRAWN, IS_RANDOM, SECOND, SECOND_LENGTH, PairPlan
from genai_hf.encoding.tokens import Tokens
from genai_hf.errors import ConfigError, DataError

SPECIAL = 3  # [CLS] and two [SEP]


class SegmentPairs(Dataset[dict[str, Any]]):
    """``[CLS] first [SEP] second [SEP]`` for each pair of a plan.

    A row is ``{"input_ids": int64 (T,), "second": int, "is_random": bool, "is_drawn": bool, "example_id": int, "epoch":
    int}``: `second` is where the second segment begins, `is_random` whether it is from another document, `is_drawn`
    whether it could have been either. With `words` it has ``"word_starts": bool (T,)`` besides, each special token
    being a word of its own.

    Args:
        tokens: The documents of one split.
        plan: (pairs, 6), as `PairPlan.draw` gives them.
        tokenizer: Has ``[CLS]`` and ``[SEP]``.
        first_example_id: Number of the first row, so that no two splits share one.
        evaluation: Rows are of epoch -1 whatever is asked for.
        words: Whether rows say where words begin.
    """

    def __init__(
        self,
        tokens: Tokens,
        plan: NDArray[np.int64],
        tokenizer: PreTrainedTokenizerFast,
        *,
        first_example_id: int = 0,
        evaluation: bool = False,
        words: bool = False,
    ) -> None:
        self.tokens, self.plan = tokens, plan
        self.cls, self.sep = tokenizer.cls_token_id, tokenizer.sep_token_id
        self.first_example_id, self.evaluation, self.words = first_example_id, evaluation, words

    @property
    def fingerprint(self) -> str:
        """What determines the documents and their tokens: the name of their folder in the cache, and the split."""
        return f"{self.tokens.split}-{self.tokens.folder.name}"

    def __len__(self) -> int:
        return len(self.plan)

    def __getitem__(self, index: Index) -> dict[str, Any]:
        """The row of (epoch, index), or of an index alone in epoch 0.

        Raises:
            IndexError: There is no such row.
        """
        epoch, number = index if isinstance(index, tuple) else (0, index)
        if not 0 <= number < len(self):
            raise IndexError(f"{len(self):,} pairs, asked for {number}")
        pair = self.plan[number]
        spans = [
            slice(pair[start], pair[start] + pair[length])
            for start, length in ((FIRST, FIRST_LENGTH), (SECOND, SECOND_LENGTH))
        ]
        first, second = (self.tokens.ids[span].astype(np.int64) for span in spans)
        row = {"word_starts": self._word_starts(spans)} if self.words else {}
        return row | {
            "input_ids": np.concatenate([[self.cls], first, [self.sep], second, [self.sep]]),
            "second": len(first) + 2,
            "is_random": bool(pair[IS_RANDOM]),
            "is_drawn": bool(pair[IS_DRAWN]),
            "example_id": self.first_example_id + number,
            "epoch": EVALUATION if self.evaluation else epoch,
        }

    def _word_starts(self, spans: Sequence[slice]) -> NDArray[np.bool_]:
        first, second = (self.tokens.words[span] for span in spans)
        first[0] = second[0] = True  # of a word that is cut what is seen of it
        return np.concatenate([[True], first, [True], second, [True]])


def segment_pairs(
    tokens: Mapping[str, Tokens],
    tokenizer: PreTrainedTokenizerFast,
    *,
    length: int,
    seed: int = 0,
    passes: int = 1,
    short_probability: float = 0.1,
    random_share: float = 0.5,
    words: bool = False,
) -> dict[str, SegmentPairs]:
    """Pairs of segments of both splits.

    Args:
        tokens: Splits ``train`` and ``validation``, tokenised with their sentences.
        tokenizer: Has ``[CLS]`` and ``[SEP]``.
        length: Tokens of a row at most, the three special ones included.
        seed: Of what is drawn for training; the validation pairs do not depend on it.
        passes: How often the training text is cut into pairs, each time otherwise, at least 1.
        short_probability: As for `PairPlan`.
        random_share: As for `PairPlan`.
        words: Whether rows say where words begin.

    Raises:
        ValueError: A value lies outside its range.
        ConfigError: The tokenizer has no tokens to mark two segments with.
        DataError: A split is one document, in which no text is from another.
    """
    if passes < 1:
        raise ValueError(f"passes must be at least 1, got {passes}")
    if tokenizer.cls_token_id is None or tokenizer.sep_token_id is None:
        raise ConfigError("'tokenizer': next-sentence prediction needs [CLS] and [SEP]; take tokenizer.family=bert")
    if words:
        require_words(tokenizer)
    plan = PairPlan(room=length - SPECIAL, short_probability=short_probability, random_share=random_share)
    for split, some in tokens.items():
        if len(some.starts) - 1 < 2:
            remedy = "give several (data.document=paragraph cuts files)"
            remedy += ", or raise data.validation_share" if split == "validation" else ""
            raise DataError(f"{split}: one document, and next-sentence prediction needs text of another; {remedy}")
    text, held_out = tokens["train"], tokens["validation"]
    drawn = [plan.draw(text.starts, text.sentences, f"{seed} {number}") for number in range(passes)]
    train = SegmentPairs(text, np.concatenate(drawn), tokenizer, words=words)
    pairs = plan.draw(held_out.starts, held_out.sentences, "validation")
    validation = SegmentPairs(held_out, pairs, tokenizer, first_example_id=len(train), evaluation=True, words=words)
    return {"train": train, "validation": validation}
