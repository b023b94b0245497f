"""Affine quantisation of a matrix by its smallest and largest weights: codes of 2 to 8 bits, packed for real.

Jacob et al. 2018, arXiv:1712.05877, section 2.1, equation 1; Krishnamoorthi 2018, arXiv:1806.08342, section 2
(symmetric, per channel); Shen et al. 2020, "Q-BERT", arXiv:1909.05840, section 3.2 (per group). Codes are rounded to
the nearest, halves to even. No weight lies outside its grid: scales are rounded up to their stored type and minima
down, so that the error of every weight is at most half the scale that is stored.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Affine:
    """How a matrix of weights becomes codes on a grid.

    Args:
        bits: Of a code, 2 to 8.
        scheme: ``affine`` stores each grid's scale and minimum: w = scale code + minimum, so that both ends of its
            range are exact but for the rounding of the two, and zero need not be; ``zero_point`` its scale and the
            code of zero: w = scale (code - zero point), so that zero is exact and the ends need not be; ``symmetric``
            the scale alone: w = scale (code - h) with h = 2^(bits - 1) - 1 and codes up to 2 h, so that zero is exact.
        per: What has a grid of its own: the whole ``tensor``, each output's ``channel``, or each ``group`` of inputs.
        group: Inputs of a group, at least 1; the last of a row has those that are left.
        scales: Stored type of scales and minima. A zero point is one byte.

    Raises:
        ValueError: A value is out of range, or a group is given or missing where it should not be.
    """

    bits: int
    scheme: Literal["affine", "zero_point", "symmetric"] = "affine"
    per: Literal["tensor", "channel", "group"] = "channel"
    group: int | None = None
    scales: Literal["float16", "bfloat16", "float32"] = "float16"

    def __post_init__(self) -> None:
        if not 2 <= self.bits <= 8:
            raise ValueError(f"bits must be in [2, 8], got {self.bits}")
        if (self.per == "group") != (self.group is not None) or (self.group is not None and self.group < 1):
            raise ValueError(f"group must be at least 1 with per=group and else null, got {self.group} with {self.per}")

    @property
    def largest(self) -> int:
        """The largest code."""
        return (1 << self.bits) - (2 if self.scheme == "symmetric" else 1)

    def sizes(self, outputs: int, inputs: int) -> dict[str, int]:
        """Bytes of each stored tensor of an (outputs, inputs) matrix."""
        grids = {"tensor": 1, "channel": outputs, "group": outputs * -(-inputs // (self.group or inputs))}[self.per]
        scale = grids * getattr(torch, self.scales).itemsize
        offset = {"affine": {"offset": scale}, "zero_point": {"offset": grids}, "symmetric": {}}[self.scheme]
        return {"weight": -(-outputs * inputs * self.bits // 8), "scale": scale, **offset}

    def store(self, weight: Tensor) -> dict[str, Tensor]:
        """What stands for a weight (outputs, inputs): uint8 tensors of as many bytes as `sizes` says.

        Scales and minima are kept as bytes, so that no cast of a model changes them.

        Raises:
            ValueError: It is not finite, or too large for the scales' type.
        """
        blocks = self._blocks(weight.float())
        grid = self._grid(blocks)
        scale, zero, least = self._frame(grid)
        codes = ((blocks - least) / scale.where(scale > 0, 1)).round() + zero
        kept = self._matrix(codes.clamp(0, self.largest).byte(), *weight.shape)
        return {"weight": pack(kept.flatten(), self.bits), **grid}

    def restore(self, stored: Mapping[str, Tensor], outputs: int, inputs: int) -> Tensor:
        """The weight (outputs, inputs) in float32 that `stored` stands for."""
        codes = unpack(stored["weight"], self.bits, outputs * inputs).view(outputs, inputs)
        scale, zero, least = self._frame(stored)
        return self._matrix((self._blocks(codes.float()) - zero) * scale + least, outputs, inputs)

    def _blocks(self, matrix: Tensor) -> Tensor:
        """What shares a grid in a row each; a group that is cut short repeats its last number."""
        rows = matrix.reshape(1, -1) if self.per == "tensor" else matrix
        size = self.group or rows.shape[1]
        return F.pad(rows[:, None], (0, -rows.shape[1] % size), mode="replicate").reshape(-1, size)

    def _matrix(self, blocks: Tensor, outputs: int, inputs: int) -> Tensor:
        """The inverse of `_blocks`."""
        return blocks.reshape(outputs, -1)[:, :inputs]

    def _grid(self, blocks: Tensor) -> dict[str, Tensor]:
        """Scale and offset of each block, as bytes."""
        low, high = blocks.amin(1), blocks.amax(1)
        if self.scheme == "symmetric":
            scale = self._stored(torch.maximum(-low, high) / (self.largest // 2), up=True)
            return {"scale": scale.view(torch.uint8)}
        if self.scheme == "zero_point":
            low, high = low.clamp(max=0), high.clamp(min=0)
            scale = self._stored((high - low) / self.largest, up=True)
            offset = (-low / scale.float().where(scale > 0, 1)).round().byte()
        else:
            offset = self._stored(low, up=False)
            scale = self._stored((high - offset.float()) / self.largest, up=True)
        return {"scale": scale.view(torch.uint8), "offset": offset.view(torch.uint8)}

    def _stored(self, exact: Tensor, *, up: bool) -> Tensor:
        """The nearest number of the scales' type that is not below the exact one, or not above it."""
        near = exact.to(getattr(torch, self.scales))
        beyond = torch.nextafter(near, torch.full_like(near, torch.inf if up else -torch.inf))
        stored = torch.where(near.float() < exact if up else near.float() > exact, beyond, near)
        if not stored.isfinite().all():
            raise ValueError(f"there are weights that are not finite, or too large for scales in {self.scales}")
        return stored

    def _frame(self, grid: Mapping[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Scale, code of zero and smallest weight of each block, (blocks, 1): w = scale (code - zero) + least."""
        scale = grid["scale"].view(getattr(torch, self.scales)).float()[:, None]
        none = torch.zeros_like(scale)
        if self.scheme == "affine":
            return scale, none, grid["offset"].view(getattr(torch, self.scales)).float()[:, None]
        if self.scheme == "zero_point":
            return scale, grid["offset"].float()[:, None], none
        return scale, none + self.largest // 2, none


def pack(codes: Tensor, bits: int) -> Tensor:
    """Codes below 2^bits, uint8 (n,), one after the other in ceil(n bits / 8) bytes, each from its lowest bit on."""
    eights = F.pad(codes, (0, -len(codes) % 8)).view(-1, 8).long()
    words = (eights << bits * torch.arange(8, device=codes.device)).sum(1)  # their bits do not meet
    packed = words[:, None].view(torch.uint8)[:, :bits]
    return packed.flatten()[: -(-len(codes) * bits // 8)].clone()  # the rest of the words is let go


def unpack(packed: Tensor, bits: int, count: int) -> Tensor:
    """The first `count` codes, uint8, of what `pack` gave."""
    if 8 % bits == 0:  # none crosses the edge of a byte
        shifts = torch.arange(0, 8, bits, dtype=torch.uint8, device=packed.device)
        return (packed[:, None] >> shifts & (1 << bits) - 1).flatten()[:count]
    chunks = F.pad(packed, (0, -len(packed) % bits)).view(-1, bits)
    words = F.pad(chunks, (0, 8 - bits)).view(torch.int64)
    shifts = bits * torch.arange(8, device=packed.device)
    return (words >> shifts & (1 << bits) - 1).byte().flatten()[:count]
