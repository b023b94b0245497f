"""Sequences of rows to a batch: padded on the right, with the place of [EXTRACT] in each."""

import numpy as np
import torch

from genai_hf.collators.extract import ExtractCollator

S, D, E = 64, 65, 66


def row(*sequences, seconds=None, **more):
    return {
        "input_ids": np.array([token for ids in sequences for token in ids]),
        "lengths": np.array(list(map(len, sequences))),
        "seconds": np.array(seconds or list(map(len, sequences))),
        "example_id": 0,
        "epoch": 0,
    } | more


def collator(transformation="classification", **given):
    return ExtractCollator(**{"pad_token_id": 0, "transformation": transformation} | given)


def test_sequences_of_all_rows_are_one_rectangle_and_each_says_where_it_ends():
    rows = [row([S, 5, E], [S, 6, 7, D, 8, E], label=1.0), row([S, 9, 0, E], label=0.25)]
    batch = collator("multiple_choice")(rows)
    assert {name: tensor.tolist() for name, tensor in batch.items()} == {
        "input_ids": [[S, 5, E, 0, 0, 0], [S, 6, 7, D, 8, E], [S, 9, 0, E, 0, 0]],
        "attention_mask": [[1, 1, 1, 0, 0, 0], [1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 0, 0]],
        "extract_positions": [2, 11, 15],
        "sequences": [2, 1],
        "labels": [1.0, 0.25],
    }
    assert batch["input_ids"].flatten()[batch["extract_positions"]].tolist() == [E, E, E]
    assert (batch["labels"].dtype, batch["extract_positions"].dtype) == (torch.float32, torch.int64)


def test_a_text_that_holds_the_id_of_padding_or_ends_early_moves_nothing():
    batch = collator(pad_token_id=E)([row([S, E, 5, E]), row([S, 5, 5, 5, 5, E])])
    assert batch["extract_positions"].tolist() == [3, 11]
    assert batch["attention_mask"][0].tolist() == [1, 1, 1, 1, 0, 0]


def test_a_row_is_what_it_is_alone_whatever_stands_beside_it():
    one, other = row([S, 5, E], [S, 6, D, 7, E]), row([S, 8, 9, 10, 11, 12, E])
    alone, beside = collator()([one]), collator()([one, other])
    assert torch.equal(alone["input_ids"], beside["input_ids"][:2, :5])
    assert torch.equal(alone["attention_mask"], beside["attention_mask"][:2, :5])
    assert "labels" not in alone


def shown(transformation, single, shares):
    found = collator(transformation, shares=shares)
    view = found.view(single, found([single]))
    return {name: [(piece.token, piece.kind) for piece in line] for name, line in view.lines.items()}, view.note


def test_both_orders_are_lines_in_which_the_second_text_is_marked():
    single = row([S, 5, D, 6, 7, E], [S, 6, 7, D, 5, E], seconds=[3, 4], label=1.0)
    special = [(token, "special") for token in (S, D, E)]
    first, second = [(5, "plain")], [(6, "second"), (7, "second")]
    assert shown("similarity", single, {"no": 0.5, "yes": 0.5}) == (
        {
            "in order": [special[0], *first, special[1], *second, special[2]],
            "turned": [special[0], *second, special[1], *first, special[2]],
        },
        "yes",
    )


def test_every_choice_is_a_line_and_the_note_names_the_right_one():
    single = row([S, 5, D, 6, E], [S, 5, D, 7, 8, E], seconds=[3, 3], label=1.0)
    lines, note = shown("multiple_choice", single, {"0": 0.5, "1": 0.5})
    assert (list(lines), note) == (["choice 0", "choice 1"], "choice 1")
    assert [kind for _, kind in lines["choice 1"]] == ["special", "plain", "special", "second", "second", "special"]


def test_a_single_text_is_a_line_without_a_name_and_padding_is_not_shown():
    lines, note = shown("classification", row([S, 5, E], label=2.5), {})
    assert (lines, note) == ({"": [(S, "special"), (5, "plain"), (E, "special")]}, "2.5")


def test_the_labels_that_came_are_held_against_their_shares():
    found = collator(shares={"no": 0.75, "yes": 0.25})
    rows = [row([S, E], label=label) for label in (0.0, 1.0, 0.0)]
    assert found.measure(rows, found(rows)) == {"label no": (2, 3, 0.75), "label yes": (1, 3, 0.25)}
