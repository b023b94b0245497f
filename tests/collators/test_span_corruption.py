from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import chisquare
from t5_tiny import make_t5_tokenizer

from genai_hf.collators.segments import Spans, batch_lengths, counts, cut, draw, text_length
from genai_hf.collators.sentinels import sentinels
from genai_hf.collators.span_corruption import IGNORE, SpanCorruptionCollator
from genai_hf.errors import DataError

RULE = {"density": 0.15, "mean_span_length": 3.0}
PAD, END = 0, 1


@pytest.fixture(scope="module")
def t5() -> Any:
    """See `make_t5_tokenizer`."""
    return make_t5_tokenizer()


def rows_of(lengths: Any, epoch: int = 0) -> list[dict[str, Any]]:
    random = np.random.default_rng(0)
    return [
        {"input_ids": random.integers(3, 15, length), "example_id": number, "epoch": epoch}
        for number, length in enumerate(lengths)
    ]


def lengths_of(length: int) -> tuple[int, int]:
    inputs, targets = batch_lengths(np.array([length]), **RULE)
    return int(inputs[0]), int(targets[0])


def rebuilt(inputs: list[int], targets: list[int], names: list[int]) -> list[int]:
    """The text again, from inputs and targets without padding, by reading them token by token."""
    assert inputs.pop() == END
    spans: dict[int, list[int]] = {}
    if targets:
        assert targets.pop() == END
        assert targets[0] == names[0]
        for token in targets:
            if token in names:
                spans[token] = []
                newest = token
            else:
                spans[newest].append(token)
    assert [token for token in inputs if token in names] == list(spans) == names[: len(spans)]
    return [piece for token in inputs for piece in spans.get(token, [token])]


def require_rebuilt(t5: Any, lengths: Any) -> None:
    collator, names = SpanCorruptionCollator(tokenizer=t5, inputs_length=64), sentinels(t5).tolist()
    rows = rows_of(lengths)
    batch = collator(rows)
    for number, row in enumerate(rows):
        inputs = batch["input_ids"][number][batch["attention_mask"][number] == 1].tolist()
        labels = batch["labels"][number]
        targets = labels[labels != IGNORE].tolist()
        length, given = len(row["input_ids"]), (len(inputs), len(targets))
        assert given == lengths_of(length)
        assert rebuilt(inputs, targets, names) == row["input_ids"].tolist()


def test_fixed_spans_give_exactly_these_tensors(t5: Any) -> None:
    zero, one = sentinels(t5)[:2].tolist()
    # kept 10, hidden 11 12, kept 13 14, hidden 3; then kept 4 5, hidden 6
    text, lengths = np.array([10, 11, 12, 13, 14, 3, 4, 5, 6, END]), np.array([6, 3])
    spans = Spans(
        number=np.array([2, 1]), kept=np.array([[0, 1, 3], [0, 2, 2]]), hidden=np.array([[0, 2, 3], [0, 1, 1]])
    )
    batch = SpanCorruptionCollator(tokenizer=t5).batch(text, lengths, spans)
    assert batch["input_ids"].tolist() == [[10, zero, 13, 14, one, END], [4, 5, zero, END, PAD, PAD]]
    assert batch["attention_mask"].tolist() == [[1] * 6, [1, 1, 1, 1, 0, 0]]
    assert batch["labels"].tolist() == [[zero, 11, 12, one, 3, END], [zero, 6, END, IGNORE, IGNORE, IGNORE]]
    assert batch["decoder_input_ids"].tolist() == [[PAD, zero, 11, 12, one, 3], [PAD, zero, 6, END, PAD, PAD]]
    assert batch["label_positions"].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8]
    assert {tensor.dtype for tensor in batch.values()} == {torch.int64}


