"""What of a model no checkpoint has: weights that must be learnt even where all others are frozen."""

from collections.abc import Iterable

from transformers import PreTrainedModel

from genai_hf.errors import ConfigError

MARK = "_fresh"  # attribute of a model: names of modules, and ids of tokens


def mark(model: PreTrainedModel, modules: Iterable[str] = (), tokens: Iterable[int] = ()) -> None:
    """Note that these modules are new, and the embeddings of these tokens; of a module in another the outer one."""
    known_modules, known_tokens = fresh(model)
    names = {*known_modules, *modules}
    outer = sorted(name for name in names if not any(name.startswith(f"{other}.") for other in names))
    setattr(model, MARK, (outer, sorted({*known_tokens, *tokens})))


def fresh(model: PreTrainedModel) -> tuple[list[str], list[int]]:
    """Names of the new modules, and ids of the new tokens."""
    modules, tokens = getattr(model, MARK, ([], []))
    return list(modules), list(tokens)


def require_whole(model: PreTrainedModel, at: str) -> None:
    """Refuse a pretrained model of which something is as it was drawn, where nothing of it is to be learnt.

    Raises:
        ConfigError: It is; `at` is the key that names the model.
    """
    modules, _ = fresh(model)
    if model.name_or_path and modules:
        raise ConfigError(f"'{at}': {model.name_or_path} lacks the weights of {modules[0]}; name a model of this kind")
