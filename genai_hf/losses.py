"""Losses as sums over their targets, in nats.

Dividing by the number of targets of the whole step, over all micro-batches and ranks, is the Trainer's: only so is a
gradient independent of how a batch is cut up.
"""

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor


def cross_entropy_sum(logits: Tensor, targets: Tensor) -> Tensor:
    """Sum of -log softmax(logits)[target] over the targets that are not -100.

    Args:
        logits: (N, V), any floating type; the sum is taken in at least float32.
        targets: (N,) int64.

    Returns:
        A scalar; zero, with zero gradient, where there is no target.
    """
    return F.cross_entropy(logits.to(torch.promote_types(logits.dtype, torch.float32)), targets, reduction="sum")


def squared_error_sum(predictions: Tensor, targets: Tensor) -> Tensor:
    """Sum of (prediction - target)^2.

    Args:
        predictions: (N,), any floating type; the sum is taken in at least float32.
        targets: (N,), floating.

    Returns:
        A scalar.

    Raises:
        ValueError: The shapes differ: (N, 1) against (N,) would be spread to (N, N) without a word.
    """
    if predictions.shape != targets.shape or predictions.dim() != 1:
        raise ValueError(f"predictions {tuple(predictions.shape)} and targets {tuple(targets.shape)} must both be (N,)")
    return (predictions.to(torch.promote_types(predictions.dtype, torch.float32)) - targets).square().sum()


def divergence_sum(wanted: Tensor, found: Tensor) -> Tensor:
    """Sum over rows of the divergence KL(p || q) = sum of p (log p - log q).

    Args:
        wanted: (N, C) log p.
        found: (N, C) log q.

    Returns:
        A scalar.
    """
    return F.kl_div(found, wanted, reduction="sum", log_target=True)


def cosine_distance_sum(wanted: Tensor, found: Tensor) -> Tensor:
    """Sum over rows of 1 - cosine of the angle between vectors, (N, H) each, in at least float32; a scalar."""
    wanted, found = (states.to(torch.promote_types(states.dtype, torch.float32)) for states in (wanted, found))
    return (1 - F.cosine_similarity(found, wanted, dim=-1)).sum()
