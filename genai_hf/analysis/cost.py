"""What training will take, by arithmetic: memory by what Adam keeps, time by 6 operations a parameter and token.

Kaplan et al. 2020, "Scaling laws for neural language models", arXiv:2001.08361, section 2.1 (C = 6 N D); memory as in
Rajbhandari et al. 2020, "ZeRO", arXiv:1910.02054, section 3. An estimate: good to a factor of two.
"""

import time
from dataclasses import dataclass

import torch
from transformers import PreTrainedModel

ADAM_BYTES = 16  # a float32 weight, its gradient and Adam's two moments
EFFICIENCY = 0.35  # share of a large matrix product's rate that training small models reaches


@dataclass(frozen=True)
class Cost:
    """An estimate for one process.

    Attributes:
        parameters: All of them, embeddings included.
        memory: Bytes of weights, gradients, optimizer state and activations at their peak.
        step_seconds: Time of one optimizer step.
    """

    parameters: int
    memory: float
    step_seconds: float


def estimate(model: PreTrainedModel, *, rows: int, length: int, accumulation: int, head_rows: int, rate: float) -> Cost:
    """Estimate the cost of training `model`, which needs no weights for it.

    Args:
        model: A transformer with `config.hidden_size`, `num_hidden_layers` and `vocab_size`.
        rows: Rows of a micro-batch.
        length: Tokens of a row.
        accumulation: Micro-batches a step.
        head_rows: Positions of a micro-batch at which the vocabulary head is computed.
        rate: Operations a second of this machine's matrix products.
    """
    config, tokens = model.config, rows * length
    parameters = sum(parameter.numel() for parameter in model.parameters())
    table = config.vocab_size * config.hidden_size
    body = parameters - table
    attention = 12 * config.num_hidden_layers * length * config.hidden_size * tokens
    operations = accumulation * (6 * body * tokens + 6 * table * head_rows + attention)
    # Per layer and token about 34 numbers of the hidden width are kept for the backward pass (Korthikanti et al. 2022,
    # arXiv:2205.05198, equation 2, with 4-byte numbers half as many of twice the size), and three copies of the logits.
    activations = 4 * (17 * config.num_hidden_layers * config.hidden_size * tokens + 3 * config.vocab_size * head_rows)
    return Cost(parameters, ADAM_BYTES * parameters + activations, operations / (rate * EFFICIENCY))


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
