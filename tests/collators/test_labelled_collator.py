import numpy as np
import torch

from genai_hf.collators.labelled import LabelledCollator


def row(ids, second, **more):
    return {"input_ids": np.array(ids), "second": second, "example_id": 0, "epoch": 0, **more}


def test_rows_are_padded_on_the_right_and_a_token_with_the_id_of_padding_is_a_token():
    batch = LabelledCollator(pad_token_id=0)([row([2, 0, 3], 3), row([2, 7, 3, 9, 3], 3)])
    assert batch["input_ids"].tolist() == [[2, 0, 3, 0, 0], [2, 7, 3, 9, 3]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]]
    assert batch["token_type_ids"].tolist() == [[0, 0, 0, 0, 0], [0, 0, 0, 1, 1]]
    assert {tensor.dtype for tensor in batch.values()} == {torch.int64}


def test_the_second_segment_ends_where_the_row_does():
    batch = LabelledCollator(pad_token_id=0)([row([2, 5, 3, 6, 3], 3), row([2, 5, 3, 6, 7, 8, 3], 3)])
    assert batch["token_type_ids"].tolist() == [[0, 0, 0, 1, 1, 0, 0], [0, 0, 0, 1, 1, 1, 1]]


def test_a_model_without_segments_is_given_none():
    assert "token_type_ids" not in LabelledCollator(pad_token_id=0, segments=False)([row([2, 3], 1)])


def test_labels_are_numbers_in_the_order_of_the_rows():
    labels = LabelledCollator(pad_token_id=0)([row([2, 3], 2, label=2.0), row([2, 3], 2, label=0.25)])["labels"]
    assert labels.dtype == torch.float32
    assert labels.tolist() == [2.0, 0.25]


def test_rows_without_a_label_make_a_batch_without_labels():
    assert "labels" not in LabelledCollator(pad_token_id=0)([row([2, 3], 2)])


def test_the_labels_that_came_are_held_against_their_shares():
    collator = LabelledCollator(pad_token_id=0, shares={"no": 0.75, "yes": 0.25})
    rows = [row([2, 3], 2, label=label) for label in (0.0, 1.0, 0.0)]
    assert collator.measure(rows, collator(rows)) == {"label no": (2, 3, 0.75), "label yes": (1, 3, 0.25)}
    regression = LabelledCollator(pad_token_id=0)
    assert regression.measure(rows, regression(rows)) == {}
