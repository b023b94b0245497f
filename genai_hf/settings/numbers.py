"""Whole numbers as they are typed: 1e3 is 1000, which YAML reads as 1000.0."""

from collections.abc import Iterator

from omegaconf import DictConfig, OmegaConf

from genai_hf import changes
from genai_hf.config import overrides
from genai_hf.recipe_files import RecipeFile
from genai_hf.settings import annotations, schema
from genai_hf.settings.checking import BASE
from genai_hf.settings.names import UPSTREAM


def settle(cfg: DictConfig, recipe: RecipeFile) -> None:
    """Write a number without a point where it is whole and its setting takes no other.

    Args:
        cfg: Settings, whose names need not be right.
        recipe: In its source stands which part takes which of them.
    """
    whole = _whole(cfg, recipe)
    for key, annotation in _annotated(recipe) if whole else ():
        if key in whole:
            OmegaConf.update(cfg, key, annotations.as_declared(whole[key], annotation))


def _whole(cfg: DictConfig, recipe: RecipeFile) -> dict[str, float]:
    """Whole numbers with a point that the user has typed, or that may stand in a file of the user's."""
    typed = {line.lstrip("+").partition("=")[0] for line in overrides(cfg)}
    values = changes.flatten(OmegaConf.to_container(cfg)).items()
    found = {key: value for key, value in values if type(value) is float and value.is_integer()}
    return {key: found[key] for key in found if recipe.folders or any(f"{key}.".startswith(f"{one}.") for one in typed)}


def _annotated(recipe: RecipeFile) -> Iterator[tuple[str, str]]:
    """Settings with what they take."""
    yield from BASE.items()
    nodes = list(UPSTREAM.items())
    for part, at, given in recipe.calls():
        fields = schema.fields(part)
        nodes += [] if at is None else [(at, part)]
        yield from ((own, fields[name].annotation) for name, own in given.items() if own and name in fields)
    for at, dotted in nodes:
        yield from ((f"{at}.{name}", field.annotation) for name, field in schema.fields(dotted).items())
