"""Blanks that are filled: which texts are taken, and that none goes missing without a word."""

import pytest

from genai_hf.analysis.blanks import fill_blanks

TEXTS = ["w1 ___ w2", "w1 w2 w3 w4 w5 w6 ___"]


def test_a_text_that_the_model_has_no_room_for_is_left_out_and_it_is_said(tokenizer):
    table = fill_blanks(tokenizer=tokenizer, positions=6, texts=TEXTS)
    assert table.texts == TEXTS[:1]
    assert table.note.endswith("Longer than the 6 tokens that the model takes, so left out: 1.")
    whole = fill_blanks(tokenizer=tokenizer, positions=512, texts=TEXTS)
    assert (whole.texts, "left out" in whole.note) == (TEXTS, False)


def test_wrong_values_are_refused(tokenizer):
    with pytest.raises(ValueError, match="each text needs one blank"):
        fill_blanks(tokenizer=tokenizer, positions=None, texts=["w1 w2"])
    with pytest.raises(ValueError, match="top must be from 1 to 64, got 65"):
        fill_blanks(tokenizer=tokenizer, positions=None, texts=TEXTS, top=65)
