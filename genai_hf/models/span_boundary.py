"""The span boundary objective's head: what a token within a span is, by the two tokens beside the span alone.

Joshi et al. 2020, "SpanBERT: Improving Pre-training by Representing and Predicting Spans", arXiv:1907.10529, section
3.2: y_i = f(x_{s-1}, x_{e+1}, p_{i-s+1}), where f is two layers of (linear, GELU, layer norm).
"""

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from genai_hf.models.attached import attach

NAME = "span_boundary"  # of the module that is attached


class SpanBoundaryHead(nn.Module):
    """Vectors for the model's own output embedding, one a target.

    Args:
        hidden_size: Of the trunk's states, H.
        output_size: Of what the output embedding takes, O.
        positions: How many places in a span there are embeddings for.
        deviation: Of the normal distribution that weights are drawn from.
    """

    def __init__(self, hidden_size: int, output_size: int, positions: int, deviation: float) -> None:
        super().__init__()
        self.positions = nn.Embedding(positions, hidden_size)
        sizes = ((3 * hidden_size, output_size), (output_size, output_size))
        self.layers = nn.Sequential(
            *(layer for size in sizes for layer in (nn.Linear(*size), nn.GELU(), nn.LayerNorm(size[1])))
        )
        for module in self.modules():
            if isinstance(module, (nn.Linear, nn.Embedding)):
                nn.init.normal_(module.weight, std=deviation)
            if isinstance(module, nn.Linear):
                nn.init.zeros_(module.bias)

    def forward(self, states: Tensor, left: Tensor, right: Tensor, place: Tensor) -> Tensor:
        """Vectors (N, O).

        Args:
            states: (B, T, H), of the trunk.
            left: int64 (N,), where the token before each target's span stands in the flattened batch.
            right: int64 (N,), where the token after it stands.
            place: int64 (N,), of the target in its span, from 0 on.
        """
        flat = states.flatten(0, 1)
        vectors: Tensor = self.layers(torch.cat([flat[left], flat[right], self.positions(place)], dim=-1))
        return vectors


def attach_span_boundary(model: PreTrainedModel, *, positions: int, seed: int = 0) -> None:
    """Attach an untrained head to a masked language model.

    Args:
        model: With `get_output_embeddings`, through which the head's vectors will pass.
        positions: How many places in a span it knows, at least 1.
        seed: Of the initialisation.

    Raises:
        ValueError: `positions` is below 1.
    """
    if positions < 1:
        raise ValueError(f"positions must be at least 1, got {positions}")
    output = model.get_output_embeddings().weight
    torch.manual_seed(seed)
    with torch.device(output.device):
        head = SpanBoundaryHead(
            model.config.hidden_size,
            output.shape[1],
            positions,
            deviation=model.config.to_dict().get("initializer_range", 0.02),
        )
    attach(model, NAME, head.to(output.dtype))
