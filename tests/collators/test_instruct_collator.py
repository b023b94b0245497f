"""Batches of prompts with responses: what is predicted, packed or not, and that it makes no difference."""

from typing import Any

import numpy as np
import pytest
import torch
from instruct_tiny import make_gpt2, make_llama, random_rows, row

from genai_hf.collators.instruct import InstructCollator, pack
from genai_hf.models import require_packing
from genai_hf.objectives.language import LanguageModelling, TextTally


def packed(room):
    """Settings of a collator that packs into rows of so many tokens, or not."""
    return {"length": room or 0, "packing": room is not None}


def objective(**settings: Any) -> LanguageModelling:
    return LanguageModelling(text=TextTally(np.ones(400, dtype=np.int64)), term="answer", **settings)


ROWS = [row([1, 2], [3, 9]), row([4], [5, 6, 9]), row([7], [9])]


def test_padded_rows_predict_the_response_from_the_last_token_of_the_prompt_on():
    batch = InstructCollator(pad_token_id=9)(ROWS)
    assert batch["input_ids"].tolist() == [[1, 2, 3, 9], [4, 5, 6, 9], [7, 9, 9, 9]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1, 1], [1, 1, 1, 1], [1, 1, 0, 0]]
    assert batch["labels"].tolist() == [[-100, 3, 9, -100], [5, 6, 9, -100], [9, -100, -100, -100]]
    assert batch["label_positions"].tolist() == [1, 2, 4, 5, 6, 8]
    assert set(batch) == {"input_ids", "attention_mask", "labels", "label_positions"}


def test_packed_rows_begin_anew_and_predict_nothing_across():
    batch = InstructCollator(pad_token_id=9, length=6, packing=True)(ROWS)
    assert batch["input_ids"].tolist() == [[1, 2, 3, 9, 7, 9], [4, 5, 6, 9, 9, 9]]
    assert batch["position_ids"].tolist() == [[0, 1, 2, 3, 0, 1], [0, 1, 2, 3, 0, 0]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 0, 0]]
    assert batch["labels"].tolist() == [[-100, 3, 9, -100, 9, -100], [5, 6, 9, -100, -100, -100]]
    assert batch["label_positions"].tolist() == [1, 2, 4, 6, 7, 8]


def test_several_turns_of_one_row_are_predicted():
    some = row([1, 2], [3, 9, 5, 6, 7, 9])
    some["learnt"][4:6] = False
    assert InstructCollator(pad_token_id=0)([some])["labels"].tolist() == [[-100, 3, 9, -100, -100, 7, 9, -100]]


def test_evaluation_rows_bring_their_prompts_padded_on_the_left():
    rows = [row([1, 2], [3, 9], epoch=-1), row([4], [5, 9], epoch=-1)]
    for room in (None, 8):
        batch = InstructCollator(pad_token_id=9, **packed(room))(rows)
        assert batch["prompt_ids"].tolist() == [[1, 2], [9, 4]]
        assert batch["prompt_mask"].tolist() == [[1, 1], [0, 1]]


def test_nothing_is_lost_and_no_row_is_longer_than_its_room():
    random = np.random.default_rng(0)
    for _ in range(200):
        room = int(random.integers(5, 60))
        lengths = random.integers(1, room + 1, random.integers(1, 40)).tolist()
        bins = pack(lengths, room)
        assert sorted(place for some in bins for place in some) == list(range(len(lengths)))
        sizes = [sum(lengths[place] for place in some) for some in bins]
        assert max(sizes) <= room
        assert len(bins) == 1 or sorted(sizes)[0] + sorted(sizes)[1] > room  # no two would have fitted into one
        assert bins == pack(lengths, room)


@pytest.mark.parametrize("make", [make_gpt2, make_llama])
def test_packed_the_loss_and_the_gradient_are_those_of_each_row_by_itself(make):
    model, rows = make(), random_rows(17)
    require_packing(model)
    gradients, sums = [], []
    for some, room in ((rows, None), (rows, 42), (rows, 100), ([[one] for one in rows], None)):
        model.zero_grad()
        parts = some if isinstance(some[0], list) else [some]
        total = sum(
            objective().sums(model, InstructCollator(pad_token_id=0, **packed(room))(part))["answer"] for part in parts
        )
        total.backward()
        sums.append(total.item())
        gradients.append(torch.cat([weight.grad.flatten() for weight in model.parameters()]))
    assert sums[1:] == pytest.approx([sums[0]] * 3, rel=1e-12)
    for other in gradients[1:]:
        assert float((other - gradients[0]).norm() / gradients[0].norm()) < 1e-12
    assert len(InstructCollator(pad_token_id=0, length=42, packing=True)(rows)["input_ids"]) < 17


@pytest.mark.parametrize("room", [None, 64])
@torch.no_grad()
def test_the_loss_is_the_mean_of_the_responses_log_probabilities_and_of_no_prompts(room):
    model, rows = make_gpt2(), random_rows(5)
    expected = 0.0
    for one in rows:
        said = model(input_ids=torch.from_numpy(one["input_ids"])[None]).logits[0].log_softmax(-1)
        for place in range(one["prompt"], len(one["input_ids"])):
            expected -= float(said[place - 1, one["input_ids"][place]])
    batch = InstructCollator(pad_token_id=3, **packed(room))(rows)
    assert float(objective().sums(model, batch)["answer"]) == pytest.approx(expected, rel=1e-10)
    assert int(objective().count(batch)["answer"]) == sum(len(one["input_ids"]) - one["prompt"] for one in rows)
    everywhere = float(objective(head_on_labels=False).sums(model, batch)["answer"])
    assert everywhere == pytest.approx(expected, rel=1e-10)
    in_pieces = float(objective(head_rows=3).sums(model, batch)["answer"])
    assert in_pieces == pytest.approx(expected, rel=1e-6)


def test_a_token_of_one_row_moves_no_other_rows_loss():
    model, collator = make_llama(), InstructCollator(pad_token_id=0, length=100, packing=True)
    rows = [row([5, 6, 7], [8, 9]), row([11, 12, 13, 14], [15, 16])]
    other = [row([5, 6, 7], [8, 9]), row([11, 99, 13, 14], [15, 16])]
    losses = []
    for some in (rows, other):
        batch = collator(some)
        assert len(batch["input_ids"]) == 1
        losses.append(objective()._predict(model, batch)[0].tolist())
    assert losses[0][2:] == pytest.approx(losses[1][2:], rel=1e-12)
    assert losses[0][:2] != pytest.approx(losses[1][:2], rel=1e-6)


def test_a_view_tells_what_is_given_from_what_is_predicted():
    collator = InstructCollator(pad_token_id=0, share=0.25)
    view = collator.view(ROWS[0], collator(ROWS[:1]))
    assert [(piece.token, piece.kind) for piece in view.lines[""]] == [
        (1, "given"), (2, "given"), (3, "predicted"), (9, "predicted"),
    ]  # fmt: skip
    assert view.note == "2 of 4 tokens are predicted"
    assert collator.measure(ROWS, collator(ROWS)) == {"predicted, of tokens": (6, 10, 0.25)}
