"""Texts with sentinels: which tokens they are, and T5's inputs and targets (Raffel et al. 2020, section 3.1.4)."""

import numpy as np
from transformers import PreTrainedTokenizerBase

from genai_hf.collators.segments import Integers, Spans

Flat = tuple[Integers, Integers]  # ids of all rows, one after the other, and each row's number of them


def sentinels(tokenizer: PreTrainedTokenizerBase) -> Integers:
    """Ids of ``<extra_id_0>``, ``<extra_id_1>`` …: the tokenizer's last token, the one before it, and so on.

    Raises:
        ValueError: It has none at its end, or no padding or end of text.
    """
    last, number = len(tokenizer) - 1, 0
    while number <= last and tokenizer.convert_ids_to_tokens(last - number) == f"<extra_id_{number}>":
        number += 1
    if not number or tokenizer.pad_token_id is None or tokenizer.eos_token_id is None:
        raise ValueError(
            f"the tokenizer of {len(tokenizer):,} tokens needs padding, an end of text and, as its last token, "
            "<extra_id_0>; take a T5's (tokenizer.name), or train one with tokenizer.family=t5"
        )
    return last - np.arange(number)


def written(text: Integers, lengths: Integers, spans: Spans, names: Integers, end: int) -> tuple[Flat, Flat]:
    """Inputs, with a sentinel in each hidden span's place, and targets, each sentinel with its span.

    Both are written at once, as if the targets were more rows: span by span of their kind of token, each with its
    sentinel, and the last one with the end of text. All that is copied from the text, as if it stood there, and then
    sentinels and ends are put in their places.

    Args:
        text: (N,) ids of all rows, one after the other; at least one, and whatever stands behind them.
        lengths: (B,) ids of each row.
        spans: What is hidden.
        names: Ids of the sentinels, at least as many as a row has spans.
        end: Id that ends the inputs, and the targets where anything is hidden.
    """
    rows, (kept, hidden) = len(lengths), (spans.kept, spans.hidden)
    number = np.concatenate([spans.number, spans.number])
    own = np.concatenate([kept, hidden])
    others = np.concatenate([hidden[:, :-1], kept[:, 1:] - 1])  # tokens before a span that are not its own kind's
    marks = np.concatenate([kept[:, 1:], hidden[:, :-1]])  # of its own kind, before its sentinel
    ends = np.minimum(number, 1)
    ends[:rows] = 1

    order = np.arange(marks.shape[1])
    is_span = order < number[:, None]
    sizes = own[:, 1:] - own[:, :-1] + is_span
    sizes[:, -1] += ends
    total = own[:, -1] + number + ends
    places = total.cumsum() - total
    starts = lengths.cumsum() - lengths
    shift = (np.concatenate([starts, starts]) - places)[:, None] + others - np.minimum(order, number[:, None])
    split = int(places[rows])
    ids = text.take(np.arange(places[-1] + total[-1]) + np.repeat(shift.ravel(), sizes.ravel()), mode="clip")
    last = places + total - 1  # where a target is empty, the place before it, and there an end stands already
    ids[np.where(is_span, places[:, None] + marks + order, last[:, None])] = names[order]
    ids[last] = end
    return (ids[:split], total[:rows]), (ids[split:], total[rows:])
