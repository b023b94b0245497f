"""What a masked batch shows of the rule that made it."""

import numpy as np
from numpy.typing import NDArray

from genai_hf.collators.view import Rates


def fate_rates(
    original: NDArray[np.int64],
    seen: NDArray[np.int64],
    anchors: NDArray[np.int64],
    *,
    mask: int,
    size: int,
    mask_share: float,
    random_share: float,
    of: str,
) -> Rates:
    """Count what became of the chosen tokens, each by itself or each span.

    Args:
        original: int64 (N,), the tokens.
        seen: int64 (N,), what stands for them.
        anchors: int64 (N,), ascending, the same for tokens that share one fate.
        mask: Id of the mask token.
        size: Number of words that a random one is drawn from.
        mask_share: Share of the fates that the rule masks.
        random_share: Share of those that it replaces at random; all of a fate's words may be the original by chance.
        of: What has a fate.
    """
    first = np.flatnonzero(np.diff(anchors, prepend=-1))
    total, masked, kept, drawn = len(first), 0, 0, 0.0
    if total:
        masked = int(np.logical_and.reduceat(seen == mask, first).sum())
        kept = int(np.logical_and.reduceat(seen == original, first).sum())
        drawn = random_share * float(np.mean(float(size) ** -np.diff(first, append=len(anchors))))
    return {
        f"[MASK], of {of}": (masked, total, mask_share),
        f"random, of {of}": (total - masked - kept, total, random_share - drawn),
        f"unchanged, of {of}": (kept, total, 1 - mask_share - random_share + drawn),
    }
