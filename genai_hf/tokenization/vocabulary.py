"""From trained pieces to a family's vocabulary: which token has which id."""

import json
from collections.abc import Sequence
from typing import Any

from tokenizers import Tokenizer

from genai_hf.tokenization.families import Family

UNIGRAM_STEP = 1e-4  # tokenizers' trainer puts this much between characters that it must add to the vocabulary


def arrange(trained: Tokenizer, family: Family, multiple_of: int) -> Tokenizer:
    """The trained tokenizer with the family's special tokens and frame around its pieces, filled up to the multiple."""
    state = json.loads(trained.to_str())
    special = {*family.head, *family.tail}
    entries = [entry for entry in _entries(state["model"]) if entry[0] not in special]
    unused = -(len(entries) + len(special)) % multiple_of
    lowest = min(score for _, score in entries)
    entries += [(f"[unused{number}]", lowest) for number in range(unused)]
    entries = [*((token, 0.0) for token in family.head), *entries, *((token, 0.0) for token in family.tail)]
    ids = {token: index for index, (token, _) in enumerate(entries)}
    if state["model"]["type"] == "Unigram":
        state["model"] |= {"vocab": entries, "unk_id": ids[family.roles["unk_token"]]}
    else:
        state["model"]["vocab"] = ids
    backend = Tokenizer.from_str(json.dumps(state | {"added_tokens": []}))
    backend.add_special_tokens(family.special)
    processor = family.frame(ids)
    if processor is not None:
        backend.post_processor = processor
    return backend


def _entries(model: dict[str, Any]) -> list[tuple[str, float]]:
    """Pieces in the order of their ids, with their log probabilities where the model has them."""
    if model["type"] == "Unigram":
        return settle([(piece, score) for piece, score in model["vocab"]])
    return [(piece, 0.0) for piece in sorted(model["vocab"], key=model["vocab"].__getitem__)]


def settle(scored: Sequence[tuple[str, float]]) -> list[tuple[str, float]]:
    """Unigram pieces with what differs from run to run taken out of them: the best first, ties in alphabetical order.

    The trainer adds expectations in the order of a hash table, so that the last digits of a score differ, and gives the
    characters that it did not keep scores just above the lowest, again in that order.

    Args:
        scored: Pieces with their log probabilities, as trained.
    """
    lowest = min(score for _, score in scored)
    edge = lowest + UNIGRAM_STEP * sum(len(piece) == 1 for piece, _ in scored)
    level = [(piece, lowest if len(piece) == 1 and score <= edge else score) for piece, score in scored]
    return sorted(((piece, round(score, 4)) for piece, score in level), key=lambda pair: (-pair[1], pair[0]))
