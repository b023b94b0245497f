"""How many tokens of a text T5 hides, in how many spans, and where they lie.

Raffel et al. 2020, "Exploring the limits of transfer learning with a unified text-to-text transformer", JMLR 21:140,
arXiv:1910.10683, sections 3.1.4 and 3.3.4, with the counts of the released code (`random_spans_noise_mask`): they are
fixed by a text's length, and taken in float32 as there, which at 39 of the first 5,000 lengths differs from float64.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genai_hf.collators import counter

Integers = NDArray[np.int64]
CUT = 0  # the stream of random numbers


@dataclass(frozen=True, kw_only=True)
class Spans:
    """Where the spans of texts lie: kept, hidden, kept, hidden …; the first is kept and the last hidden.

    Args:
        number: int64 (B,), hidden spans of each text, as many as kept ones; 0 where nothing is hidden.
        kept: int64 (B, S + 1), where each kept span begins if only the kept tokens are counted; from the last one's end
            on the number of them all.
        hidden: int64 (B, S + 1), the same of the hidden ones.
    """

    number: Integers
    kept: Integers
    hidden: Integers


def counts(lengths: Integers, *, density: float, mean_span_length: float) -> tuple[Integers, Integers]:
    """Hidden tokens and hidden spans of texts of given lengths, each (B,).

    A text of fewer than two tokens has none, for something must stay. There are no more spans than kept tokens, which
    at a density of 0.5 matters for short texts, where the released code has no answer.
    """
    size = np.maximum(lengths, 2)
    tokens = np.rint(size.astype(np.float32) * np.float32(density)).astype(np.int64).clip(1, size - 1)
    spans = np.rint(tokens.astype(np.float32) / np.float32(mean_span_length)).astype(np.int64)
    spans = spans.clip(1, size - tokens)
    return np.where(lengths < 2, 0, tokens), np.where(lengths < 2, 0, spans)


def batch_lengths(lengths: Integers, *, density: float, mean_span_length: float) -> tuple[Integers, Integers]:
    """Tokens of the inputs and of the targets that texts become, sentinels and ends of text included, each (B,)."""
    hidden, spans = counts(lengths, density=density, mean_span_length=mean_span_length)
    return lengths - hidden + spans + 1, hidden + spans + np.minimum(spans, 1)


def text_length(inputs_length: int, *, density: float, mean_span_length: float) -> int:
    """Tokens of the longest text whose inputs have at most `inputs_length` tokens (512: 568, with 114 targets).

    Below a density of 0.5 they have exactly as many.

    Raises:
        ValueError: `inputs_length` is below 3, which takes a kept token, a sentinel and the end of text.
    """
    if inputs_length < 3:
        raise ValueError(f"inputs of {inputs_length} tokens have no room for a token, a sentinel and the end; give 3")
    texts = np.arange(inputs_length - 1, 2 * inputs_length + 1)  # at most half of a text is hidden
    inputs, _ = batch_lengths(texts, density=density, mean_span_length=mean_span_length)
    return int(texts[inputs <= inputs_length].max())


def draw(keys: counter.Bits, lengths: Integers, *, density: float, mean_span_length: float) -> Spans:
    """Spans of each text, every way to cut its hidden and its kept tokens into that many being equally likely.

    Args:
        keys: uint64 (B,), one a text.
        lengths: int64 (B,).
        density: Share of the tokens that is hidden, in (0, 0.5].
        mean_span_length: Of the hidden spans, in tokens, at least 1.
    """
    tokens, number = counts(lengths, density=density, mean_span_length=mean_span_length)
    most = max(int(number.max()) - 1, 0)
    draws = counter.bits(keys[:, None], np.arange(2 * most), CUT)  # for the kept and the hidden tokens by turns
    both = np.concatenate([draws[:, ::2], draws[:, 1::2]])
    edges = cut(both, np.concatenate([lengths - tokens, tokens]), np.concatenate([number, number]))
    return Spans(number=number, kept=edges[: len(keys)], hidden=edges[len(keys) :])


def cut(draws: counter.Bits, items: Integers, parts: Integers) -> Integers:
    """Cut rows of `items` things into `parts` of at least one each, every way equally likely.

    Which places are cut is a uniform subset of those between the items, by Floyd's algorithm (Bentley and Floyd 1987,
    "A sample of brilliance"): one draw a cut, and where it has come before the largest place that could come instead.

    Args:
        draws: uint64 (B, S - 1), S the most parts of a row.
        items: int64 (B,).
        parts: int64 (B,), at most `items`; 0 is as 1.

    Returns:
        int64 (B, S + 1): where each part begins; from the last one's end on, `items`.
    """
    rows, most = draws.shape
    places, steps = np.maximum(items - 1, 0), np.arange(most)[:, None]
    largest = places - np.maximum(parts - 1, 0) + steps
    drawn = ((draws.T >> np.uint64(32)) * (largest + 1).astype(np.uint64) >> np.uint64(32)).astype(np.int64)
    width = int(places.max()) + 1
    beyond, first = steps >= parts - 1, np.arange(rows) * width
    largest = np.where(beyond, width - 1, largest) + first  # the last column is nobody's place
    chosen = np.where(beyond, width - 1, drawn) + first
    is_taken = np.zeros(rows * width, dtype=bool)
    for step in range(most):
        np.copyto(chosen[step], largest[step], where=is_taken[chosen[step]])
        is_taken[chosen[step]] = True
    edges = np.zeros((rows, most + 2), dtype=np.int64)
    edges[:, 1:-1] = np.minimum(np.sort((chosen - first).T, axis=1) + 1, items[:, None])
    edges[:, -1] = items
    return edges
