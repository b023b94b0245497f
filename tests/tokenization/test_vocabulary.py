"""Unigram pieces are brought into an order that does not change from run to run."""

from genai_hf.tokenization.vocabulary import settle


def test_scores_that_differ_in_their_last_digits_are_equal_and_ordered_by_piece():
    assert settle([("b", -1.0), ("ab", -1.0 + 1e-9), ("a", -0.5)]) == [("a", -0.5), ("ab", -1.0), ("b", -1.0)]


def test_characters_that_the_trainer_added_last_share_the_lowest_score():
    added_in_some_order = [("the", -2.0), ("q", -9.0 + 2e-4), ("z", -9.0 + 1e-4), ("zz", -9.0), ("e", -3.0)]
    assert settle(added_in_some_order) == [("the", -2.0), ("e", -3.0), ("q", -9.0), ("z", -9.0), ("zz", -9.0)]
