import numpy as np

from genai_hf.collators.padding import stack


def test_rows_of_one_length_are_stacked_as_they_are() -> None:
    ids, mask = stack([{"input_ids": np.array([2, 7, 3])}, {"input_ids": [2, 0, 3]}], pad_token_id=0)
    assert ids.tolist() == [[2, 7, 3], [2, 0, 3]]
    assert mask.tolist() == [[1, 1, 1], [1, 1, 1]]


def test_short_rows_are_padded_on_the_right_and_the_mask_says_where() -> None:
    ids, mask = stack([{"input_ids": [2, 3]}, {"input_ids": [2, 0, 9, 3]}], pad_token_id=0)
    assert ids.tolist() == [[2, 3, 0, 0], [2, 0, 9, 3]]
    assert mask.tolist() == [[1, 1, 0, 0], [1, 1, 1, 1]]


def test_rows_are_padded_to_a_multiple() -> None:
    rows = [{"input_ids": [2, 3]}, {"input_ids": [2, 9, 3]}]
    ids, mask = stack(rows, pad_token_id=0, multiple=4)
    assert ids.tolist() == [[2, 3, 0, 0], [2, 9, 3, 0]]
    assert mask.tolist() == [[1, 1, 0, 0], [1, 1, 1, 0]]
    assert stack(rows[1:], pad_token_id=0, multiple=3)[0].tolist() == [[2, 9, 3]]
