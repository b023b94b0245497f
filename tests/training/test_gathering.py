"""Sums and rows of all ranks come together in the order of the data, whatever filled a rank's place."""

import numpy as np
import pytest
import torch

from genai_hf.training import gathering
from genai_hf.training.batches import EvaluationBatches


def tallies(batches):
    """Of each batch of a rank: how many rows, their sum, and the rows themselves in one and two dimensions."""
    return [
        {
            "rows": torch.tensor(len(rows)),
            "sum": torch.tensor(float(sum(rows)), requires_grad=True),
            "numbers": torch.tensor(rows, dtype=torch.bfloat16),
            "outputs": torch.tensor([[float(row), row + 0.5] for row in rows]),
        }
        for rows in batches
    ]


def gathered(monkeypatch, size, batch_size, ranks, lengths=None, spoil=lambda everyone: everyone):
    """What each rank gathers, where the others' share is handed over without a process group."""
    shares = [EvaluationBatches(size, batch_size, ranks, rank, lengths) for rank in range(ranks)]
    everyone = spoil([tallies(share) for share in shares])

    def all_gather_object(into, mine):
        for rank, found in enumerate(everyone):
            into[rank] = [{name: t[name].detach().double().numpy() for name in t} for t in found]

    monkeypatch.setattr(torch.distributed, "all_gather_object", all_gather_object)
    return [gathering.gathered(mine, batches) for mine, batches in zip(everyone, shares, strict=True)]


@pytest.mark.parametrize("ranks", [1, 2, 3, 4])
@pytest.mark.parametrize(("size", "batch_size"), [(11, 2), (12, 4), (5, 8), (7, 1)])
@pytest.mark.parametrize("grouped", [False, True])
def test_sums_and_rows_are_those_of_the_data_on_every_rank(monkeypatch, ranks, size, batch_size, grouped):
    lengths = np.random.default_rng(size).integers(1, 6, size) if grouped else None
    for found in gathered(monkeypatch, size, batch_size, ranks, lengths):
        assert found["rows"] == size
        assert found["sum"] == size * (size - 1) / 2
        assert found["numbers"].tolist() == list(range(size))
        assert found["outputs"].tolist() == [[row, row + 0.5] for row in range(size)]


def test_a_filler_is_left_out(monkeypatch):
    shares = [list(EvaluationBatches(5, 2, 2, rank)) for rank in range(2)]
    assert shares == [[[0, 1], [4]], [[2, 3], [0, 1]]]  # the last one repeats the first batch
    assert gathered(monkeypatch, 5, 2, 2)[0]["sum"] == 10.0


def test_a_sum_is_a_plain_number_and_the_same_to_the_last_bit_for_any_number_of_ranks(monkeypatch):
    def exact(ranks):
        shares = [EvaluationBatches(40, 1, ranks, rank) for rank in range(ranks)]
        found = [[{"sum": torch.tensor(0.1 * row[0], dtype=torch.float64)} for row in share] for share in shares]

        def all_gather_object(into, mine):
            into[:] = [[{"sum": tally["sum"].numpy()} for tally in some] for some in found]

        monkeypatch.setattr(torch.distributed, "all_gather_object", all_gather_object)
        return gathering.gathered(found[0], shares[0])["sum"]

    assert exact(1) == exact(2) == exact(3)
    assert type(exact(2)) is float


@pytest.mark.parametrize("ranks", [1, 2])
def test_a_missing_row_is_noticed(monkeypatch, ranks):
    def spoil(everyone):
        everyone[-1][0]["numbers"] = everyone[-1][0]["numbers"][:-1]
        return everyone

    with pytest.raises(RuntimeError, match=r"^10 of 11 evaluation rows came together$"):
        gathered(monkeypatch, 11, 2, ranks, spoil=spoil)


def test_a_row_too_many_is_noticed(monkeypatch):
    def spoil(everyone):
        everyone[0][0]["outputs"] = everyone[0][0]["outputs"][[0, 0, 1]]
        return everyone

    with pytest.raises(RuntimeError, match=r"^12 of 11 evaluation rows came together$"):
        gathered(monkeypatch, 11, 2, 1, spoil=spoil)
