"""A choice that every Python carries: which of four packages does a paragraph of documentation belong to?

The paragraphs are those of `docs_task`. Three other packages, and the place of the right one, are a function of the
paragraph's number.
"""

from collections.abc import Sequence

import numpy as np

from genai_hf.collators import counter
from genai_hf.data import docs_task
from genai_hf.data.splits import Split
from genai_hf.errors import ConfigError

CHOICES = 4


def splits(packages: str | Sequence[str], validation_share: float) -> dict[str, Split]:
    """Paragraphs, each with four packages and the place of its own, for ``train`` and ``validation``.

    Args:
        packages: Names of packages of the standard library, four or more different ones.
        validation_share: Share of the docstrings to hold out, in (0, 1).

    Raises:
        ConfigError: They are too few, or no list.
        DataError: A package is not in this Python's library, or has no documentation.
    """
    named = [packages] if isinstance(packages, str) else [str(package) for package in packages]
    if len(set(named)) < max(len(named), CHOICES):
        given = packages if isinstance(packages, str) else f"[{', '.join(named)}]"
        raise ConfigError(f"'task.choices' must be a list of {CHOICES} or more different packages, got {given}")
    made = docs_task.splits(named, validation_share, "task.choices")
    return {name: _offered(named, texts, owners) for name, (texts, owners) in made.items()}


def _offered(packages: Sequence[str], texts: list[str], owners: list[float]) -> Split:
    """Of the others those with the smallest of as many random numbers; the right one at a random place of its own."""
    keys = counter.row_keys(0, [-1] * len(texts), range(len(texts)))
    ranks = counter.bits(keys[:, None], np.arange(len(packages)), 0).argsort(1)
    places = counter.below(counter.bits(keys, np.zeros(1, dtype=np.int64), 1), CHOICES).tolist()
    offers = list[list[str]]()
    for owner, ranked, place in zip(owners, ranks.tolist(), places, strict=True):
        others = [packages[number] for number in ranked if number != owner][: CHOICES - 1]
        offers.append([*others[:place], packages[int(owner)], *others[place:]])
    return Split(texts, None, [float(place) for place in places], 0, offers)
