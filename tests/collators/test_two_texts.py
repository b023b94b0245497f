"""Rows of one text of which some count as two: how many, from where on, and that nothing else changes."""

import numpy as np
import pytest
from scipy.stats import binomtest, chisquare

from genai_hf.collators.masking import MaskedLMCollator
from genai_hf.collators.two_texts import TwoTextsCollator


def rows(lengths, epoch=0):
    return [
        {
            "input_ids": np.array([2, *[5 + place % 40 for place in range(length - 2)], 3]),
            "example_id": n,
            "epoch": epoch,
        }
        for n, length in enumerate(lengths)
    ]


@pytest.fixture
def masking(tokenizer):
    return MaskedLMCollator(tokenizer=tokenizer, seed=7)


def begins(batch):
    """Where each second text begins; -1 where there is none."""
    types = batch["token_type_ids"].numpy()
    return np.where(types.any(1), types.argmax(1), -1)


def test_the_rest_of_a_row_is_the_second_text_and_its_masks_stay_as_they_were(masking):
    some = rows([9, 12, 5])
    batch, plain = TwoTextsCollator(masking=masking, share=1.0)(some), masking(some)
    assert all(batch[name].tolist() == plain[name].tolist() for name in plain)
    for row, types, begin in zip(some, batch["token_type_ids"], begins(batch), strict=True):
        length = len(row["input_ids"])
        assert 2 <= begin <= length - 2
        assert types.tolist() == [0] * begin + [1] * (length - begin) + [0] * (12 - length)


def test_half_of_the_rows_are_two_texts_and_every_place_is_as_likely(masking):
    batch = TwoTextsCollator(masking=masking)(rows([12] * 4000))
    found = begins(batch)
    assert binomtest(int((found > 0).sum()), 4000, 0.5).pvalue > 1e-4
    counts = np.bincount(found[found > 0], minlength=11)
    assert counts[:2].sum() == 0
    assert chisquare(counts[2:]).pvalue > 1e-4


def test_whether_and_where_are_drawn_apart_from_each_other_and_from_the_masks(masking):
    some = rows([12] * 4000)
    all_of_them = begins(TwoTextsCollator(masking=masking, share=1.0)(some))
    half = begins(TwoTextsCollator(masking=masking)(some))
    assert (half[half > 0] == all_of_them[half > 0]).all()
    assert abs(all_of_them[half > 0].mean() - all_of_them[half < 0].mean()) < 0.35  # four deviations of its mean
    is_hidden = (masking(some)["labels"] != -100).numpy()
    behind = np.arange(12) >= all_of_them[:, None]
    assert (
        binomtest(int((is_hidden & behind).sum()), int(behind[:, 1:-1].sum()), is_hidden[:, 1:-1].mean()).pvalue > 1e-4
    )


def test_a_row_is_the_same_in_whatever_batch_and_another_in_another_epoch(masking):
    collator, some = TwoTextsCollator(masking=masking), rows([9, 30, 5, 17, 12, 25] * 5)
    together = begins(collator(some))
    assert [int(begins(collator([row]))[0]) for row in some] == together.tolist()
    assert begins(collator(rows([9, 30, 5, 17, 12, 25] * 5, epoch=1))).tolist() != together.tolist()


def test_rows_of_evaluation_and_of_three_tokens_are_one_text(masking):
    collator = TwoTextsCollator(masking=masking, share=1.0)
    assert not collator(rows([9, 12], epoch=-1))["token_type_ids"].any()
    assert begins(collator(rows([3, 9]))).tolist()[0] == -1
    assert begins(collator(rows([4]))).tolist() == [2]


def test_both_texts_are_shown_and_the_share_is_of_those_that_may_be_two(masking):
    collator = TwoTextsCollator(masking=masking, share=1.0)
    some = rows([9, 3])
    batch = collator(some)
    lines = collator.view(some[0], collator(some[:1])).lines
    assert {name: len(line) for name, line in lines.items()} == {
        "first": begins(batch)[0],
        "second": 9 - begins(batch)[0],
    }
    assert list(collator.view(some[1], collator(some[1:])).lines) == [""]
    assert collator.measure(some, batch)["of two texts"] == (1, 1, 1.0)


def test_without_a_share_it_is_masking_alone(masking):
    collator, some = TwoTextsCollator(masking=masking, share=0), rows([9, 12])
    batch = collator(some)
    assert batch.keys() == masking(some).keys()
    assert list(collator.view(some[0], collator(some[:1])).lines) == [""]
    assert "of two texts" not in collator.measure(some, batch)


@pytest.mark.parametrize("share", [-0.1, 1.5])
def test_a_share_is_one(masking, share):
    with pytest.raises(ValueError, match=rf"must be in \[0, 1\], got {share}"):
        TwoTextsCollator(masking=masking, share=share)
