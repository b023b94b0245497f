import numpy as np
import pytest

from genai_hf.training.batches import FILLER_EPOCH, EvaluationBatches, TrainingBatches, cuts


def batches(size, batch_size=2, accumulation=1, ranks=1, epoch=0, seed=0, lengths=None):
    """Every rank's micro-batches, round by round."""
    everyone = []
    for rank in range(ranks):
        sampler = TrainingBatches(size, seed, batch_size, accumulation, ranks, rank, lengths)
        sampler.epoch = epoch
        mine = list(sampler)
        assert len(mine) == len(sampler)
        everyone.append(mine)
    return [micro_batch for together in zip(*everyone, strict=True) for micro_batch in together]


def rows(micro_batches):
    return [index for micro_batch in micro_batches for epoch, index in micro_batch if epoch != FILLER_EPOCH]


@pytest.mark.parametrize("size", [1, 2, 5, 16, 17, 23, 31])
@pytest.mark.parametrize(("accumulation", "ranks"), [(1, 1), (4, 1), (2, 2), (1, 4), (1, 3)])
def test_every_row_comes_once_an_epoch(size, accumulation, ranks):
    assert sorted(rows(batches(size, 2, accumulation, ranks))) == list(range(size))


@pytest.mark.parametrize("size", [16, 17, 23, 31])
def test_ranks_and_accumulation_take_the_same_steps(size):
    def steps(batch_size, accumulation, ranks):
        taken = batches(size, batch_size, accumulation, ranks, epoch=3)
        together = accumulation * ranks
        return [rows(taken[start : start + together]) for start in range(0, len(taken), together)]

    alone = steps(8, 1, 1)
    assert steps(4, 2, 1) == steps(4, 1, 2) == steps(2, 2, 2) == steps(1, 8, 1) == alone


def test_the_order_is_a_function_of_seed_and_epoch():
    assert rows(batches(20, epoch=1)) == rows(batches(20, epoch=1))
    assert rows(batches(20, epoch=1)) != rows(batches(20, epoch=2))
    assert rows(batches(20, seed=1)) != rows(batches(20, seed=2))


def test_the_epoch_travels_with_the_index():
    assert {epoch for micro_batch in batches(5, epoch=7) for epoch, _ in micro_batch} == {7}


def test_a_rank_without_a_row_in_the_last_step_gets_a_filler():
    last = batches(5, batch_size=2, ranks=2)[-2:]
    assert [[epoch for epoch, _ in micro_batch] for micro_batch in last] == [[0], [FILLER_EPOCH]]


@pytest.mark.parametrize("ranks", [1, 2, 3])
def test_evaluation_batches_are_the_same_for_any_number_of_ranks(ranks):
    shares = [list(EvaluationBatches(size=11, batch_size=2, ranks=ranks, rank=rank)) for rank in range(ranks)]
    assert len({len(share) for share in shares}) == 1
    in_order = [batch for together in zip(*shares, strict=True) for batch in together]
    assert in_order[:6] == [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9], [10]]
    assert in_order[6:] == [[0, 1]] * (len(in_order) - 6)  # fills a place, and is left out of the sums


def uneven(size, seed=0):
    """Lengths of which many are alike, as texts have them."""
    return np.random.default_rng(seed).geometric(0.03, size).clip(4, 128)


def share_of_padding(micro_batches, lengths):
    """Of all places of the micro-batches, how many stand empty."""
    places = sum(len(some) * max(lengths[row] for _, row in some) for some in micro_batches)
    return 1 - lengths.sum() / places


@pytest.mark.parametrize("size", [1, 2, 5, 15, 16, 17, 31, 1000])
@pytest.mark.parametrize(("accumulation", "ranks"), [(1, 1), (4, 1), (2, 2), (1, 2), (1, 3)])
@pytest.mark.parametrize("epoch", [0, 3])
def test_grouped_by_length_every_row_still_comes_once_an_epoch(size, accumulation, ranks, epoch):
    taken = rows(batches(size, 2, accumulation, ranks, epoch, lengths=uneven(size)))
    assert sorted(taken) == list(range(size))


@pytest.mark.parametrize("size", [7, 16, 23, 1003])
def test_grouped_by_length_ranks_and_accumulation_take_the_same_steps(size):
    def steps(batch_size, accumulation, ranks):
        taken = batches(size, batch_size, accumulation, ranks, epoch=3, lengths=uneven(size))
        together = accumulation * ranks
        return [rows(taken[start : start + together]) for start in range(0, len(taken), together)]

    assert steps(4, 2, 1) == steps(4, 1, 2) == steps(2, 2, 2) == steps(1, 8, 1) == steps(8, 1, 1)


def test_grouped_by_length_the_order_is_a_function_of_seed_and_epoch():
    lengths = uneven(400)

    def order(**given):
        return rows(batches(400, lengths=lengths, **given))

    assert order(epoch=1) == order(epoch=1)
    assert order(epoch=1) != order(epoch=2)
    assert order(seed=1) != order(seed=2)


def test_grouped_by_length_little_is_padded():
    lengths = uneven(2000)
    for accumulation, ranks in [(1, 1), (2, 1), (1, 2)]:
        shuffled = share_of_padding(batches(2000, 16, accumulation, ranks), lengths)
        grouped = share_of_padding(batches(2000, 16, accumulation, ranks, lengths=lengths), lengths)
        assert shuffled > 0.5
        assert grouped < 0.06


