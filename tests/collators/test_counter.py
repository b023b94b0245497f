import numpy as np
from scipy.stats import chisquare, kstest

from genai_hf.collators import counter


def test_the_finaliser_gives_splitmix64s_published_sequence() -> None:
    # The first outputs of SplitMix64 from state 1234567, as in the reference implementation of its authors.
    states = np.uint64(1234567) + np.arange(1, 6, dtype=np.uint64) * counter.GAMMA
    expected = [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]
    assert counter.mix(states).tolist() == expected


def test_a_number_depends_on_seed_epoch_example_position_and_stream_and_on_nothing_else() -> None:
    def number(seed=1, epoch=2, example=3, position=4, stream=0):
        return int(counter.bits(counter.row_keys(seed, [epoch], [example]), np.array([position]), stream)[0])

    variants = [number(), number(seed=2), number(epoch=3), number(example=4), number(position=5), number(stream=1)]
    assert len(set(variants)) == 6
    assert number() == number()


def test_the_order_of_the_rows_does_not_matter() -> None:
    forward, backward = counter.row_keys(0, [1, 1], [7, 8]), counter.row_keys(0, [1, 1], [8, 7])
    assert forward.tolist() == backward[::-1].tolist()


def test_evaluation_does_not_depend_on_the_seed() -> None:
    assert counter.row_keys(1, [-1], [5]) == counter.row_keys(2, [-1], [5])
    assert counter.row_keys(1, [0], [5]) != counter.row_keys(2, [0], [5])


def test_numbers_are_uniform_over_examples_positions_epochs_and_streams() -> None:
    keys = counter.row_keys(0, [0] * 500, range(500))
    draws = counter.uniform(counter.bits(keys[:, None], np.arange(128), 1))
    assert kstest(draws.ravel(), "uniform").pvalue > 1e-4
    assert kstest(draws[:, 0], "uniform").pvalue > 1e-4
    epochs = counter.uniform(counter.bits(counter.row_keys(0, range(5000), [1] * 5000), np.array(0), 0))
    assert kstest(epochs, "uniform").pvalue > 1e-4
    neighbours = np.corrcoef(draws[:, :-1].ravel(), draws[:, 1:].ravel())[0, 1]
    assert abs(neighbours) < 4 / np.sqrt(draws.size)


def test_integers_below_a_size_are_uniform_and_below_it() -> None:
    draws = counter.below(counter.bits(counter.row_keys(3, [0] * 1000, range(1000))[:, None], np.arange(100), 2), 59)
    assert draws.min() == 0
    assert draws.max() == 58
    assert chisquare(np.bincount(draws.ravel(), minlength=59)).pvalue > 1e-4
