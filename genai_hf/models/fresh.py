"""What of a model no checkpoint has: weights that must be learnt even where all others are frozen."""

from collections.abc import Iterable

from transformers import PreTrainedModel

MARK = "_fresh"  # attribute of a model: names of modules, and ids of tokens


def mark(model: PreTrainedModel, modules: Iterable[str] = (), tokens: Iterable[int] = ()) -> None:
    """Note that these modules are new, and the embeddings of these tokens."""
    known_modules, known_tokens = fresh(model)
    setattr(model, MARK, (sorted({*known_modules, *modules}), sorted({*known_tokens, *tokens})))


def fresh(model: PreTrainedModel) -> tuple[list[str], list[int]]:
    """Names of the new modules, and ids of the new tokens."""
    modules, tokens = getattr(model, MARK, ([], []))
    return list(modules), list(tokens)
