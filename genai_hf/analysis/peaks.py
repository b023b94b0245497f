"""How many operations a second a device does at most: by its maker, or as it is measured."""

import re
import time
from dataclasses import dataclass

import torch

# Operations a second at most, without sparsity: of 16-bit tensor cores, of TF32, of float32. From NVIDIA's data sheets.
PEAKS = {
    "H200 NVL": (835e12, 417e12, 60e12),
    "H200": (989e12, 494e12, 67e12),
    "H100 NVL": (835e12, 417e12, 60e12),
    "H100 PCIe": (756e12, 378e12, 51e12),
    "H100": (989e12, 494e12, 67e12),  # SXM
    "A100": (312e12, 156e12, 19.5e12),
    "L40S": (362e12, 183e12, 91.6e12),
    "L4": (121e12, 60e12, 30.3e12),
}


@dataclass(frozen=True)
class Peak:
    """Operations a second that a device can do at most, and where that is known from."""

    rate: float
    source: str


def peak(device: torch.device, dtype: torch.dtype) -> Peak:
    """Of a known GPU what its maker says, of anything else what a large product of matrices reaches now."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else ""
    known = [peaks for key, peaks in PEAKS.items() if all(word in re.split(r"[\s-]", name) for word in key.split())]
    if known and dtype != torch.float64 and "MIG" not in name:  # of a part of it the maker says nothing
        kind = 0 if dtype != torch.float32 else 1 if torch.backends.cuda.matmul.fp32_precision == "tf32" else 2
        return Peak(known[0][kind], f"data sheet of the {name}")
    of = f"1,024 x 1,024 {dtype} matrices".replace("torch.", "")
    return Peak(matrix_rate(device, dtype), f"measured: products of {of}, after training")


def matrix_rate(device: torch.device, dtype: torch.dtype, size: int = 1024, seconds: float = 0.2) -> float:
    """Operations a second of square matrix products, measured for about `seconds`."""
    left, right = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
    _synchronised(left @ right)
    began, products = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        _synchronised(left @ right)
        products += 1
    return 2 * size**3 * products / (time.perf_counter() - began)


def _synchronised(result: torch.Tensor) -> None:
    """Wait until `result` is computed, on an accelerator too."""
    result[0, 0].item()
