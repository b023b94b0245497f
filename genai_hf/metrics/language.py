"""Figures of language modelling, from sums over all targets: never means of means."""

import math
from collections.abc import Mapping


def language_metrics(totals: Mapping[str, float]) -> dict[str, float]:
    """Figures from sums.

    Args:
        totals: `targets`, `loss` (nats), `correct`, and of the yardstick that knows only how frequent each token is in
            the training text: `unigram_loss` (nats) and `commonest` (targets that are the commonest token). With
            `bytes`, the UTF-8 bytes that the targets stand for, there are bits per byte, which do not depend on the
            tokenizer.

    Returns:
        `loss` (nats a target), `perplexity`, `token_accuracy` (of the most probable token), and the yardstick's
        `unigram_loss`, `unigram_perplexity` and `commonest_accuracy` (of always guessing the commonest token).
    """
    targets = max(totals["targets"], 1.0)
    loss, unigram_loss = totals["loss"] / targets, totals["unigram_loss"] / targets
    return {
        "loss": loss,
        "perplexity": _exp(loss),
        "token_accuracy": totals["correct"] / targets,
        "unigram_loss": unigram_loss,
        "unigram_perplexity": _exp(unigram_loss),
        "commonest_accuracy": totals["commonest"] / targets,
    } | ({"bits_per_byte": totals["loss"] / math.log(2) / max(totals["bytes"], 1.0)} if "bytes" in totals else {})


def _exp(loss: float) -> float:
    """e^loss, or infinity where a diverged model's loss is beyond the floating-point numbers."""
    return math.exp(loss) if loss < 700 else math.inf
