"""What there is to see in a tokenizer: tables and figures for a run's report."""

from collections.abc import Sequence
from typing import TypeAlias

from transformers import PreTrainedTokenizerFast

from genai_hf.reports.sections import Figure, Table
from genai_hf.tokenization.merges import Merge, characters, first_merges, tokens_over_merges
from genai_hf.tokenization.usage import Usage

Row: TypeAlias = list[str | int | float | None]


def merges_table(text: str, merges: int) -> Table:
    """The first merges of byte pair encoding on a short passage, one a row.

    Raises:
        ValueError: The passage has no words, or the number is negative.
    """
    rows: list[Row] = [[0, "", "", None, len(set(characters(text)))]]
    rows += [_row(step, merge) for step, merge in enumerate(first_merges(text, merges), start=1)]
    note = f"The passage: {' '.join(text.split())}. White space is _; ties go to the pair that comes first."
    return Table("First merges", ["merge", "pair", "new token", "times", "different tokens"], rows, note)


def merges_figure(text: str) -> Figure:
    """Number of different tokens from bare characters until every word of the passage is one token.

    Raises:
        ValueError: The passage has no words.
    """
    points = [(float(merges), float(tokens)) for merges, tokens in tokens_over_merges(text)]
    note = "It rises as word fragments join the letters, and falls again as fragments disappear into words."
    return Figure("Tokens over merges", "merges", "different tokens in use", {"passage": points}, note)


def special_tokens_table(tokenizer: PreTrainedTokenizerFast) -> Table:
    """Special tokens with their ids and what they are for, in the order of their ids."""
    roles: dict[str, list[str]] = {token: [] for token in tokenizer.all_special_tokens}
    for role, token in tokenizer.special_tokens_map.items():
        if isinstance(token, str):
            roles[token].append(role.removesuffix("_token"))
    ids = {token: tokenizer.convert_tokens_to_ids(token) for token in roles}
    rows: list[Row] = [
        [token, ids[token], ", ".join(roles[token]) or "sentinel"] for token in sorted(roles, key=ids.__getitem__)
    ]
    return Table("Special tokens", ["token", "id", "role"], rows)


def samples_table(tokenizer: PreTrainedTokenizerFast, sentences: Sequence[str]) -> Table:
    """Sentences beside the tokens that they become, special ones included."""
    cut = [tokenizer.convert_ids_to_tokens(tokenizer.backend_tokenizer.encode(text).ids) for text in sentences]
    rows: list[Row] = [[text, " ".join(tokens), len(tokens)] for text, tokens in zip(sentences, cut, strict=True)]
    return Table("Sentences as tokens", ["sentence", "tokens", "number"], rows)


def ranks_figure(usage: Usage) -> Figure:
    """How often the pieces were used, by rank: a straight line for words (Zipf), bent at the end for pieces."""
    points = [(float(rank), float(count)) for rank, count in _thinned(usage.by_rank())]
    note = "A vocabulary with a long flat end wastes embeddings; one that breaks off early could be larger."
    series = {"pieces": points}
    return Figure("Frequency of pieces by rank", "rank", "times used", series, note, log_x=True, log_y=True)


def _row(step: int, merge: Merge) -> Row:
    first, second = merge.pair
    return [step, f"{first} + {second}", merge.token, merge.count, merge.distinct]


def _thinned(points: Sequence[tuple[int, int]], most: int = 200) -> list[tuple[int, int]]:
    """At most so many of the points, evenly spread over a logarithmic axis, the first and the last among them."""
    if len(points) <= most:
        return list(points)
    places = {round((len(points) - 1) ** (place / (most - 1))) for place in range(most)}
    return [points[place] for place in sorted({0, *places})]
