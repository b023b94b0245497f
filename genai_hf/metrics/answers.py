"""Figures of texts that answer or sum up, each against one or more references, of which the best one counts.

Exact match and F1 of words: Rajpurkar et al. 2016, "SQuAD", arXiv:1606.05250, section 6.1, as the official scorer of
version 1.1 computes them. ROUGE: Lin 2004, "ROUGE: a package for automatic evaluation of summaries", sections 2 and 3,
by the library rouge-score, whose stemmer is Porter's. All are shares in [0, 1]; papers print percent.
"""

import re
import string
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from genai_hf.errors import ConfigError

ARTICLES = re.compile(r"\b(a|an|the)\b")
PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalised(text: str) -> str:
    """Lowercased, without ASCII punctuation and English articles, words parted by single spaces."""
    return " ".join(ARTICLES.sub(" ", text.lower().translate(PUNCTUATION)).split())


def exact_match(prediction: str, references: Sequence[str]) -> float:
    """1 where the prediction is one of the references but for case, punctuation, articles and white space, else 0."""
    return float(normalised(prediction) in {normalised(reference) for reference in references})


def exact_match_with_articles(prediction: str, references: Sequence[str]) -> float:
    """1 where the prediction is one of the references but for case, punctuation and white space, else 0.

    As Super-NaturalInstructions (Wang et al. 2022, arXiv:2204.07705) has it: the answer "A" is no article there.
    """
    return float(_plain(prediction) in {_plain(reference) for reference in references})


def f1(prediction: str, references: Sequence[str]) -> float:
    """F1 of the prediction's words against those of the best reference, as often as each occurs.

    As in the official scorer it is 0 where no word is shared, so where nothing is left of both ("a" and "the"), which
    is an exact match.
    """
    said = normalised(prediction).split()
    return max(_f1(said, normalised(reference).split()) for reference in references)


def rouge1(prediction: str, references: Sequence[str]) -> float:
    """F1 of stemmed words."""
    return _rouge("rouge1", prediction, references)


def rouge2(prediction: str, references: Sequence[str]) -> float:
    """F1 of pairs of neighbouring stemmed words."""
    return _rouge("rouge2", prediction, references)


def rougeL(prediction: str, references: Sequence[str]) -> float:  # noqa: N802 - its name everywhere
    """F1 of the longest sequence of stemmed words, not necessarily neighbours, that both have."""
    return _rouge("rougeL", prediction, references)


METRICS: dict[str, Callable[[str, Sequence[str]], float]] = {
    "exact_match": exact_match,
    "exact_match_with_articles": exact_match_with_articles,
    "f1": f1,
    "rouge1": rouge1,
    "rouge2": rouge2,
    "rougeL": rougeL,
}


def score(names: Sequence[str], predictions: Sequence[str], references: Sequence[Sequence[str]]) -> dict[str, float]:
    """Means of several metrics, each a key of METRICS, over predictions with their references.

    Raises:
        ValueError: Their numbers differ, there is none, or one has no reference.
    """
    rows = each(names, predictions, references)
    return {name: sum(row[name] for row in rows) / len(rows) for name in names}


def each(
    names: Sequence[str], predictions: Sequence[str], references: Sequence[Sequence[str]]
) -> list[dict[str, float]]:
    """The metrics of each prediction.

    Raises:
        ValueError: As for `score`.
    """
    if len(predictions) != len(references) or not len(predictions):
        raise ValueError(f"{len(predictions)} predictions and {len(references)} references must be as many, 1 or more")
    if not all(references):
        raise ValueError("a prediction has no reference")
    return [
        {name: METRICS[name](said, known) for name in names}
        for said, known in zip(predictions, references, strict=True)
    ]


def require(names: Sequence[str]) -> None:
    """See before anything else that the metrics can be computed.

    Raises:
        ValueError: One is unknown, named twice, or there is none.
        ConfigError: The library of ROUGE is missing.
    """
    unknown = [name for name in names if name not in METRICS]
    if unknown or len(set(names)) != len(names) or not names:
        raise ValueError(f"scores must be different ones of {', '.join(METRICS)}, got {', '.join(names) or 'none'}")
    if any(name.startswith("rouge") for name in names):
        _scorer(tuple(name for name in names if name.startswith("rouge")))


def _plain(text: str) -> str:
    return " ".join(text.lower().translate(PUNCTUATION).split())


def _f1(said: list[str], known: list[str]) -> float:
    shared = (Counter(said) & Counter(known)).total()
    return 2 * shared / (len(said) + len(known)) if shared else 0.0


def _rouge(kind: str, prediction: str, references: Sequence[str]) -> float:
    return float(_scorer((kind,)).score_multi(references, prediction)[kind].fmeasure)


@cache
def _scorer(kinds: tuple[str, ...]) -> Any:
    try:
        from rouge_score.rouge_scorer import RougeScorer
    except ImportError as error:
        raise ConfigError("scores: ROUGE needs a library: pip install rouge-score") from error
    return RougeScorer(kinds, use_stemmer=True)
