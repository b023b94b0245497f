"""Pictures of inspect on a terminal."""

import torch

from genai_hf.reports import examples


def test_a_mask_is_drawn_two_tokens_a_letter_and_a_line():
    said, *lines = examples.picture(torch.ones(3, 3).tril().bool()).plain.splitlines()
    assert said == "each token (down) looks at the tokens (across) that are filled"
    assert lines == ["▙·", "▀▘"]


def test_of_a_long_mask_the_beginning_is_drawn_in_less_than_a_terminal():
    said, *lines = examples.picture(torch.ones(200, 200, dtype=torch.long)).plain.splitlines()
    assert said.endswith("; the first 128 of 200")
    assert lines == ["█" * 64] * 64
