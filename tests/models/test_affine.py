"""Codes stand within half a step of their weights, on a grid that is what it says, in as many bytes as it says."""

import re
from itertools import product

import pytest
import torch

from genai_hf.models.affine import Affine, pack, unpack

SCHEMES, BITS = ("affine", "zero_point", "symmetric"), range(2, 9)
PARTS = ({"per": "tensor"}, {"per": "channel"}, {"per": "group", "group": 16}, {"per": "group", "group": 7})
SCALES = ("float16", "bfloat16", "float32")
every_scheme = pytest.mark.parametrize("scheme", SCHEMES)


def weights(rows=24, columns=48, seed=0, shift=0.0):
    return torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed)) * 0.05 + shift


def restored(affine, weight):
    return affine.restore(affine.store(weight), *weight.shape)


def scales(affine, weight):
    """Of each weight, (outputs, inputs), in float64."""
    stored = affine.store(weight)["scale"].view(getattr(torch, affine.scales)).double()
    size = {"tensor": weight.numel(), "channel": weight.shape[1], "group": affine.group}[affine.per]
    if affine.per == "tensor":
        return stored.expand(weight.shape)
    return stored.view(len(weight), -1).repeat_interleave(size, 1)[:, : weight.shape[1]]


@pytest.mark.parametrize("bits", BITS)
def test_packed_codes_come_out_again_in_as_many_bits_as_they_have(bits):
    for count in (1, 7, 8, 9, 1000):
        codes = torch.randint(1 << bits, (count,), dtype=torch.uint8, generator=torch.Generator().manual_seed(count))
        codes[0] = (1 << bits) - 1
        packed = pack(codes, bits)
        assert packed.untyped_storage().nbytes() == -(-count * bits // 8)
        assert torch.equal(unpack(packed, bits, count), codes)


def test_three_bits_are_laid_one_after_the_other_from_the_lowest_on():
    codes = torch.tensor([1, 2, 3, 4, 5, 6, 7, 0, 5], dtype=torch.uint8)
    #      byte 0: 11 010 001, byte 1: 1 101 100 0, byte 2: 000 111 11, byte 3: 101, the highest bit on the left
    assert pack(codes, 3).tolist() == [0b11010001, 0b01011000, 0b00011111, 0b101]


@every_scheme
@pytest.mark.parametrize("kind", SCALES)
def test_no_weight_is_farther_from_its_own_than_half_its_step(scheme, kind):
    for bits, part, shift in product(BITS, PARTS, (0.0, 0.3, -20.0)):
        affine, weight = Affine(bits=bits, scheme=scheme, scales=kind, **part), weights(shift=shift)
        error = (restored(affine, weight).double() - weight.double()).abs()
        rounding = 2**-22 * weight.abs().max()  # of the float32 in which all is computed
        assert (error <= scales(affine, weight) / 2 + rounding).all(), (bits, part, shift)


@every_scheme
def test_there_are_no_more_levels_than_the_bits_have_and_all_are_used(scheme):
    for bits in BITS:
        affine = Affine(bits=bits, scheme=scheme, per="tensor")
        line = torch.linspace(-1 if scheme == "symmetric" else 0, 1, 4096)[None]
        assert len(restored(affine, line).unique()) == affine.largest + 1 == 2**bits - (scheme == "symmetric")


def test_the_formula_of_the_course_by_hand():
    weight = torch.tensor([[-0.5, -0.25, 0.0, 1.0], [2.0, 2.0, 2.0, 5.0]])
    affine = Affine(bits=2, scales="float32")
    # steps of 0.5 and of 1; (−0.25 + 0.5) / 0.5 is half a step, which goes to the even code 0
    assert restored(affine, weight).tolist() == [[-0.5, -0.5, 0.0, 1.0], [2.0, 2.0, 2.0, 5.0]]
    assert affine.store(weight)["weight"].tolist() == [0b11010000, 0b11000000]
    assert affine.store(weight)["scale"].view(torch.float32).tolist() == [0.5, 1.0]
    assert affine.store(weight)["offset"].view(torch.float32).tolist() == [-0.5, 2.0]


def test_a_zero_point_and_a_symmetric_grid_by_hand():
    weight = torch.tensor([[-1.0, -0.25, 0.0, 2.0]])
    affine = Affine(bits=2, scheme="zero_point")
    assert affine.store(weight)["offset"].tolist() == [1]  # steps of 1 from −1 to 2
    assert restored(affine, weight).tolist() == [[-1.0, 0.0, 0.0, 2.0]]
    affine = Affine(bits=3, scheme="symmetric")
    assert restored(affine, torch.tensor([[-1.5, -0.75, 0.0, 1.0]])).tolist() == [[-1.5, -1.0, 0.0, 1.0]]


def test_both_ends_are_exact_with_a_minimum_and_zero_is_in_the_others():
    weight = weights()
    weight[:, 5] = 0
    for bits in BITS:
        ours = restored(Affine(bits=bits, scales="float32"), weight)
        assert torch.equal(ours.amin(1), weight.amin(1))
        assert ours.amax(1) == pytest.approx(weight.amax(1), rel=1e-6)
        assert (ours[:, 5] != 0).any()
        for scheme in ("zero_point", "symmetric"):
            assert (restored(Affine(bits=bits, scheme=scheme), weight)[:, 5] == 0).all()


@pytest.mark.parametrize("scheme", ["affine", "symmetric"])
def test_what_is_on_the_grid_stays_where_it_is(scheme):
    for bits, part in product(BITS, PARTS):
        affine = Affine(bits=bits, scheme=scheme, **part)
        once = affine.store(weights())
        again = affine.store(affine.restore(once, 24, 48))
        assert all(torch.equal(once[name], again[name]) for name in once), (bits, part)


@every_scheme
@pytest.mark.parametrize("kind", SCALES)
def test_rows_without_a_range_and_single_weights_need_no_step(scheme, kind):
    for bits, part in product((2, 8), PARTS):
        affine = Affine(bits=bits, scheme=scheme, scales=kind, **part)
        assert torch.equal(restored(affine, torch.zeros(3, 5)), torch.zeros(3, 5))
        for weight in (torch.full((3, 5), 0.25), torch.full((3, 5), -3.0), torch.tensor([[0.1234567]])):
            error = (restored(affine, weight).double() - weight.double()).abs()
            assert (error <= scales(affine, weight) / 2 + 2**-22 * weight.abs().max()).all()
            if scheme == "affine" and len(weight) > 1:
                assert not error.any()  # these numbers are in every type


def test_the_last_group_of_a_row_is_as_short_as_what_is_left():
    weight = torch.tensor([[0.0, 3.0, 6.0, 100.0, 103.0]])
    affine = Affine(bits=2, per="group", group=3)
    assert restored(affine, weight).tolist() == [[0.0, 4.0, 6.0, 100.0, 103.0]]  # 3 is one and a half steps of 2
    assert affine.store(weight)["offset"].view(torch.float16).tolist() == [0.0, 100.0]
    assert restored(Affine(bits=2, per="group", group=9), weight[:, :2]).tolist() == [[0.0, 3.0]]


@every_scheme
def test_the_bytes_are_those_of_the_closed_form(scheme):
    offset = {"affine": 2, "zero_point": 1, "symmetric": 0}[scheme]
    for bits, (part, grids) in product(BITS, zip(PARTS, (1, 24, 24 * 3, 24 * 7), strict=True)):
        affine = Affine(bits=bits, scheme=scheme, **part)
        stored = affine.store(weights())
        assert {name: tensor.untyped_storage().nbytes() for name, tensor in stored.items()} == affine.sizes(24, 48)
        assert sum(affine.sizes(24, 48).values()) == 24 * 48 * bits / 8 + (2 + offset) * grids


def test_more_bits_and_smaller_parts_are_nearer():
    errors = [
        [(restored(Affine(bits=bits, **part), weights()) - weights()).abs().mean() for bits in BITS] for part in PARTS
    ]
    assert all(row == sorted(row, reverse=True) for row in errors)
    assert all(list(column) == sorted(column, reverse=True) for column in zip(*errors, strict=True))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"bits": 1}, "bits must be in [2, 8], got 1"),
        ({"bits": 9}, "bits must be in [2, 8], got 9"),
        ({"bits": 4, "per": "group"}, "group must be at least 1 with per=group and else null, got None with group"),
        ({"bits": 4, "per": "group", "group": 0}, "got 0 with group"),
        ({"bits": 4, "group": 8}, "got 8 with channel"),
    ],
)
def test_what_is_no_way_to_quantise_is_said(settings, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        Affine(**settings)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e5])
def test_a_weight_that_no_grid_holds_is_refused(value):
    with pytest.raises(ValueError, match="not finite, or too large for scales in float16"):
        Affine(bits=8).store(torch.tensor([[value, 0.0]]) * -1)
