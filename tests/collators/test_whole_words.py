"""Whole words: all or nothing, within the budget, with the chances that follow from the rule."""

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from conftest import Rows
from scipy.stats import binom, chisquare

from genai_hf.collators import counter
from genai_hf.collators.masking import IGNORE, MaskedLMCollator
from genai_hf.collators.words import fitting, free_words, ranges, within_budget

README = [1] * 8 + [1, 3] + [1] * 3  # the man jumped up , put his basket on phil ##am ##mon ' s head


def worded(size: int, lengths: tuple[int, ...] = (16,), evaluation: bool = False, epoch: int = 0) -> list[Any]:
    """Rows whose words have one to three tokens, each special token being a word."""
    data, random = Rows(size, lengths, evaluation), np.random.default_rng(1)
    rows = [data[epoch, index] for index in range(size)]
    for row in rows:
        starts = random.random(len(row["input_ids"])) < 0.6
        starts[[0, 1, -1]] = True
        row["word_starts"] = starts
    return rows


def words_of(row: Any) -> list[list[int]]:
    """Places of each word of a row's text."""
    groups: list[list[int]] = []
    for place in range(1, len(row["input_ids"]) - 1):
        if row["word_starts"][place]:
            groups.append([])
        groups[-1].append(place)
    return groups


def greedy(lengths: list[int], budget: int) -> list[bool]:
    taken = []
    for length in lengths:
        taken.append(0 < length <= budget)
        budget -= length if taken[-1] else 0
    return taken


def test_a_batch_is_exactly_this(tokenizer: Any) -> None:
    rows = [
        {"input_ids": [2, 10, 11, 12, 13, 14, 15, 3], "word_starts": [1, 1, 0, 0, 1, 1, 0, 1], "example_id": 0},
        {"input_ids": [2, 20, 21, 3], "word_starts": [1, 1, 0, 1], "example_id": 1},
    ]
    batch = MaskedLMCollator(tokenizer=tokenizer, unit="word", probability=0.5)([row | {"epoch": 0} for row in rows])
    # The order of the first row's words is 10-11-12, 13, 14-15: three of the four tokens go, then one; nothing is left.
    assert batch["input_ids"].tolist() == [[2, 4, 4, 30, 4, 14, 15, 3], [2, 4, 4, 3, 0, 0, 0, 0]]
    assert batch["labels"].tolist() == [
        [IGNORE, 10, 11, 12, 13, IGNORE, IGNORE, IGNORE],
        [IGNORE, 20, 21, IGNORE, IGNORE, IGNORE, IGNORE, IGNORE],
    ]
    assert batch["label_positions"].tolist() == [1, 2, 3, 4, 9, 10]


def test_words_with_a_special_token_in_them_and_padding_are_not_free() -> None:
    starts = np.array([[1, 1, 0, 1, 0, 1], [1, 1, 1, 1, 1, 1]], dtype=bool)
    ordinary = np.array([[0, 1, 1, 1, 0, 1], [0, 1, 1, 0, 0, 0]], dtype=bool)
    words = free_words(starts, ordinary)
    assert (words.first.tolist(), words.length.tolist(), words.shape) == ([1, 5, 7, 8], [2, 1, 1, 1], (2, 6))


def test_ranges_are_laid_one_after_the_other() -> None:
    assert ranges(np.array([5, 2, 9]), np.array([2, 1, 3])).tolist() == [5, 6, 2, 9, 10, 11]
    assert ranges(np.array([], dtype=np.int64), np.array([], dtype=np.int64)).tolist() == []


def test_what_fits_is_taken_in_every_order_of_some_words() -> None:
    orders = np.array(list(itertools.permutations([1, 1, 2, 2, 3, 5])))
    for budget in range(16):
        taken = fitting(orders, np.full(len(orders), budget))
        assert taken.tolist() == [greedy(order.tolist(), budget) for order in orders]


def test_rows_of_different_budgets_and_gaps_fit_each_for_itself() -> None:
    random = np.random.default_rng(0)
    lengths, budget = random.integers(0, 6, (500, 20)), random.integers(0, 30, 500)
    assert fitting(lengths, budget).tolist() == [greedy(*pair) for pair in zip(lengths.tolist(), budget, strict=True)]


def test_the_chances_of_the_readmes_words_are_exactly_3_and_1_of_13() -> None:
    # What becomes of a budget of 3 is settled by the first four words of the order, of which there are 17,160.
    starts = np.zeros((1, 17), dtype=bool)
    starts[0, [0, 16, *np.cumsum([1, *README[:-1]])]] = True
    orders = np.array(list(itertools.permutations(range(13), 4)))
    draws = np.full((len(orders), 17), 2**40, dtype=np.uint64) << np.uint64(20)
    first = np.flatnonzero(starts[0])[1:-1]
    draws[np.arange(len(orders))[:, None], first[orders]] = np.arange(4, dtype=np.uint64) << np.uint64(20)
    ordinary = np.ones((len(orders), 17), dtype=bool)
    ordinary[:, [0, 16]] = False
    words = free_words(np.broadcast_to(starts, ordinary.shape), ordinary)
    taken = np.zeros(ordinary.shape, dtype=int)
    taken.ravel()[within_budget(words, draws, np.full(len(orders), 3))] = 1
    counts = taken.sum(0)[1:-1]
    expected = [1 if length == 3 else 3 for length in README for _ in range(length)]
    assert (counts * 13 / len(orders)).tolist() == expected


