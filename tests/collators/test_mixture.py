"""Text and supervised examples in one batch."""

import numpy as np
import pytest
import torch
from t5_tiny import make_t5, make_t5_tokenizer

from genai_hf.collators.mixture import MixtureCollator
from genai_hf.collators.span_corruption import SpanCorruptionCollator
from genai_hf.objectives.language import LanguageModelling, TextTally

TOKENIZER = make_t5_tokenizer()
SPANS = SpanCorruptionCollator(tokenizer=TOKENIZER, inputs_length=16)
MIXTURE = MixtureCollator(spans=SPANS, share=0.5)
END, PAD = TOKENIZER.eos_token_id, TOKENIZER.pad_token_id


def text(number: int, length: int = 16) -> dict:
    return {"input_ids": np.arange(5, 5 + length), "example_id": number, "epoch": 0}


def answered(number: int, length: int) -> dict:
    ids = np.array([*range(20, 20 + length), END])
    return {
        "input_ids": ids,
        "targets": [np.array([7, 8, END])],
        "cut": (False, False),
        "example_id": number,
        "epoch": 0,
    }


def test_each_row_is_as_its_own_collator_makes_it_and_where_it_was() -> None:
    rows = [answered(0, 11), text(1), answered(2, 2), text(3)]
    batch, alone = MIXTURE(rows), SPANS([text(1), text(3)])
    assert batch["input_ids"].shape == (4, 16)
    assert batch["labels"].shape == (4, 4)
    assert batch["input_ids"][0].tolist() == [*range(20, 31), END] + [PAD] * 4
    assert batch["input_ids"][2].tolist() == [20, 21, END] + [PAD] * 13
    assert batch["attention_mask"].sum(1).tolist() == [12, 16, 3, 16]
    assert batch["labels"][0].tolist() == [7, 8, END, -100]
    assert batch["decoder_input_ids"][2].tolist() == [PAD, 7, 8, PAD]
    for place, own in ((1, 0), (3, 1)):
        for name in ("input_ids", "labels", "decoder_input_ids"):
            width = alone[name].shape[1]
            assert torch.equal(batch[name][place, :width], alone[name][own])
    expected = (batch["labels"].flatten() != -100).nonzero()[:, 0]
    assert torch.equal(batch["label_positions"], expected)


def test_a_batch_of_one_kind_is_that_collators() -> None:
    for rows, collator in (([text(0), text(1)], SPANS), ([answered(0, 3), answered(1, 5)], MIXTURE.answers)):
        batch, own = MIXTURE(rows), collator(rows)
        assert batch.keys() == own.keys()
        assert all(torch.equal(batch[name], own[name]) for name in own)


def test_the_loss_is_the_sum_of_the_kinds() -> None:
    model = make_t5("1.1", torch.float64).eval()
    objective = LanguageModelling(text=TextTally(np.arange(len(TOKENIZER))), term="text_to_text")
    rows = [answered(0, 11), text(1), answered(2, 2), text(3)]
    with torch.no_grad():
        whole = objective.sums(model, MIXTURE(rows))["text_to_text"]
        parts = [objective.sums(model, MIXTURE([row]))["text_to_text"] for row in rows]
    assert float(whole) == pytest.approx(float(sum(parts)), rel=1e-12)


def test_rows_are_counted_and_shown_by_their_kind() -> None:
    rows = [answered(0, 11), text(1), text(3)]
    rates = MIXTURE.measure(rows, MIXTURE(rows))
    assert rates["supervised, of rows"] == (1, 3, 0.5)
    assert rates["hidden, of tokens"][1] == 32
    assert list(MIXTURE.view(rows[0], MIXTURE(rows[:1])).lines) == ["encoder", "decoder"]
    assert list(MIXTURE.view(rows[1], MIXTURE(rows[1:2])).lines) == ["encoder reads", "decoder writes"]
