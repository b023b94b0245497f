"""What a device does at most."""

import torch

from genai_hf.analysis import peaks


def test_known_gpus_have_their_makers_peak(monkeypatch):
    for name, rate in (
        ("NVIDIA H100 80GB HBM3", 989e12),
        ("NVIDIA H100 PCIe", 756e12),
        ("NVIDIA H100 NVL", 835e12),
        ("NVIDIA A100-SXM4-80GB", 312e12),
        ("NVIDIA L4", 121e12),
        ("NVIDIA L40S", 362e12),
    ):
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda _, name=name: name)
        assert peaks.peak(torch.device("cuda"), torch.bfloat16).rate == rate
        assert name in peaks.peak(torch.device("cuda"), torch.bfloat16).source
    assert peaks.peak(torch.device("cuda"), torch.float32).rate == 91.6e12
    before = torch.backends.cuda.matmul.fp32_precision
    try:
        torch.backends.cuda.matmul.fp32_precision = "tf32"
        assert peaks.peak(torch.device("cuda"), torch.float32).rate == 183e12
    finally:
        torch.backends.cuda.matmul.fp32_precision = before


def test_the_peak_of_anything_else_is_measured(monkeypatch):
    monkeypatch.setattr(peaks, "matrix_rate", lambda device, dtype: 7.0)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "NVIDIA H100 80GB HBM3 MIG 1g.10gb")
    assert peaks.peak(torch.device("cuda"), torch.bfloat16).rate == 7.0
    assert peaks.peak(torch.device("cpu"), torch.float32).rate == 7.0
