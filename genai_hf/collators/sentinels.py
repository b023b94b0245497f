"""Texts with sentinels: which tokens they are, and T5's inputs and targets (Raffel et al. 2020, section 3.1.4)."""

from functools import partial

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

    Args:
        text: (N,) ids of all rows, one after the other; at least one, and whatever stands behind them.
        lengths: (B,) ids of each row.
        spans: What is hidden.
        names: Ids of the sentinels, at least as many as a row has spans.
        end: Id that ends the inputs, and the targets where anything is hidden.
    """
    copied = partial(_copied, text, lengths, spans.number, names=names, end=end)
    kept, hidden = spans.kept, spans.hidden
    inputs = copied(own=kept, others=hidden[:, :-1], marks=kept[:, 1:], ends=np.ones_like(lengths))
    targets = copied(own=hidden, others=kept[:, 1:] - 1, marks=hidden[:, :-1], ends=np.minimum(spans.number, 1))
    return inputs, targets


def _copied(
    text: Integers,
    lengths: Integers,
    number: Integers,
    *,
    own: Integers,
    others: Integers,
    marks: Integers,
    ends: Integers,
    names: Integers,
    end: int,
) -> Flat:
    """Spans of one kind with a sentinel each, copied segment by segment.

    A segment is a span and its sentinel, and a row's last one the end of text besides. All of it is copied from the
    text, as if what is not the span's were, and then that is put in its place.

    Args:
        text: (N,).
        lengths: (B,) of the rows in it.
        number: (B,) spans of each row.
        own: (B, S + 1) edges of the spans, counted in tokens of their kind.
        others: (B, S) tokens of the other kind before each span in the text; one less where the sentinel comes first.
        marks: (B, S) how many tokens of the kind are written before each sentinel.
        ends: (B,) 1 where the end of text is set.
        names: Sentinels.
        end: End of text.
    """
    order = np.arange(marks.shape[1])
    is_span = order < number[:, None]
    sizes = np.diff(own) + is_span
    sizes[:, -1] += ends
    total = own[:, -1] + number + ends
    places = total.cumsum() - total
    shift = (lengths.cumsum() - lengths - places)[:, None] + others - np.minimum(order, number[:, None])
    ids = text.take(np.arange(total.sum()) + np.repeat(shift.ravel(), sizes.ravel()), mode="clip")
    ids[(places[:, None] + marks + order)[is_span]] = np.broadcast_to(names[order], is_span.shape)[is_span]
    ids[(places + total - 1)[ends > 0]] = end
    return ids, total
