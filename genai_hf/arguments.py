"""The words after a recipe's name: Hydra's own flags and overrides."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from hydra._internal.utils import get_args_parser

from genai_hf import recipe_files
from genai_hf.errors import ConfigError
from genai_hf.recipe_files import RecipeFile


def parse(words: Sequence[str], *, sweeps: bool = False) -> tuple[RecipeFile, argparse.Namespace]:
    """Find the recipe and read Hydra's flags; `overrides` of the result holds the key=value words.

    Args:
        words: All that were typed.
        sweeps: Whether there may be several jobs.

    Raises:
        ConfigError: No recipe is named, it does not exist, or a flag is wrong.
    """
    if not words or words[0].startswith("-") or "=" in words[0]:
        raise ConfigError("name a recipe first; 'genai-hf' lists them")
    parser = get_args_parser()
    parser.error = refuse  # type: ignore[method-assign]
    flags = parser.parse_intermixed_args(list(words[1:]))
    flags.overrides = [quoted(line) for line in flags.overrides]
    if flags.config_name or flags.config_path:
        raise ConfigError("--config-name and --config-path are the recipe's; bring settings along with --config-dir")
    if flags.multirun and not sweeps:
        raise ConfigError("-m is of running; this looks at one run: leave it out, and give each setting one value")
    for flag in ("hydra_help", "shell_completion", "experimental_rerun"):
        if vars(flags)[flag]:
            raise ConfigError(
                f"--{flag.replace('_', '-')} is of no use here; 'genai-hf RECIPE --help' shows what can be set"
            )
    for folder in folders(flags):
        if not folder.is_dir():
            raise ConfigError(f"--config-dir {folder} is not a folder")
    return recipe_files.find(words[0], folders(flags)), flags


def quoted(override: str) -> str:
    """An override whose value is a file or folder with letters in its name that mean something to Hydra, quoted."""
    key, _, value = override.partition("=")
    is_plain = not set(value) & set("=, {}[]()") or "'" in value
    return override if is_plain or not os.path.exists(value) else f"{key}='{value}'"  # noqa: PTH110 - a long value


def folders(flags: argparse.Namespace) -> tuple[Path, ...]:
    """The user's own folders of configs."""
    return (Path(flags.config_dir),) if flags.config_dir else ()


def refuse(message: str) -> NoReturn:
    """What argparse calls for a wrong flag."""
    unknown = message.removeprefix("unrecognized arguments: ")
    if unknown != message:
        raise ConfigError(f"there is no {unknown.split()[0]}; a setting is written key=value, such as seed=3")
    raise ConfigError(f"{message}; 'genai-hf RECIPE --help' shows what can be set")


def require_text(*texts: str) -> None:
    """Refuse what no tokenizer reads; bytes that are not UTF-8 come from a shell as half characters.

    Raises:
        ConfigError: A text is empty, or not UTF-8.
    """
    for text in texts:
        if not text.strip():
            raise ConfigError("a text is empty; give one")
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise ConfigError(f"a text is not UTF-8 at letter {error.start + 1}; write it as UTF-8") from error
