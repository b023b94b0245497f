"""What is said of an option of a group that is not there: the nearest right one, or what was meant by it."""

from collections.abc import Sequence

from hydra._internal.hydra import Hydra
from hydra.core.override_parser.types import Override

from genai_hf import config
from genai_hf.errors import ConfigError
from genai_hf.recipe_files import RecipeFile
from genai_hf.settings import composition

PRETRAINED = "pretrained"  # the option that takes a model by name


def unknown(missing: str, app: Hydra, recipe: RecipeFile, overrides: Sequence[Override]) -> ConfigError:
    """The error for a config that is not there.

    Args:
        missing: Its path as Hydra has it, ``group/option``.
        app: What looked for it.
        recipe: What for.
        overrides: As they were given, one of which may have asked for it.
    """
    asked = next((one.key_or_group for one in overrides if f"{one.key_or_group}/{one.value()}" == missing), None)
    group = asked or missing.rpartition("/")[0]
    option = missing.removeprefix(f"{group}/")
    options = composition.options(app, group)
    if group == "hydra/launcher" and option.startswith("submitit"):
        return ConfigError(f"'{group}={option}' needs an extra: pip install 'genai-hf[slurm]'")
    if not options:
        return ConfigError(f"there is no group '{group}', which {group}={option} chooses from; mend its name")
    files = [folder / f"{missing}.yml" for folder in recipe.folders]
    if file := next((file for file in files if file.is_file()), None):
        return ConfigError(f"'{group}={option}': {file} is not read; let its name end in .yaml")
    return ConfigError(f"'{group}={option}' is not an option{_instead(group, option, options)}")


def _instead(group: str, option: str, options: list[str]) -> str:
    """What to say in place of an option; `pretrained` takes what looks like a model's name."""
    begun = [f"'{name}'" for name in options if name.startswith(option)]
    near = f"; did you mean {' or '.join(begun)}?" if begun else config.hint(option.lower(), options)
    near, listed = near.replace("it takes", "choose from"), ", ".join(sorted(options))
    by_name = f"{group}={PRETRAINED} {group}.name={option} takes weights of that name"
    if PRETRAINED in options and "/" in option:
        return f"; {by_name}"
    if PRETRAINED in options and (begun or "-" in option):
        listed = by_name
    return near if "choose from" in near else f"{near} ({listed})"
