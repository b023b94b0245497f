"""Which output of a checkpoint's head is which label: by the names in its config, never by their order."""

from collections.abc import Sequence

from transformers import PreTrainedConfig

from genai_hf.errors import ConfigError
from genai_hf.models.configuration import pretrained


def label_order(configuration: PreTrainedConfig, names: Sequence[str]) -> list[int]:
    """For each name its place among the model's outputs; empty where it is the same order, and in a regression.

    Raises:
        ValueError: The outputs have other names.
    """
    found = [str(label) for _, label in sorted(configuration.id2label.items())]
    order = places(found, names) if names else []
    if order is None:
        raise ValueError(f"the model's outputs are {', '.join(found)}, not {', '.join(names)}")
    return [] if order == list(range(len(names))) else order


def require_head(name: str, names: Sequence[str]) -> None:
    """Refuse a checkpoint whose own head is not for labels of these names, or for one value where there are none.

    Raises:
        ConfigError: It is for others, or there is no head.
    """
    wanted = pretrained(name)
    found = [str(label) for _, label in sorted(wanted.id2label.items())]
    known = len(found) == len(names) and (is_unnamed(found) or places(found, names) is not None)
    if not has_head(wanted) or not (known if names else len(found) == 1):
        theirs = f"its head is for {', '.join(found)}" if has_head(wanted) else "it has no head for labels"
        ours = ", ".join(names) or "one value"
        renamed = has_head(wanted) and len(found) == len(names) > 1
        remedy = (
            "if these mean the same, name them so in its config.json"
            if renamed
            else "fine-tune it first: genai-hf glue …"
        )
        raise ConfigError(f"{name}: {theirs}, and the task is {ours}; {remedy}")


def has_head(wanted: PreTrainedConfig) -> bool:
    """Whether its checkpoint was trained on labels of texts."""
    return any("ForSequenceClassification" in str(kind) for kind in wanted.architectures or ())


def is_unnamed(found: Sequence[str]) -> bool:
    """Whether these are the names that transformers gives to outputs without any."""
    return all(label.upper() == f"LABEL_{place}" for place, label in enumerate(found))


def places(found: Sequence[str], names: Sequence[str]) -> list[int] | None:
    """Place of each name among those found; None where they are others. Labels may differ by their case alone."""
    for spelt in (str, _folded):
        known, wanted = list(map(spelt, found)), list(map(spelt, names))
        if sorted(known) == sorted(wanted) and len(set(known)) == len(known):
            return [known.index(name) for name in wanted]
    return None


def _folded(label: str) -> str:
    return label.casefold().replace("-", "_").replace(" ", "_")