def test_grouped_by_length_short_and_long_steps_come_mixed():
    lengths = uneven(800)
    means = [lengths[rows([some])].mean() for some in batches(800, 16, lengths=lengths)]  # of fifty steps
    assert abs(np.corrcoef(means, np.arange(50))[0, 1]) < 0.4
    assert sorted(means) != means


def test_what_makes_no_whole_step_comes_last_and_as_it_was_shuffled():
    lengths = uneven(103)
    plain, grouped = rows(batches(103, 8)), rows(batches(103, 8, lengths=lengths))
    assert grouped[96:] == plain[96:]
    assert grouped[:96] != plain[:96]


def test_fewer_rows_than_a_step_keep_the_shuffled_order():
    assert rows(batches(7, 8, lengths=uneven(7))) == rows(batches(7, 8))


def test_rows_of_one_length_are_taken_at_random():
    lengths = np.full(64, 9)
    assert rows(batches(64, 8, lengths=lengths)) != rows(batches(64, 8, epoch=1, lengths=lengths))
    assert rows(batches(64, 8, lengths=lengths)) != list(range(64))


@pytest.mark.parametrize("ranks", [1, 2, 3])
def test_evaluation_by_length_begins_with_the_longest_and_takes_every_row_once(ranks):
    lengths = np.array([3, 9, 5, 5, 2, 7, 9])
    shares = [list(EvaluationBatches(7, 2, ranks, rank, lengths)) for rank in range(ranks)]
    in_order = [batch for together in zip(*shares, strict=True) for batch in together]
    assert in_order[:4] == [[1, 6], [5, 2], [3, 0], [4]]
    assert in_order[4:] == [[1, 6]] * (len(in_order) - 4)


def budgeted(lengths, tokens, epoch=0, accumulation=1, ranks=1, multiple=1):
    """Every rank's micro-batches of so many tokens, round by round."""
    everyone = []
    for rank in range(ranks):
        sampler = TrainingBatches(len(lengths), 0, 2, accumulation, ranks, rank, lengths, tokens, multiple)
        sampler.epoch = epoch
        mine = list(sampler)
        assert len(mine) == len(sampler)
        everyone.append(mine)
    return [part for together in zip(*everyone, strict=True) for part in together]


@pytest.mark.parametrize(
    ("lengths", "tokens", "begins"),
    [
        ([2, 2, 2, 3, 5], 6, [0, 3, 4]),  # three of two; one of three, since two with one of five would be ten
        ([5, 3, 2, 2, 2], 6, [0, 1, 3]),  # the same from the other end
        ([2, 2, 9, 9], 8, [0, 2, 3]),  # what is longer than a batch comes alone
        ([4], 4, [0]),
        ([], 4, []),
        ([[2, 1], [1, 3], [4, 1]], 10, [0, 2]),  # two of two and three; with four and three, three would be 21
        ([[2, 1], [1, 3], [4, 1]], 21, [0]),
    ],
)
def test_a_batch_has_as_many_rows_as_fit_into_its_tokens(lengths, tokens, begins):
    assert cuts(np.array(lengths, dtype=np.int64), tokens).tolist() == begins


@pytest.mark.parametrize("size", [1, 5, 16, 333])
@pytest.mark.parametrize(("accumulation", "ranks"), [(1, 1), (4, 1), (2, 2), (1, 3)])
@pytest.mark.parametrize("epoch", [0, 3])
def test_by_tokens_every_row_still_comes_once_an_epoch(size, accumulation, ranks, epoch):
    taken = rows(budgeted(uneven(size), 256, epoch, accumulation, ranks))
    assert sorted(taken) == list(range(size))


def test_by_tokens_no_micro_batch_is_larger_and_few_are_much_smaller():
    lengths = uneven(2000)
    places = [
        len(part) * -(-max(lengths[row] for _, row in part) // 8) * 8 for part in budgeted(lengths, 512, 0, multiple=8)
    ]
    assert max(places) <= 512
    assert np.mean(places) > 0.93 * 512
    assert share_of_padding(budgeted(lengths, 512), lengths) < 0.03


def test_by_tokens_ranks_and_accumulation_take_the_same_steps():
    lengths = uneven(333)

    def steps(accumulation, ranks):
        taken = budgeted(lengths, 256, 3, accumulation, ranks)
        return [sorted(rows(taken[first : first + 4])) for first in range(0, len(taken), 4)]

    assert steps(4, 1) == steps(2, 2) == steps(1, 4)


def test_by_tokens_the_shapes_of_an_epoch_come_again_in_the_next_with_other_rows():
    lengths = uneven(400)
    first, second = (budgeted(lengths, 256, epoch, multiple=8) for epoch in (0, 1))

    def shapes(parts):
        return sorted((len(part), -(-max(lengths[row] for _, row in part) // 8) * 8) for part in parts)

    assert shapes(first) == shapes(second)
    assert rows(first) != rows(second)
    assert {frozenset(rows([part])) for part in first} != {frozenset(rows([part])) for part in second}
    assert len({width for _, width in shapes(first)}) <= 16


@pytest.mark.parametrize("ranks", [1, 2, 3])
def test_by_tokens_evaluation_batches_are_the_same_for_any_number_of_ranks(ranks):
    lengths = np.array([2, 5, 2, 3, 2])
    shares = [list(EvaluationBatches(5, 2, ranks, rank, lengths, tokens=6)) for rank in range(ranks)]
    in_order = [batch for together in zip(*shares, strict=True) for batch in together]
    assert in_order[:3] == [[1], [3, 0], [2, 4]]
    assert len(shares[0]) == len(EvaluationBatches(5, 2, ranks, 0, lengths, tokens=6))