def test_the_readmes_words_are_hidden_that_often(tokenizer: Any) -> None:
    starts = np.zeros(17, dtype=bool)
    starts[[0, 16, *np.cumsum([1, *README[:-1]])]] = True
    data = Rows(6000, lengths=(17,))
    batch = MaskedLMCollator(tokenizer=tokenizer, unit="word")(
        [data[0, i] | {"word_starts": starts} for i in range(6000)]
    )
    assert set((batch["labels"] != IGNORE).sum(1).tolist()) == {3}  # 0.15 x 17 = 2.55
    hits = (batch["labels"] != IGNORE).sum(0).numpy()[1:-1]
    for count, length in zip(hits[np.flatnonzero(starts[1:-1])], README, strict=True):
        low, high = binom.interval(0.9999, 6000, (1 if length == 3 else 3) / 13)
        assert low <= count <= high


def test_words_are_hidden_whole_or_not_at_all_and_never_beyond_the_budget(tokenizer: Any) -> None:
    rows = worded(300, (40, 9, 3, 25))
    batch = MaskedLMCollator(tokenizer=tokenizer, unit="word")(rows)
    for row, seen, labels in zip(rows, batch["input_ids"], batch["labels"], strict=True):
        chosen = labels != IGNORE
        left = max(1, round(0.15 * len(row["input_ids"]))) - int(chosen.sum())
        assert left >= 0
        for places in words_of(row):
            assert len(set(chosen[places].tolist())) == 1
            assert len(places) > left or chosen[places[0]]  # what would still have fitted was taken
        original = np.pad(row["input_ids"], (0, len(labels) - len(row["input_ids"])))
        assert (labels.numpy()[chosen] == original[chosen]).all()
        assert (seen.numpy()[~chosen] == original[~chosen]).all()
        assert not chosen[[0, *range(len(row["input_ids"]) - 1, len(chosen))]].any()


def test_the_order_of_words_is_that_of_their_draws(tokenizer: Any) -> None:
    rows = worded(200, (40, 9, 25), epoch=2)
    labels = MaskedLMCollator(tokenizer=tokenizer, unit="word", seed=3)(rows)["labels"]
    for row, found in zip(rows, labels, strict=True):
        key = counter.row_keys(3, [2], [row["example_id"]])
        draws = counter.bits(key, np.arange(len(row["input_ids"])), 0) >> np.uint64(20)
        words = sorted(words_of(row), key=lambda places: draws[places[0]])
        taken = greedy([len(places) for places in words], max(1, round(0.15 * len(row["input_ids"]))))
        expected = sorted(place for places, is_taken in zip(words, taken, strict=True) if is_taken for place in places)
        assert (found != IGNORE).nonzero()[:, 0].tolist() == expected


def test_each_piece_of_a_word_has_its_own_fate(tokenizer: Any) -> None:
    starts = np.array([1, *[1, 0, 0] * 6, 1], dtype=bool)
    data = Rows(4000, lengths=(20,))
    rows = [data[0, index] | {"word_starts": starts} for index in range(4000)]
    batch = MaskedLMCollator(tokenizer=tokenizer, unit="word")(rows)
    assert (batch["labels"] != IGNORE).sum(1).unique().tolist() == [3]
    masked = (batch["input_ids"] == tokenizer.mask_token_id).sum(1).bincount(minlength=4)
    assert chisquare(masked.numpy(), 4000 * binom.pmf(np.arange(4), 3, 0.8)).pvalue > 1e-4


@pytest.mark.parametrize("selection", ["exact", "bernoulli"])
def test_rates_lie_in_their_exact_binomial_bands(tokenizer: Any, selection: Any) -> None:
    collator, rows = MaskedLMCollator(tokenizer=tokenizer, unit="word", selection=selection), worded(1000, (64,))
    rates = collator.measure(rows, collator(rows))
    assert ("chosen, of words" in rates) == (selection == "bernoulli")
    for hits, trials, probability in rates.values():
        low, high = binom.interval(0.9999, trials, probability)
        assert trials > 5000
        assert low <= hits <= high


def test_words_chosen_by_themselves_are_whole(tokenizer: Any) -> None:
    rows = worded(100)
    labels = MaskedLMCollator(tokenizer=tokenizer, unit="word", selection="bernoulli", probability=0.5)(rows)["labels"]
    for row, found in zip(rows, labels, strict=True):
        assert all(len(set((found[places] != IGNORE).tolist())) == 1 for places in words_of(row))


def test_a_row_alone_is_as_it_is_among_others(tokenizer: Any) -> None:
    collator = MaskedLMCollator(tokenizer=tokenizer, unit="word", seed=5)
    rows = worded(40, (24, 2, 9, 3), epoch=3)
    together = collator(rows)
    for number, row in enumerate(rows):
        alone, length = collator([row]), len(row["input_ids"])
        assert alone["input_ids"][0].tolist() == together["input_ids"][number, :length].tolist()
        assert alone["labels"][0].tolist() == together["labels"][number, :length].tolist()
    others = [
        collator(worded(40, (24, 2, 9, 3), epoch=4)),
        MaskedLMCollator(tokenizer=tokenizer, unit="word", seed=6)(rows),
    ]
    assert all(not torch.equal(other["labels"], together["labels"]) for other in others)


def test_a_cap_on_predictions_holds(tokenizer: Any) -> None:
    batch = MaskedLMCollator(tokenizer=tokenizer, unit="word", max_predictions=2)(worded(50, (64,)))
    assert (batch["labels"] != IGNORE).sum(1).unique().tolist() == [2]


def test_rows_that_do_not_say_where_words_begin_are_refused(tokenizer: Any) -> None:
    with pytest.raises(ValueError, match="unit=word needs rows that say where words begin"):
        MaskedLMCollator(tokenizer=tokenizer, unit="word")([Rows(1)[0]])
