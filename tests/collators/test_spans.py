"""Spans: their lengths follow the distribution, their tokens the budget, and each has one fate."""

import itertools
import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import binom, chisquare
from test_whole_words import worded, words_of

from genai_hf.collators import counter
from genai_hf.collators.masking import IGNORE, MaskedLMCollator
from genai_hf.collators.spans import draw_lengths, draw_spans, length_distribution
from genai_hf.collators.words import free_words


def reference(row: Any, seed: int, epoch: int) -> list[list[int]]:
    """The spans of a row, as places, by the definition in plain Python; its text has no special token."""
    key, words, spans = counter.row_keys(seed, [epoch], [row["example_id"]]), words_of(row), []
    budget, shares = math.ceil(round(0.15 * (len(row["input_ids"]) - 2), 9)), length_distribution(0.2, 10)
    is_free = [True] * len(words)
    for draw in itertools.count():
        if budget == 0:
            return spans
        uniform = float(counter.uniform(counter.bits(key, np.array([draw]), 3))[0])
        length = 1 + sum(uniform >= step for step in itertools.accumulate(shares[:-1]))
        stretches = [len(list(itertools.takewhile(bool, is_free[number:]))) for number in range(len(words))]
        length = min(length, max(stretches))
        places = [number for number, stretch in enumerate(stretches) if stretch >= length]
        first = places[int(counter.below(counter.bits(key, np.array([draw]), 0), len(places))[0])]
        tokens = [place for word in words[first : first + length] for place in word][:budget]
        is_free[first : first + length] = [False] * length
        budget -= len(tokens)
        spans.append(tokens)
    raise AssertionError


def test_a_batch_is_exactly_this(tokenizer: Any) -> None:
    rows = [
        {"input_ids": [2, *range(10, 22), 3], "word_starts": [1] + [1, 0, 1] * 4 + [1], "example_id": 0, "epoch": 0},
        {"input_ids": [2, 20, 21, 3], "word_starts": [1, 1, 0, 1], "example_id": 1, "epoch": 0},
    ]
    batch = MaskedLMCollator(tokenizer=tokenizer, unit="span", probability=0.4, seed=3)(rows)
    # ceil(0.4 x 12) = 5 tokens are the words 12, 16-17 and 19-20, all [MASK]; of the word 20-21 the first stays.
    assert batch["input_ids"].tolist() == [
        [2, 10, 11, 4, 13, 14, 15, 4, 4, 18, 4, 4, 21, 3],
        [2, 20, 21, 3, *[0] * 10],
    ]
    assert batch["label_positions"].tolist() == [3, 7, 8, 10, 11, 15]
    assert batch["labels"].flatten()[batch["label_positions"]].tolist() == [12, 16, 17, 19, 20, 20]
    assert (batch["labels"] != IGNORE).sum() == 6


def test_spans_are_those_of_the_definition(tokenizer: Any) -> None:
    rows = worded(300, (64, 9, 128, 3, 2), epoch=4)
    batch = MaskedLMCollator(tokenizer=tokenizer, unit="span", seed=7)(rows)
    for row, labels in zip(rows, batch["labels"], strict=True):
        expected = sorted(itertools.chain(*reference(row, 7, 4)))
        assert (labels != IGNORE).nonzero()[:, 0].tolist() == expected


def test_lengths_follow_the_geometric_distribution_cut_off_at_ten() -> None:
    shares = length_distribution(0.2, 10)
    assert shares == pytest.approx([0.2 * 0.8**k / (1 - 0.8**10) for k in range(10)])
    assert shares @ np.arange(1, 11) == pytest.approx(3.80, abs=0.005)  # section 3.1
    lengths = draw_lengths(counter.bits(counter.row_keys(0, range(50_000), [0] * 50_000), np.array([0]), 3), shares)
    assert chisquare(np.bincount(lengths, minlength=11)[1:], 50_000 * shares).pvalue > 1e-4