def test_the_counts_are_the_originals_at_every_length() -> None:
    lengths = np.arange(2, 5001)
    tokens, spans = counts(lengths, **RULE)
    # Independently, in torch's float32: half is rounded to even, then cut to what leaves a token of each kind.
    noise = (torch.tensor(lengths, dtype=torch.float32) * 0.15).round().clamp(min=1)
    noise = torch.minimum(noise, torch.tensor(lengths - 1))
    assert tokens.tolist() == noise.long().tolist()
    assert spans.tolist() == (noise / 3.0).round().clamp(min=1).long().tolist()
    double = [min(max(round(length * 0.15), 1), length - 1) for length in range(2, 5001)]
    different = tokens - np.array(double)
    assert np.abs(different).max() == 1
    assert (different != 0).sum() == 39


@pytest.mark.parametrize(
    ("length", "tokens", "spans"),
    [(0, 0, 0), (1, 0, 0), (2, 1, 1), (3, 1, 1), (10, 2, 1), (30, 4, 1), (128, 19, 6), (568, 85, 28), (2009, 301, 100),
     (2010, 302, 101)],
)  # fmt: skip
def test_counts_by_hand(length: int, tokens: int, spans: int) -> None:
    # round(0.15 x length), at least 1; round(tokens / 3), at least 1. 0.15 x 30 is 4.5, and half goes to even.
    assert [int(found[0]) for found in counts(np.array([length]), **RULE)] == [tokens, spans]


@pytest.mark.parametrize(
    ("inputs", "text", "targets"), [(512, 568, 114), (128, 141, 29), (64, 70, 14), (1024, 1137, 229), (3, 2, 3)]
)
def test_the_text_that_fills_the_inputs(inputs: int, text: int, targets: int) -> None:
    assert text_length(inputs, **RULE) == text
    assert lengths_of(text) == (inputs, targets)
    assert lengths_of(text + 1)[0] == inputs + 1


@pytest.mark.parametrize("density", [0.01, 0.15, 0.3, 0.5])
@pytest.mark.parametrize("mean_span_length", [1.0, 2.5, 3.0, 10.0])
def test_every_inputs_length_is_met_by_the_longest_text_that_fits(density: float, mean_span_length: float) -> None:
    rule = {"density": density, "mean_span_length": mean_span_length}
    for inputs in range(3, 700):
        length = text_length(inputs, **rule)
        fitting, longer = batch_lengths(np.array([length, length + 1]), **rule)[0].tolist()
        assert fitting <= inputs < longer
        assert fitting == inputs or density == 0.5


def test_inputs_and_targets_rebuild_the_text(t5: Any) -> None:
    require_rebuilt(t5, np.random.default_rng(1).integers(0, 2001, 400))
    require_rebuilt(t5, [0, 1, 2, 3, 1, 0, 2])
    require_rebuilt(t5, [0, 0])
    require_rebuilt(t5, [64] * 20)


@pytest.mark.slow
def test_inputs_and_targets_rebuild_ten_thousand_texts(t5: Any) -> None:
    for seed in range(100):
        require_rebuilt(t5, np.random.default_rng(seed).integers(1, 2001, 100))


@pytest.mark.parametrize(("density", "mean_span_length"), [(0.5, 1.0), (0.5, 3.0), (0.01, 1.0), (0.3, 20.0)])
def test_the_spans_of_any_rule_have_their_counts(density: float, mean_span_length: float) -> None:
    rule, lengths = {"density": density, "mean_span_length": mean_span_length}, np.arange(0, 300)
    spans = draw(np.arange(300, dtype=np.uint64), lengths, **rule)
    for number, kept, hidden, tokens in zip(
        spans.number, spans.kept, spans.hidden, counts(lengths, **rule)[0], strict=True
    ):
        for edges in (kept, hidden):
            assert (np.diff(edges)[: max(number, 1)] > 0).sum() == number or number == 0
            assert (np.diff(edges)[max(number, 1) :] == 0).all()
        assert hidden[-1] == tokens
    assert (spans.kept[:, -1] + spans.hidden[:, -1] == lengths).all()


