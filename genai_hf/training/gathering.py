"""What every rank found in its share of the evaluation batches, together and in the order of the data."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch.distributed
from torch import Tensor

from genai_hf.training.batches import EvaluationBatches

Tally = Mapping[str, Tensor]


def gathered(tallies: Sequence[Tally], batches: EvaluationBatches) -> dict[str, Any]:
    """Over all ranks: the sum of what is a scalar of each batch, the rows of what has one an example.

    Args:
        tallies: One for each of this rank's batches, in their order: scalars, or tensors (B, …).
        batches: From which they were made.

    Returns:
        By name a float, or an array (examples, …) in the order of the data.

    Raises:
        RuntimeError: An example is missing, or came twice.
    """
    mine = [{name: tally[name].detach().cpu().double().numpy() for name in tally} for tally in tallies]
    everyone: list[list[dict[str, Any]]] = [mine]
    if batches.ranks > 1:
        everyone = [[] for _ in range(batches.ranks)]
        torch.distributed.all_gather_object(everyone, mine)
    # Batch number n is the (n // ranks)-th of rank n % ranks; what comes after the last only filled a place.
    in_order = [everyone[number % batches.ranks][number // batches.ranks] for number in range(batches.batches)]
    found: dict[str, Any] = {}
    for name, first in in_order[0].items():
        parts = [tally[name] for tally in in_order]
        found[name] = math.fsum(part.item() for part in parts) if first.ndim == 0 else _by_row(parts, batches)
    return found


def _by_row(parts: Sequence[Any], batches: EvaluationBatches) -> Any:
    together = np.concatenate(parts)
    if len(together) != batches.size:
        raise RuntimeError(f"{len(together)} of {batches.size} evaluation rows came together")
    rows = np.empty_like(together)
    rows[batches.order()] = together
    return rows