def test_extreme_distributions_are_what_they_say() -> None:
    assert length_distribution(1.0, 4).tolist() == [1, 0, 0, 0]
    assert length_distribution(0.3, 1).tolist() == [1]
    assert length_distribution(1e-12, 4) == pytest.approx([0.25] * 4)
    largest = np.array([2**64 - 1], dtype=np.uint64)
    assert draw_lengths(largest, length_distribution(0.2, 10)).tolist() == [10]
    assert draw_lengths(np.zeros(1, dtype=np.uint64), length_distribution(0.2, 10)).tolist() == [1]


def test_a_first_span_has_its_length_and_begins_anywhere_with_the_same_chance() -> None:
    size, places = 20_000, 30
    starts, ordinary = np.ones((size, places), dtype=bool), np.ones((size, places), dtype=bool)
    keys = counter.row_keys(0, [0] * size, range(size))
    spans = draw_spans(free_words(starts, ordinary), keys, np.full(size, 1), length_distribution(0.2, 10))
    begin = spans.begin % places
    lengths = draw_lengths(counter.bits(keys, np.array([0]), 3), length_distribution(0.2, 10))
    assert spans.length.tolist() == [1] * size  # cut to what remains
    for length in (1, 4, 10):
        found = np.bincount(begin[lengths == length], minlength=places)
        assert found[places - length + 1 :].sum() == 0
        assert chisquare(found[: places - length + 1]).pvalue > 1e-4


@pytest.mark.parametrize("length", [3, 4, 9, 22, 62, 102, 128])
def test_the_budget_is_met_exactly(tokenizer: Any, length: int) -> None:
    batch = MaskedLMCollator(tokenizer=tokenizer, unit="span")(worded(200, (length,)))
    expected = math.ceil(round((length - 2) * 3 / 20, 9))  # of 20 tokens 3, of 60 tokens 9
    assert (batch["labels"] != IGNORE).sum(1).unique().tolist() == [expected]


def test_everything_can_be_chosen_and_a_cap_holds(tokenizer: Any) -> None:
    rows = worded(50, (20, 7))
    everything = MaskedLMCollator(tokenizer=tokenizer, unit="span", probability=1.0)(rows)
    assert (everything["labels"] != IGNORE).sum(1).tolist() == [18, 5] * 25
    capped = MaskedLMCollator(tokenizer=tokenizer, unit="span", probability=0.5, max_predictions=4)(rows)
    assert (capped["labels"] != IGNORE).sum(1).tolist() == [4, 3] * 25


@pytest.mark.parametrize("unit", ["word", "span"])
def test_rows_without_a_word_have_no_label(tokenizer: Any, unit: Any) -> None:
    rows = worded(3, (2,))
    for batch in (rows, [rows[0], *worded(1, (9,)), {**rows[1], "input_ids": np.array([], dtype=np.int64)}]):
        batch[-1]["word_starts"] = batch[-1]["word_starts"][: len(batch[-1]["input_ids"])]
        labels = MaskedLMCollator(tokenizer=tokenizer, unit=unit)(batch)["labels"]
        assert (labels[[0, -1]] == IGNORE).all()


def test_a_span_may_be_allowed_to_be_longer_than_any_row(tokenizer: Any) -> None:
    collator = MaskedLMCollator(tokenizer=tokenizer, unit="span", longest_span=10**6, geometric_probability=1e-6)
    assert (collator(worded(9, (22,)))["labels"] != IGNORE).sum(1).tolist() == [3] * 9