def test_each_way_to_cut_comes_equally_often() -> None:
    draws = np.random.default_rng(0).integers(0, 2**64, (20000, 2), dtype=np.uint64)
    edges = cut(draws, np.full(20000, 6), np.full(20000, 3))
    ways, often = np.unique(edges, axis=0, return_counts=True)
    assert len(ways) == 10  # two of five places
    assert chisquare(often).pvalue > 1e-4
    mixed = cut(draws, np.tile([6, 9], 10000), np.tile([2, 3], 10000))  # unequal rows side by side
    for first, ways in ((0, 5), (1, 28)):
        often = np.unique(mixed[first::2], axis=0, return_counts=True)[1]
        assert len(often) == ways
        assert chisquare(often).pvalue > 1e-4


def test_hidden_spans_begin_anywhere_but_at_the_first_token(t5: Any) -> None:
    lengths = np.full(20000, 24)  # 4 hidden tokens in 1 span: it is the end of every such text
    assert np.unique(draw(np.arange(20000, dtype=np.uint64), lengths, **RULE).kept[:, 1]).tolist() == [20]
    lengths = np.full(20000, 33)  # 5 hidden in 2 spans: the first begins after 1 … 27 of the 28 kept tokens
    starts = draw(np.arange(20000, dtype=np.uint64), lengths, **RULE).kept[:, 1]
    often = np.bincount(starts)[1:]
    assert len(often) == 27
    assert chisquare(often).pvalue > 1e-4


def test_spans_are_a_function_of_seed_epoch_and_example(t5: Any) -> None:
    def inputs(rows: Any, seed: int = 5) -> list[list[int]]:
        return SpanCorruptionCollator(tokenizer=t5, seed=seed)(rows)["input_ids"].tolist()

    rows = rows_of([40] * 8, epoch=3)
    assert inputs(rows) == inputs(rows)
    assert inputs(rows)[4] == inputs([rows[4]])[0]
    assert inputs(rows) != inputs(rows, seed=6)
    assert inputs(rows) != inputs([row | {"epoch": 4} for row in rows])
    evaluated = [row | {"epoch": -1} for row in rows]
    assert inputs(evaluated, seed=1) == inputs(evaluated, seed=2)


def test_a_row_has_the_same_spans_whatever_stands_beside_it(t5: Any) -> None:
    rows, collator = rows_of([40, 7, 300, 2, 0]), SpanCorruptionCollator(tokenizer=t5)
    together = collator(rows)
    for number, row in enumerate(rows):
        alone = collator([row])
        width = alone["input_ids"].shape[1]
        assert together["input_ids"][number, :width].tolist() == alone["input_ids"][0].tolist()
        assert together["labels"][number, : alone["labels"].shape[1]].tolist() == alone["labels"][0].tolist()


def test_rows_without_a_span_have_no_target(t5: Any) -> None:
    batch = SpanCorruptionCollator(tokenizer=t5)(rows_of([0, 1]))
    assert batch["input_ids"][0].tolist() == [END, PAD]
    assert batch["input_ids"][1].tolist()[1] == END
    assert batch["labels"].tolist() == [[IGNORE], [IGNORE]]
    assert batch["decoder_input_ids"].tolist() == [[PAD], [PAD]]
    assert batch["label_positions"].tolist() == []


def test_a_token_of_the_text_with_the_id_of_padding_is_kept(t5: Any) -> None:
    row = {"input_ids": np.zeros(20, dtype=np.int64), "example_id": 0, "epoch": 0}
    batch = SpanCorruptionCollator(tokenizer=t5)([row])
    assert batch["attention_mask"].tolist() == [[1] * 19]  # 17 kept, a sentinel, the end
    assert (batch["labels"] == PAD).sum() == 3


