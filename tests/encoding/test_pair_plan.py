"""Which segments make a pair: nothing is lost, nothing is of the wrong document, and half is random."""

import numpy as np
import pytest
from scipy.stats import binom, chisquare

from genai_hf.encoding.pair_plan import FIRST, FIRST_LENGTH, IS_DRAWN, IS_RANDOM, SECOND, SECOND_LENGTH, PairPlan


def corpus(documents: int, sentences: int, tokens: int) -> tuple[np.ndarray, np.ndarray]:
    """Documents of equally many sentences of equally many tokens."""
    starts = np.arange(documents + 1) * sentences * tokens
    return starts, np.arange(documents * sentences) * tokens


def ragged(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    lengths = [random.integers(1, 40, random.integers(1, 30)) for _ in range(50)]
    starts = np.cumsum([0, *(sum(document) for document in lengths)])
    return starts, np.cumsum([0, *np.concatenate(lengths)])[:-1]


def document_of(starts: np.ndarray, places: np.ndarray) -> np.ndarray:
    return np.searchsorted(starts, places, side="right") - 1


def test_a_small_corpus_written_out():
    # Two documents of two sentences of three tokens: each makes a pair that fits as a whole.
    starts, sentences = corpus(2, 2, 3)
    for random_share, expected in ((0.0, [[0, 3, 3, 3, 0, 1], [6, 3, 9, 3, 0, 1]]),):
        plan = PairPlan(room=20, short_probability=0.0, random_share=random_share)
        assert plan.draw(starts, sentences, "0").tolist() == expected
    always = PairPlan(room=20, short_probability=0.0, random_share=1.0).draw(starts, sentences, "0")
    # What would have followed comes again as the next first segment, which is alone and so has no choice.
    assert always[:, [FIRST, FIRST_LENGTH, IS_RANDOM, IS_DRAWN]].tolist() == [
        [0, 3, 1, 1],
        [3, 3, 1, 0],
        [6, 3, 1, 1],
        [9, 3, 1, 0],
    ]
    assert all(pair[SECOND] >= 6 for pair in always[:2])
    assert all(pair[SECOND] < 6 for pair in always[2:])


@pytest.mark.parametrize("random_share", [0.0, 0.5, 1.0])
def test_pairs_are_of_the_right_documents_and_have_room(random_share):
    starts, sentences = ragged()
    plan = PairPlan(room=61, short_probability=0.1, random_share=random_share).draw(starts, sentences, "1")
    first, second = plan[:, FIRST], plan[:, SECOND]
    first_end, second_end = first + plan[:, FIRST_LENGTH], second + plan[:, SECOND_LENGTH]
    assert (plan[:, [FIRST_LENGTH, SECOND_LENGTH]] > 0).all()
    assert (plan[:, FIRST_LENGTH] + plan[:, SECOND_LENGTH] <= 61).all()
    assert (document_of(starts, first) == document_of(starts, first_end - 1)).all()
    assert (document_of(starts, second) == document_of(starts, second_end - 1)).all()
    is_other = document_of(starts, first) != document_of(starts, second)
    assert (is_other == plan[:, IS_RANDOM].astype(bool)).all()
    follows = ~is_other
    assert (second[follows] >= first_end[follows]).all()
    assert plan[plan[:, IS_DRAWN] == 0][:, IS_RANDOM].all()  # a single sentence has nothing that follows


def test_no_text_is_lost_where_nothing_is_cut():
    starts, sentences = ragged()
    plan = PairPlan(room=10_000, short_probability=0.0).draw(starts, sentences, "2")
    seen = np.zeros(starts[-1], dtype=int)
    for pair in plan:
        seen[pair[FIRST] : pair[FIRST] + pair[FIRST_LENGTH]] += 1
        if not pair[IS_RANDOM]:
            seen[pair[SECOND] : pair[SECOND] + pair[SECOND_LENGTH]] += 1
    assert (seen == 1).all()


def test_half_of_the_second_segments_are_random_and_from_every_other_document():
    starts, sentences = corpus(20, 200, 4)
    plan = PairPlan(room=64, short_probability=0.0).draw(starts, sentences, "3")
    drawn = plan[plan[:, IS_DRAWN] == 1]
    low, high = binom.interval(0.9999, len(drawn), 0.5)
    assert low <= drawn[:, IS_RANDOM].sum() <= high
    of_first = plan[(plan[:, IS_RANDOM] == 1) & (document_of(starts, plan[:, FIRST]) == 0)]
    every = np.concatenate([PairPlan(room=64).draw(starts, sentences, str(seed)) for seed in range(20)])
    of_first = every[(every[:, IS_RANDOM] == 1) & (document_of(starts, every[:, FIRST]) == 0)]
    counts = np.bincount(document_of(starts, of_first[:, SECOND]), minlength=20)
    assert counts[0] == 0
    assert chisquare(counts[1:]).pvalue > 1e-4


def test_a_tenth_is_short():
    starts, sentences = corpus(50, 300, 1)  # sentences of one token: every length is met exactly
    plan = PairPlan(room=101, short_probability=0.1, random_share=0.0).draw(starts, sentences, "4")
    lengths = plan[:, FIRST_LENGTH] + plan[:, SECOND_LENGTH]
    within = plan[:, FIRST] % 300 < 150  # not cut short by the end of their document
    short = (lengths[within] < 101).sum()
    low, high = binom.interval(0.9999, within.sum(), 0.1 * 99 / 100)  # a length drawn may be the full one
    assert low <= short <= high


def test_long_segments_are_cut_at_the_front_and_at_the_back():
    starts, sentences = corpus(2, 2, 100)
    plan = PairPlan(room=50, short_probability=0.0).draw(starts, sentences, "5")
    assert (plan[:, FIRST_LENGTH] + plan[:, SECOND_LENGTH] == 50).all()
    assert (plan[:, [FIRST_LENGTH, SECOND_LENGTH]] >= 24).all()  # from the longer one, a token at a time
    front, back = plan[:, FIRST] % 100, 100 - (plan[:, FIRST] + plan[:, FIRST_LENGTH]) % 100
    assert (front > 10).all()
    assert (back > 10).all()


def test_the_same_seed_gives_the_same_pairs_and_another_others():
    starts, sentences = ragged()
    plan = PairPlan(room=61)
    assert (plan.draw(starts, sentences, "6") == plan.draw(starts, sentences, "6")).all()
    assert not np.array_equal(plan.draw(starts, sentences, "6"), plan.draw(starts, sentences, "7"))


def test_wrong_values_are_refused():
    with pytest.raises(ValueError, match="holds no two segments"):
        PairPlan(room=1)
    with pytest.raises(ValueError, match="random_share must be in"):
        PairPlan(room=10, random_share=1.5)
    with pytest.raises(ValueError, match="short_probability must be in"):
        PairPlan(room=10, short_probability=-0.1)
