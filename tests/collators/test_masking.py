import hashlib
from typing import Any

import numpy as np
import pytest
import torch
from conftest import Rows
from scipy.stats import binom, chisquare

from genai_hf.collators.choosing import smallest
from genai_hf.collators.masking import IGNORE, MaskedLMCollator


def collate(tokenizer: Any, rows: Any, **settings: Any) -> dict[str, torch.Tensor]:
    return MaskedLMCollator(tokenizer=tokenizer, **settings)(rows)


def rows_of(data: Rows, epoch: int = 0) -> list[dict[str, Any]]:
    return [data[epoch, index] for index in range(len(data))]


def test_a_batch_is_exactly_this(tokenizer: Any) -> None:
    rows = [{"input_ids": [2, 10, 11, 12, 13, 14, 15, 3], "example_id": 0, "epoch": 0},
            {"input_ids": [2, 20, 21, 3], "example_id": 1, "epoch": 0}]  # fmt: skip
    batch = collate(tokenizer, rows, probability=0.5)
    # Worked out from the definition with Python's integers; 30 is a random word, 15 stayed as it is.
    assert batch["input_ids"].tolist() == [[2, 4, 4, 30, 13, 14, 15, 3], [2, 4, 4, 3, 0, 0, 0, 0]]
    assert batch["labels"].tolist() == [
        [IGNORE, 10, 11, 12, IGNORE, IGNORE, 15, IGNORE],
        [IGNORE, 20, 21, IGNORE, IGNORE, IGNORE, IGNORE, IGNORE],
    ]
    assert batch["attention_mask"].tolist() == [[1] * 8, [1, 1, 1, 1, 0, 0, 0, 0]]
    assert batch["label_positions"].tolist() == [1, 2, 3, 6, 9, 10]
    assert {tensor.dtype for tensor in batch.values()} == {torch.int64}


def test_single_tokens_are_hidden_as_they_ever_were(tokenizer: Any) -> None:
    data, digest = Rows(60, (128, 31, 9, 2)), hashlib.sha256()
    rows = [data[index % 4, index] for index in range(60)]
    for selection in ("exact", "bernoulli"):
        batch = collate(tokenizer, rows, selection=selection, seed=3)
        for name in ("input_ids", "attention_mask", "labels", "label_positions"):
            digest.update(batch[name].numpy().tobytes())
    # Of the release before words and spans: who repeats a run gets the same one.
    assert digest.hexdigest() == "543572041782577cfb85f4565588490f8d221a09f1fb9664c2e12068a09b4fcf"


def test_labels_are_the_originals_and_everything_else_is_untouched(tokenizer: Any) -> None:
    data = Rows(50, lengths=(16, 9, 31))
    batch = collate(tokenizer, rows_of(data))
    for row, original in enumerate(data.rows):
        seen, labels = batch["input_ids"][row].numpy(), batch["labels"][row].numpy()
        chosen = np.flatnonzero(labels != IGNORE)
        assert (labels[chosen] == original[chosen]).all()
        untouched = np.setdiff1d(np.arange(len(original)), chosen)
        assert (seen[untouched] == original[untouched]).all()
        assert (seen[len(original) :] == tokenizer.pad_token_id).all()
        assert not {0, len(original) - 1} & set(chosen)  # [CLS] and [SEP]


def test_positions_are_where_the_labels_are(tokenizer: Any) -> None:
    batch = collate(tokenizer, rows_of(Rows(20, lengths=(16, 9))))
    assert batch["label_positions"].tolist() == (batch["labels"].flatten() != IGNORE).nonzero()[:, 0].tolist()


@pytest.mark.parametrize(
    ("length", "count"), [(3, 1), (9, 1), (10, 2), (16, 2), (30, 4), (64, 10), (128, 19), (512, 77)]
)
def test_exact_selection_chooses_googles_number(tokenizer: Any, length: int, count: int) -> None:
    # min(cap, max(1, round(0.15 x length with specials))), half rounded to even: 0.15 x 10 = 1.5 -> 2, x 30 = 4.5 -> 4
    batch = collate(tokenizer, rows_of(Rows(7, lengths=(length,))))
    assert (batch["labels"] != IGNORE).sum(1).tolist() == [count] * 7


def test_a_cap_on_predictions_holds(tokenizer: Any) -> None:
    batch = collate(tokenizer, rows_of(Rows(5, lengths=(64, 10))), max_predictions=3)
    assert (batch["labels"] != IGNORE).sum(1).tolist() == [3, 2, 3, 2, 3]


def test_a_row_without_an_ordinary_token_has_no_label(tokenizer: Any) -> None:
    batch = collate(tokenizer, [{"input_ids": [2, 3], "example_id": 0, "epoch": 0}])
    assert batch["labels"].tolist() == [[IGNORE, IGNORE]]
    assert batch["label_positions"].tolist() == []


