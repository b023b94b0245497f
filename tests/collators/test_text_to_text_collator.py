from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import chisquare

from genai_hf.collators.masking import IGNORE
from genai_hf.collators.text_to_text import TextToTextCollator


def row(number: int, ids: list[int], *targets: list[int], epoch: int = 0, cut: tuple[bool, bool] = (False, False)):
    return {
        "input_ids": np.array(ids, dtype=np.int64),
        "targets": [np.array(target, dtype=np.int64) for target in targets],
        "cut": cut,
        "example_id": number,
        "epoch": epoch,
    }


def collate(rows: Any, **settings: Any) -> dict[str, torch.Tensor]:
    return TextToTextCollator(**{"pad_token_id": 0, "decoder_start_token_id": 0} | settings)(rows)


def test_a_batch_is_exactly_this():
    batch = collate([row(0, [10, 11, 12, 1], [20, 1]), row(1, [13, 1], [21, 22, 0, 1])])
    assert {name: tensor.tolist() for name, tensor in batch.items()} == {
        "input_ids": [[10, 11, 12, 1], [13, 1, 0, 0]],
        "attention_mask": [[1, 1, 1, 1], [1, 1, 0, 0]],
        "decoder_input_ids": [[0, 20, 1, 0], [0, 21, 22, 0]],
        "labels": [[20, 1, IGNORE, IGNORE], [21, 22, 0, 1]],  # an answer's token with the id of padding is a token
        "label_positions": [0, 1, 4, 5, 6, 7],
    }
    assert {tensor.dtype for tensor in batch.values()} == {torch.int64}


def test_the_decoder_begins_with_the_models_own_token():
    # As BART has it: the answer is <s> x </s>, and the decoder begins with </s>.
    batch = collate([row(0, [0, 9, 2], [0, 7, 2])], pad_token_id=1, decoder_start_token_id=2)
    assert batch["decoder_input_ids"].tolist() == [[2, 0, 7]]
    assert batch["labels"].tolist() == [[0, 7, 2]]


def test_nothing_of_an_answer_is_lost_and_every_place_sees_what_stands_before_it():
    random = np.random.default_rng(0)
    rows = [row(n, [5, 1], [*random.integers(2, 60, n % 9).tolist(), 1]) for n in range(40)]
    batch = collate(rows)
    assert len(batch["label_positions"]) == sum(len(one["targets"][0]) for one in rows)
    for place, one in enumerate(rows):
        labels = batch["labels"][place]
        assert labels[labels != IGNORE].tolist() == one["targets"][0].tolist()
        seen = batch["decoder_input_ids"][place, : len(one["targets"][0])].tolist()
        assert seen == [0, *one["targets"][0][:-1].tolist()]
    assert batch["label_positions"].tolist() == (batch["labels"].flatten() != IGNORE).nonzero()[:, 0].tolist()


def test_the_first_reference_is_learned_or_any_by_seed_epoch_and_example():
    def learned(epoch: int, target: str = "any", seed: int = 0, of: range = range(200)) -> list[int]:
        rows = [row(n, [5, 1], [30, 1], [31, 1], [32, 1], epoch=epoch) for n in of]
        return collate(rows, target=target, seed=seed)["labels"][:, 0].tolist()

    assert set(learned(0, "first")) == {30}
    assert set(learned(-1)) == {30}  # evaluation
    assert set(learned(0)) == {30, 31, 32}
    assert learned(0) == learned(0) != learned(1)
    assert learned(0) != learned(0, seed=1)
    assert learned(3, of=range(150, 151)) == learned(3)[150:151]
    counts = np.bincount(np.array([learned(epoch) for epoch in range(30)]).ravel())[30:]
    assert chisquare(counts).pvalue > 1e-4


def test_a_row_with_one_reference_has_nothing_to_draw():
    rows = [row(0, [5, 1], [30, 1], epoch=4), row(1, [5, 1], [31, 1], [32, 1], epoch=4)]
    assert collate(rows, target="any", seed=9)["labels"][0].tolist() == [30, 1]


def test_what_was_cut_and_how_much_room_is_used_is_measured():
    shares = {"input tokens, of room": 0.5, "answer tokens, of room": 0.2, "inputs cut": 0.25, "answers cut": 0.0}
    collator = TextToTextCollator(pad_token_id=0, decoder_start_token_id=0, room=(8, 4), shares=shares)
    rows = [row(0, [9, 9, 9, 1], [20, 1], cut=(True, False)), row(1, [9, 1], [20, 21, 1])]
    assert collator.measure(rows, collator(rows)) == {
        "input tokens, of room": (6, 16, 0.5),
        "answer tokens, of room": (5, 8, 0.2),
        "inputs cut": (1, 2, 0.25),
        "answers cut": (0, 2, 0.0),
    }
    assert TextToTextCollator(pad_token_id=0, decoder_start_token_id=0).measure(rows, collator(rows)) == {}


def test_an_example_is_shown_as_encoder_and_decoder_read_it():
    collator = TextToTextCollator(pad_token_id=0, decoder_start_token_id=0)
    one = row(0, [9, 8, 1], [20, 1], [21, 1], cut=(True, False))
    view = collator.view(one, collator([one]))
    assert [[(piece.token, piece.wanted) for piece in line] for line in view.lines.values()] == [
        [(9, None), (8, None), (1, None)],
        [(0, 20), (20, 1)],
    ]
    assert (list(view.lines), view.note) == (["encoder", "decoder"], "2 references, input cut")


@pytest.mark.parametrize("target", ["first", "any"])
def test_the_callers_rows_are_not_changed(target):
    rows = [row(0, [9, 1], [20, 1]), row(1, [9, 8, 1], [20, 21, 1])]
    before = [(one["input_ids"].copy(), one["targets"][0].copy()) for one in rows]
    collate(rows, target=target)
    assert all((one["input_ids"] == ids).all() and (one["targets"][0] == answer).all()
               for one, (ids, answer) in zip(rows, before, strict=True))  # fmt: skip
