"""In which numbers to compute: chosen by the hardware unless the user says."""

from pathlib import Path
from typing import Literal

import torch

from genai_hf.errors import ConfigError


def resolve(precision: Literal["auto", "fp32", "bf16", "fp16"]) -> str:
    """``auto`` as ``bf16`` where the hardware multiplies matrices in it, else ``fp32``; anything else as it is."""
    if precision == "fp16" and not torch.cuda.is_available():
        raise ConfigError("'precision': fp16 needs a CUDA GPU; leave it at auto")
    if precision != "auto":
        return precision
    return "bf16" if has_bf16() else "fp32"


def has_bf16() -> bool:
    """Whether this machine's accelerator, or without one its processor, computes natively in bfloat16."""
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    flags = Path("/proc/cpuinfo")
    return flags.is_file() and any(flag in flags.read_text("utf-8") for flag in ("avx512_bf16", "amx_bf16"))
