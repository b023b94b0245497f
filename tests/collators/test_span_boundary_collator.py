"""The boundary of a span: the two text tokens beside it, in the same row, seen by the model as they are."""

from typing import Any

import numpy as np
import pytest
import torch
from test_whole_words import worded

from genai_hf.collators.masking import IGNORE, MaskedLMCollator
from genai_hf.collators.span_boundary import SpanBoundaryCollator, bounded_runs

ADDED = ["span_positions", "span_left", "span_right", "span_places"]


def collator(tokenizer: Any, positions: int = 15, **settings: Any) -> SpanBoundaryCollator:
    masking = MaskedLMCollator(tokenizer=tokenizer, unit="span", **settings)
    return SpanBoundaryCollator(masking=masking, positions=positions)


def test_a_batch_is_exactly_this(tokenizer: Any) -> None:
    # As in the spans' own test: hidden are 12, 16-17 and 19-20 of the first row, and the first word of the second.
    rows = [
        {"input_ids": [2, *range(10, 22), 3], "word_starts": [1] + [1, 0, 1] * 4 + [1], "example_id": 0, "epoch": 0},
        {"input_ids": [2, 20, 21, 3], "word_starts": [1, 1, 0, 1], "example_id": 1, "epoch": 0},
    ]
    batch = collator(tokenizer, probability=0.4, seed=3)(rows)
    assert batch["label_positions"].tolist() == [3, 7, 8, 10, 11, 15]
    assert batch["span_positions"].tolist() == [3, 7, 8, 10, 11]  # 15 stands beside [CLS]
    assert batch["span_left"].tolist() == [2, 6, 6, 9, 9]
    assert batch["span_right"].tolist() == [4, 9, 9, 12, 12]
    assert batch["span_places"].tolist() == [0, 0, 1, 0, 1]
    assert {batch[name].dtype for name in ADDED} == {torch.int64}


def test_a_long_span_has_as_many_targets_as_there_are_positions(tokenizer: Any) -> None:
    rows = [
        {"input_ids": [2, *range(10, 22), 3], "word_starts": [1] + [1, 0, 1] * 4 + [1], "example_id": 0, "epoch": 0}
    ]
    batch = collator(tokenizer, positions=1, probability=0.4, seed=3)(rows)
    assert batch["span_positions"].tolist() == [3, 7, 10]
    assert batch["span_right"].tolist() == [4, 9, 12]
    assert batch["label_positions"].tolist() == [3, 7, 8, 10, 11]


@pytest.mark.parametrize(
    ("hidden", "runs"),
    [
        ([2, 3, 4], [(2, 3)]),
        ([2, 3, 5], [(2, 2), (5, 1)]),
        ([1, 2], []),  # beside a special token
        ([6], []),
        ([7, 8], []),  # the end of one row and the beginning of the next
        ([9, 10, 14], [(9, 2)]),  # 15 is padding
        ([], []),
    ],
)
def test_runs_of_hidden_tokens_have_text_of_their_row_on_either_side(hidden: list[int], runs: list[Any]) -> None:
    text = np.array([[0, 1, 1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 1, 1, 1, 0]], dtype=bool)
    text[0, 7] = hidden == [7, 8]
    seen = text.copy()
    seen.ravel()[hidden] = False  # as [MASK] is no text
    begin, length = bounded_runs(np.array(hidden, dtype=np.int64), seen)
    assert list(zip(begin.tolist(), length.tolist(), strict=True)) == runs


def test_boundaries_are_tokens_that_are_seen_and_targets_are_labelled(tokenizer: Any) -> None:
    rows = worded(300, (64, 9, 30))
    batch = collator(tokenizer, positions=4, probability=0.3)(rows)
    labels, seen = batch["labels"].flatten(), batch["input_ids"].flatten()
    sides = torch.cat([batch["span_left"], batch["span_right"]])
    assert (labels[sides] == IGNORE).all()
    assert not torch.isin(seen[sides], torch.tensor(tokenizer.all_special_ids)).any()
    assert (labels[batch["span_positions"]] != IGNORE).all()
    assert (batch["span_positions"].diff() > 0).all()
    width = batch["labels"].shape[1]
    for left, right, target, place in zip(
        *(batch[name].tolist() for name in [*ADDED[1:3], ADDED[0], ADDED[3]]), strict=True
    ):
        assert left // width == right // width
        assert left + 1 + place == target < right
        assert (labels[left + 1 : right] != IGNORE).all()
        assert place < 4
    assert batch["span_places"].max() == 3


def test_the_batch_is_otherwise_that_of_the_masking(tokenizer: Any) -> None:
    rows, ours = worded(20, (32, 9)), collator(tokenizer)
    batch, plain = ours(rows), ours.masking(rows)
    assert all(torch.equal(batch[name], plain[name]) for name in plain)
    assert set(batch) - set(plain) == set(ADDED)


def test_inspect_sees_how_many_hidden_tokens_have_a_boundary(tokenizer: Any) -> None:
    rows, ours = worded(50, (32,)), collator(tokenizer)
    batch = ours(rows)
    targets, hidden, _ = ours.measure(rows, batch)["with a boundary, of hidden"]
    assert (targets, hidden) == (len(batch["span_positions"]), 50 * 5)
    assert 150 < targets < 250
    alone = ours(rows[:1])
    assert ours.view(rows[0], alone).note == f"{len(alone['span_positions'])} of 5 hidden tokens have a boundary"


def test_no_positions_are_refused(tokenizer: Any) -> None:
    with pytest.raises(ValueError, match="positions must be at least 1, got 0"):
        collator(tokenizer, positions=0)