def test_rows_of_the_right_length_are_not_padded(t5: Any) -> None:
    collator = SpanCorruptionCollator(tokenizer=t5)
    assert collator.text_length == 568
    batch = collator(rows_of([568] * 3))
    assert batch["input_ids"].shape == batch["attention_mask"].shape == (3, 512)
    assert batch["labels"].shape == batch["decoder_input_ids"].shape == (3, 114)
    assert batch["attention_mask"].min() == 1
    assert batch["labels"].min() > IGNORE


def test_the_callers_rows_are_not_changed(t5: Any) -> None:
    rows = rows_of([30, 40])
    before = [row["input_ids"].copy() for row in rows]
    SpanCorruptionCollator(tokenizer=t5)(rows)
    assert all((row["input_ids"] == then).all() for row, then in zip(rows, before, strict=True))


def test_measured_rates_are_the_rules(t5: Any) -> None:
    rows = rows_of([128] * 9 + [1, 0, 2])
    collator = SpanCorruptionCollator(tokenizer=t5)
    rates = collator.measure(rows, collator(rows))
    assert rates == {
        "hidden, of tokens": (172, 1155, 172 / 1155),  # 9 x 19 and 1
        "spans, of hidden tokens": (55, 172, 55 / 172),  # 9 x 6 and 1
    }


def test_the_view_shows_a_span_in_its_sentinels_colour(t5: Any) -> None:
    zero, one = sentinels(t5)[:2].tolist()
    text, lengths = np.array([10, 11, 12, 13, 14, 3, END]), np.array([6])
    spans = Spans(number=np.array([2]), kept=np.array([[0, 1, 3]]), hidden=np.array([[0, 2, 3]]))
    collator = SpanCorruptionCollator(tokenizer=t5)
    view = collator.view({}, collator.batch(text, lengths, spans))
    shown = {name: [(piece.token, piece.kind, piece.span) for piece in line] for name, line in view.lines.items()}
    assert shown == {
        "encoder reads": [(10, "plain", 0), (zero, "span", 0), (13, "plain", 0), (14, "plain", 0), (one, "span", 1),
                          (END, "plain", 0)],
        "decoder writes": [(zero, "span", 0), (11, "span", 0), (12, "span", 0), (one, "span", 1), (3, "span", 1),
                           (END, "plain", 0)],
    }  # fmt: skip


def test_sentinels_are_the_last_tokens_downwards(t5: Any) -> None:
    names = sentinels(t5)
    assert len(names) == 100
    assert t5.convert_ids_to_tokens(names.tolist()) == [f"<extra_id_{number}>" for number in range(100)]
    assert names[0] == len(t5) - 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"density": 0.0}, r"density must be in \(0, 0.5\], .*; got 0.0"),
        ({"density": 0.6}, r"density must be in \(0, 0.5\], .*; got 0.6"),
        ({"mean_span_length": 0.5}, "mean_span_length must be at least 1, got 0.5"),
        ({"inputs_length": 2}, "inputs of 2 tokens have no room"),
        ({"inputs_length": 2048}, "inputs of 2,048 tokens hide 114 spans and the tokenizer has 100 sentinels"),
    ],
)
def test_values_out_of_range_are_refused(t5: Any, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SpanCorruptionCollator(tokenizer=t5, **settings)


def test_a_tokenizer_without_sentinels_is_refused(tokenizer: Any) -> None:
    with pytest.raises(ValueError, match=r"needs padding, an end of text and, as its last token, <extra_id_0>"):
        SpanCorruptionCollator(tokenizer=tokenizer)


def test_a_row_with_more_spans_than_sentinels_is_refused(t5: Any) -> None:
    collator = SpanCorruptionCollator(tokenizer=t5)
    assert collator(rows_of([2009]))["labels"].shape == (1, 402)
    with pytest.raises(DataError, match="example 1: its 2,010 tokens hide 101 spans and the tokenizer has 100"):
        collator(rows_of([20, 2010]))
