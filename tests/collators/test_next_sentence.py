"""Rows of two segments: which token is of which, and what is asked of the pair."""

import numpy as np

from genai_hf.collators.masking import MaskedLMCollator
from genai_hf.collators.next_sentence import NextSentenceCollator


def row(ids: list[int], second: int, **more) -> dict:
    given = {"is_random": False, "is_drawn": True, "example_id": 0, "epoch": 0}
    return {"input_ids": np.array(ids), "second": second, **given, **more}


def test_segments_reach_to_their_separator_and_the_label_is_one_for_another_document(tokenizer):
    collator = NextSentenceCollator(masking=MaskedLMCollator(tokenizer=tokenizer))
    rows = [row([2, 5, 6, 3, 7, 3], 4), row([2, 8, 3, 9, 10, 11, 12, 3], 3, is_random=True, example_id=1)]
    batch = collator(rows)
    assert batch["token_type_ids"].tolist() == [[0, 0, 0, 0, 1, 1, 0, 0], [0, 0, 0, 1, 1, 1, 1, 1]]
    assert batch["next_sentence_labels"].tolist() == [0, 1]
    assert batch["attention_mask"].tolist() == [[1] * 6 + [0] * 2, [1] * 8]
    masked = MaskedLMCollator(tokenizer=tokenizer)(rows)
    assert all(batch[name].tolist() == masked[name].tolist() for name in masked)


def test_a_view_has_both_segments_and_the_rate_is_of_those_with_a_choice(tokenizer):
    collator = NextSentenceCollator(masking=MaskedLMCollator(tokenizer=tokenizer))
    rows = [row([2, 5, 6, 3, 7, 3], 4), row([2, 8, 3, 9, 3], 3, is_random=True, is_drawn=False)]
    view = collator.view(rows[0], collator(rows[:1]))
    assert {name: len(line) for name, line in view.lines.items()} == {"first": 4, "second": 2}
    assert view.note == "the second follows"
    assert collator.view(rows[1], collator(rows[1:])).note == "from another document"
    assert collator.measure(rows, collator(rows))["second from elsewhere, where there was a choice"] == (0, 1, 0.5)
