"""What training will take by arithmetic alone: good to a factor of two.

Memory by what Adam keeps (Rajbhandari et al. 2020, "ZeRO", arXiv:1910.02054, section 3) and the activations; time by
the model's operations and the rate of this machine's matrix products.
"""

from dataclasses import dataclass

from torch import nn
from transformers import PreTrainedModel

from genai_hf.analysis.operations import Seen, operations
from genai_hf.models.trained_weights import counted

WEIGHT_BYTES = 4  # float32
ADAM_BYTES = 12  # a gradient and Adam's two moments
EFFICIENCY = 0.35  # share of a large matrix product's rate that training small models reaches


@dataclass(frozen=True)
class Cost:
    """What one process takes.

    Attributes:
        memory: Bytes of weights, gradients, optimizer state and activations at their peak.
        step_seconds: Time of one optimizer step.
    """

    memory: float
    step_seconds: float


def estimate(model: PreTrainedModel, seen: Seen, *, accumulation: int, rate: float, bits: int = 32) -> Cost:
    """Estimate the cost of training `model`, which needs no weights for it.

    Args:
        model: A transformer with `config.hidden_size`, `num_hidden_layers` and `vocab_size`.
        seen: A micro-batch.
        accumulation: Micro-batches a step.
        rate: Operations a second of this machine's matrix products.
        bits: Of each weight of the linear layers that are not trained.
    """
    config, counts = model.config, counted(model)
    # Per layer and token about 34 numbers of the hidden width are kept for the backward pass (Korthikanti et al. 2022,
    # arXiv:2205.05198, equation 2, with 4-byte numbers half as many of twice the size), and three copies of the logits.
    activations = 17 * config.num_hidden_layers * config.hidden_size * seen.all + 3 * config.vocab_size * seen.labels
    linear = [weight for module in model.modules() if isinstance(module, nn.Linear) for weight in module.parameters()]
    spared = (WEIGHT_BYTES - bits / 8) * sum(weight.numel() for weight in linear if not weight.requires_grad)
    kept = WEIGHT_BYTES * counts["all"] - spared + ADAM_BYTES * counts["trained"]
    needed = accumulation * operations(model).of(seen, seen.labels)
    return Cost(kept + 4 * activations, needed / (rate * EFFICIENCY))