def test_a_token_with_the_id_of_padding_inside_a_row_is_special_but_attended(tokenizer: Any) -> None:
    batch = collate(tokenizer, [{"input_ids": [2, 0, 9, 3], "example_id": 0, "epoch": 0}], probability=1.0)
    assert batch["attention_mask"].tolist() == [[1, 1, 1, 1]]
    assert batch["labels"].tolist() == [[IGNORE, IGNORE, 9, IGNORE]]


@pytest.mark.parametrize("selection", ["exact", "bernoulli"])
def test_rates_lie_in_their_exact_binomial_bands(tokenizer: Any, selection: Any) -> None:
    data, collator = Rows(2000, lengths=(128,)), MaskedLMCollator(tokenizer=tokenizer, selection=selection)
    rows = rows_of(data)
    rates = collator.measure(rows, collator(rows))
    assert list(rates) == [
        "chosen, of ordinary tokens",
        "[MASK], of chosen",
        "random, of chosen",
        "unchanged, of chosen",
    ]
    for hits, trials, probability in rates.values():
        low, high = binom.interval(0.9999, trials, probability)
        assert low <= hits <= high
    assert rates["[MASK], of chosen"][2] == 0.8
    assert rates["random, of chosen"][2] == pytest.approx(0.1 - 0.1 / 59)  # a random word is the original 1 time in 59


def test_each_position_is_chosen_equally_often(tokenizer: Any) -> None:
    collator = MaskedLMCollator(tokenizer=tokenizer)
    chosen = collator(rows_of(Rows(4000, lengths=(32,))))["labels"].ne(IGNORE).sum(0)[1:-1]
    # Without replacement the counts vary less than a multinomial's, so the test is on the safe side.
    assert chisquare(chosen.numpy()).pvalue > 1e-4


def test_random_words_come_from_the_whole_ordinary_vocabulary_and_never_are_special(tokenizer: Any) -> None:
    batch = collate(tokenizer, rows_of(Rows(3000, lengths=(32,))), mask_share=0.0, random_share=1.0, probability=0.5)
    words = batch["input_ids"].flatten()[batch["label_positions"]].numpy()
    assert words.min() == 5
    assert words.max() == 63
    assert chisquare(np.bincount(words)[5:]).pvalue > 1e-4


def test_masks_are_a_function_of_seed_epoch_and_example(tokenizer: Any) -> None:
    data = Rows(6, lengths=(24,))
    whole = collate(tokenizer, rows_of(data, epoch=3), seed=5)
    alone = collate(tokenizer, [data[3, 4]], seed=5)
    assert whole["input_ids"][4].tolist() == alone["input_ids"][0].tolist()
    assert whole["input_ids"].tolist() == collate(tokenizer, rows_of(data, epoch=3), seed=5)["input_ids"].tolist()
    assert whole["labels"].tolist() != collate(tokenizer, rows_of(data, epoch=4), seed=5)["labels"].tolist()
    assert whole["labels"].tolist() != collate(tokenizer, rows_of(data, epoch=3), seed=6)["labels"].tolist()


def test_evaluation_masks_are_fixed_whatever_the_seed(tokenizer: Any) -> None:
    rows = rows_of(Rows(6, lengths=(24,), evaluation=True))
    assert (
        collate(tokenizer, rows, seed=1)["input_ids"].tolist() == collate(tokenizer, rows, seed=2)["input_ids"].tolist()
    )


def test_the_callers_rows_are_not_changed(tokenizer: Any) -> None:
    data = Rows(4)
    before = [row.copy() for row in data.rows]
    collate(tokenizer, rows_of(data), probability=1.0)
    assert all((now == then).all() for now, then in zip(data.rows, before, strict=True))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"probability": 0.0}, r"probability must be in \(0, 1\], got 0.0"),
        ({"mask_share": 1.2}, r"mask_share must be in \[0, 1\], got 1.2"),
        ({"random_share": 0.3}, r"mask_share \+ random_share must be at most 1, got 0.8 \+ 0.3"),
        ({"max_predictions": 0}, "max_predictions must be at least 1"),
        ({"max_predictions": 20, "selection": "bernoulli"}, "needs selection=exact"),
    ],
)
def test_values_out_of_range_are_refused(tokenizer: Any, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MaskedLMCollator(tokenizer=tokenizer, **settings)


def test_the_smallest_draws_are_marked_among_the_allowed() -> None:
    draws = np.array([[5, 1, 4, 2], [9, 8, 7, 6], [1, 2, 3, 4]], dtype=np.uint64)
    allowed = np.array([[True, False, True, True], [True, True, True, True], [False, False, False, False]])
    marked = smallest(draws, allowed, np.array([2, 1, 0]))
    assert marked.astype(int).tolist() == [[0, 0, 1, 1], [0, 0, 0, 1], [0, 0, 0, 0]]
