"""What ``--help`` shows of a recipe: its settings as they would be, what else may be chosen, and the reasons."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from omegaconf import DictConfig

from genai_hf.recipe_files import RecipeFile
from genai_hf.settings import comments as commented
from genai_hf.settings import composition
from genai_hf.settings.composing import application, composed, finish
from genai_hf.settings.composition import Composition
from genai_hf.settings.explaining import source
from genai_hf.settings.own_options import GLOBAL


@dataclass(frozen=True)
class Described:
    """The settings as they would be, and what is known of them.

    Args:
        settings: With their interpolations as written.
        groups: The options of each group that the recipe may choose from.
        comments: What the YAML files that were chosen say of each key.
    """

    settings: DictConfig
    groups: Mapping[str, list[str]]
    comments: Mapping[str, commented.Comment]


def describe(recipe: RecipeFile, overrides: Sequence[str] = ()) -> Described:
    """Compose once, and look at all that was chosen on the way.

    Raises:
        ConfigError: As `compose`.
    """
    choices: dict[str, str | None] = {}

    def finished(found: Composition) -> DictConfig:
        choices.update({group: option for group, option in found.choices.items() if "@" not in group})
        return finish(found, recipe, overrides, resolve=False)

    settings = composed(recipe, overrides, finished)
    useless = () if recipe.trains else ("launch", "peft", "quantization")
    app = application(recipe)
    options = {group: composition.options(app, group) for group in sorted(choices) if not group.startswith(useless)}
    chosen = {group: option for group, option in choices.items() if option}
    return Described(settings, options, _comments(recipe, chosen))


def _comments(recipe: RecipeFile, chosen: Mapping[str, str]) -> dict[str, commented.Comment]:
    """What the files say of each key; the one that comes later wins, as its values do."""
    texts = {group: source(recipe, f"{group}/{option}") for group, option in chosen.items()}
    found = commented.read(source(recipe, "base"))
    for group, text in texts.items():
        found |= {} if text.startswith(GLOBAL) else commented.read(text, f"{group}.")
    found |= commented.read(source(recipe, chosen["of"])) if "of" in chosen else {}
    found |= commented.read(source(recipe))
    for text in texts.values():
        found |= commented.read(text) if text.startswith(GLOBAL) else {}
    return found
