import pytest

from genai_hf.training.batches import FILLER_EPOCH, EvaluationBatches, TrainingBatches


def batches(size, batch_size=2, accumulation=1, ranks=1, epoch=0, seed=0):
    """Every rank's micro-batches, round by round."""
    everyone = []
    for rank in range(ranks):
        sampler = TrainingBatches(size, seed, batch_size, accumulation, ranks, rank)
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