def test_spans_do_not_overlap_and_begin_with_a_word() -> None:
    random, shape = np.random.default_rng(0), (400, 50)
    starts = random.random(shape) < 0.6
    starts[:, 0] = True
    ordinary = random.random(shape) < 0.9
    starts |= ~ordinary
    starts[:, 1:] |= ~ordinary[:, :-1]
    words = free_words(starts, ordinary)
    budget = np.minimum(ordinary.sum(1), random.integers(0, 50, 400))
    spans = draw_spans(words, counter.row_keys(0, [0] * 400, range(400)), budget, length_distribution(0.2, 10))
    tokens = spans.tokens()
    assert (np.diff(tokens) > 0).all()
    assert np.isin(spans.begin, words.first).all()
    assert ordinary.ravel()[tokens].all()
    assert np.bincount(tokens // 50, minlength=400).tolist() == budget.tolist()
    ends = spans.begin + spans.length
    assert (np.isin(ends, np.flatnonzero(starts)) | (ends == ordinary.size)).sum() >= len(ends) - 400  # all but the cut
    assert not any((~ordinary.ravel()[a:b]).any() for a, b in zip(spans.begin, ends, strict=True))


def test_no_span_reaches_over_a_separator(tokenizer: Any) -> None:
    row = {"input_ids": np.array([2, 9, 9, 3, 9, 9, 9, 3]), "word_starts": np.ones(8, dtype=bool), "epoch": 0}
    rows = [row | {"example_id": number} for number in range(100)]
    batch = MaskedLMCollator(tokenizer=tokenizer, unit="span", probability=0.9)(rows)
    assert (batch["labels"][:, [0, 3, 7]] == IGNORE).all()
    assert (batch["labels"] != IGNORE).sum(1).unique().tolist() == [5]


def test_a_span_has_one_fate_and_each_of_its_random_words_is_drawn_anew(tokenizer: Any) -> None:
    rows = worded(1500, (64,))
    batch = MaskedLMCollator(tokenizer=tokenizer, unit="span")(rows)
    random_words = list[int]()
    for row, seen in zip(rows, batch["input_ids"].numpy(), strict=True):
        for places in reference(row, 0, 0):
            if (seen[places] == tokenizer.mask_token_id).any():
                assert (seen[places] == tokenizer.mask_token_id).all()
            elif (seen[places] != row["input_ids"][places]).any():
                random_words += seen[places].tolist()
    assert len(random_words) > 1000
    assert min(random_words) >= 5
    assert chisquare(np.bincount(random_words, minlength=64)[5:]).pvalue > 1e-4


def test_rates_lie_in_their_exact_binomial_bands(tokenizer: Any) -> None:
    collator, rows = MaskedLMCollator(tokenizer=tokenizer, unit="span"), worded(2000, (64,))
    rates = collator.measure(rows, collator(rows))
    assert list(rates) == [
        "chosen, of ordinary tokens",
        "[MASK], of spans",
        "random, of spans",
        "unchanged, of spans",
    ]
    assert rates["chosen, of ordinary tokens"][0] == 2000 * 10
    for hits, trials, probability in rates.values():
        low, high = binom.interval(0.9999, trials, probability)
        assert low <= hits <= high


def test_a_row_alone_is_as_it_is_among_others(tokenizer: Any) -> None:
    collator, rows = MaskedLMCollator(tokenizer=tokenizer, unit="span", seed=5), worded(40, (24, 2, 9, 3), epoch=3)
    together = collator(rows)
    for number, row in enumerate(rows):
        alone, length = collator([row]), len(row["input_ids"])
        assert alone["input_ids"][0].tolist() == together["input_ids"][number, :length].tolist()
        assert alone["labels"][0].tolist() == together["labels"][number, :length].tolist()
    others = [
        collator(worded(40, (24, 2, 9, 3), epoch=4)),
        MaskedLMCollator(tokenizer=tokenizer, unit="span", seed=6)(rows),
    ]
    assert all(not torch.equal(other["labels"], together["labels"]) for other in others)
    fixed = worded(40, (24,), evaluation=True)
    assert torch.equal(
        collator(fixed)["input_ids"], MaskedLMCollator(tokenizer=tokenizer, unit="span", seed=9)(fixed)["input_ids"]
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"selection": "bernoulli"}, "unit=span chooses an exact number of tokens, so it needs selection=exact"),
        ({"geometric_probability": 0.0}, r"geometric_probability must be in \(0, 1\], got 0.0"),
        ({"longest_span": 0}, "longest_span must be at least 1, got 0"),
    ],
)
def test_values_out_of_range_are_refused(tokenizer: Any, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MaskedLMCollator(tokenizer=tokenizer, unit="span", **settings)
