"""Scores of free text against worked examples and against the official scorer's rules, written another way."""

import random
import string
import sys

import pytest

from genai_hf.errors import ConfigError
from genai_hf.metrics import answers
from genai_hf.metrics.answers import each, exact_match, f1, normalised, require, rouge1, rouge2, rougeL, score


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The  Nile.", "nile"),
        ("an apple, a pear", "apple pear"),
        ("Theatre-goers", "theatregoers"),
        ("A.B.C.", "abc"),
        ("the", ""),
        ("a-the", "athe"),  # punctuation goes first, so that this is no article any more
        ("the «Nile»", "«nile»"),  # only ASCII punctuation goes
        ("one\n\ttwo three", "one two three"),
        ("", ""),
    ],
)
def test_a_text_is_normalised_as_by_the_official_scorer(text, expected):
    assert normalised(text) == expected


def test_an_exact_match_is_one_of_the_references_but_for_dress():
    assert exact_match("the Nile!", ["Amazon", "Nile"]) == 1.0
    assert exact_match("Nile river", ["Nile"]) == 0.0
    assert exact_match("", ["Nile"]) == 0.0


def test_f1_counts_words_as_often_as_they_occur_against_the_best_reference():
    assert f1("Denver Broncos", ["Broncos"]) == pytest.approx(2 / 3)
    assert f1("New York New York", ["New York City"]) == pytest.approx(2 * (2 / 4) * (2 / 3) / (2 / 4 + 2 / 3))
    assert f1("New York", ["Paris", "the City of New York", "York"]) == pytest.approx(2 / 3)
    assert f1("Nile", ["Amazon"]) == 0.0


def test_where_nothing_is_left_of_both_the_match_is_exact_and_f1_is_0():
    assert (exact_match("the", ["a"]), f1("the", ["a"])) == (1.0, 0.0)
    assert (exact_match("", ["!"]), f1("", ["!"])) == (1.0, 0.0)


def test_both_equal_the_official_rules_on_random_texts():
    words = ["the", "a", "an", "Nile", "nile,", "river", "(river)", "of", "—", "Paris.", "", " \t"]
    draw = random.Random(0)
    for _ in range(2000):
        said, *known = [" ".join(draw.choices(words, k=draw.randrange(6))) for _ in range(draw.randrange(2, 5))]
        match, overlap = official(said, known)
        assert exact_match(said, known) == match
        assert f1(said, known) == pytest.approx(overlap, abs=1e-9)


def official(said, known):
    """By precision and recall, letter by letter and word by word."""

    def clean(text):
        letters = "".join(letter for letter in text.lower() if letter not in set(string.punctuation))
        return [word for word in letters.split() if word not in {"a", "an", "the"}]

    def overlap(one, other):
        rest, shared = list(other), 0
        for word in one:
            if word in rest:
                rest.remove(word)
                shared += 1
        if not shared:
            return 0.0
        precision, recall = shared / len(one), shared / len(other)
        return 2 * precision * recall / (precision + recall)

    return max(float(clean(said) == clean(one)) for one in known), max(
        overlap(clean(said), clean(one)) for one in known
    )


def test_rouge_stems_words_and_takes_the_best_reference():
    # "cats" is stemmed to "cat", "the" and "on" are too short to be; of five words each, four are shared in order.
    said, known = "the cat sat on mats", "the cats sits on mat"
    assert rouge1(said, [known]) == pytest.approx(4 / 5)
    assert rouge2(said, [known]) == pytest.approx(2 / 4)  # the cat, on mat
    assert rougeL(said, [known]) == pytest.approx(4 / 5)
    assert rougeL("mat on the cat", [known, "mat the cat on"]) == pytest.approx(3 / 4)
    assert rougeL("", [known]) == rougeL("—", ["—"]) == 0.0


def test_a_score_is_the_mean_over_predictions():
    said, known = ["Nile", "Paris", "Rome"], [["the Nile"], ["Lyon", "Paris France"], ["Bonn"]]
    assert score(["exact_match", "f1"], said, known) == {
        "exact_match": pytest.approx(1 / 3),
        "f1": pytest.approx((1 + 2 / 3 + 0) / 3),
    }
    assert each(["f1"], said[:1], known[:1]) == [{"f1": 1.0}]


@pytest.mark.parametrize(("said", "known"), [([], []), (["a"], []), (["a"], [[]])])
def test_what_cannot_be_scored_is_refused(said, known):
    with pytest.raises(ValueError, match="reference"):
        score(["f1"], said, known)


@pytest.mark.parametrize("names", [[], ["bleu"], ["f1", "f1"]])
def test_scores_that_are_unknown_named_twice_or_none_are_refused(names):
    with pytest.raises(ValueError, match="scores must be different ones of exact_match, exact_match_with_articles"):
        require(names)


def test_a_missing_library_is_said_before_anything_is_scored(monkeypatch):
    answers._scorer.cache_clear()
    monkeypatch.setitem(sys.modules, "rouge_score.rouge_scorer", None)
    with pytest.raises(ConfigError, match="pip install rouge-score"):
        require(["f1", "rougeL"])
    require(["f1"])
    answers._scorer.cache_clear()
