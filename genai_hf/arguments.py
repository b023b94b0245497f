"""The words after a recipe's name: Hydra's own flags and overrides."""

import argparse
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from hydra._internal.utils import get_args_parser

from genai_hf import recipe_files
from genai_hf.errors import ConfigError
from genai_hf.recipe_files import RecipeFile

PLAIN = re.compile(r"[\w/\-\\+.$%*@?|: \t]*", re.ASCII)  # what Hydra's grammar reads without quotes
QUOTED = r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*\""""
CALL = re.compile(r"\w+\(")  # of Hydra's functions, whose arguments may have names
HOME = re.compile(r"(?:^|(?<=[,\[ ]))~(?=/)")
WORD = re.compile(rf"""{QUOTED}|[^\[\]{{}}(),'"]+""")  # of a list, a function or a sweep
WORD_OF_MAPPING = re.compile(rf"""{QUOTED}|[^\[\]{{}}():,'"]+""")


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
    """An override with quotes around what Hydra reads in quotes only, where that can mean one thing alone.

    That is the name of a file that is there, whatever its letters; and of what Hydra's grammar does not have, a value
    with a letter such as ``ä``, ``=`` or ``'``, or in a list or a sweep a word with one. ``~/`` is the home folder, as
    a shell has it in ``root=~/runs`` but not behind a dotted key. Functions, and values with backslashes or ``${``,
    are left as they are.
    """
    key, sign, value = override.partition("=")
    value = HOME.sub(lambda found: found[0].replace("~", os.path.expanduser("~")), value)  # noqa: PTH111 - it may be a glob
    if "\\" in value or "${" in value or PLAIN.fullmatch(value):
        return f"{key}{sign}{value}"
    if re.search(r"[^\W\d]", value) and os.path.exists(value):  # noqa: PTH110 - a long value
        return f"{key}={_word(value)}"
    if _is_read(f"{key}={value}") or CALL.match(value) or ("{" in value and ":" not in value):
        return f"{key}={value}"  # or is refused
    if not set(value) & set("[]{}(),"):
        return f"{key}={_word(value)}"
    words = WORD_OF_MAPPING if "{" in value else WORD
    return f"{key}={words.sub(lambda found: _word(found[0]), value)}"


def _is_read(override: str) -> bool:
    """Whether Hydra's grammar has it."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import OverrideParseException

    try:
        OverridesParser.create().parse_overrides([override])
    except OverrideParseException:
        return False
    return True


def in_quotes(value: str) -> str:
    """A value as Hydra reads it letter by letter; backslashes count double before a quote only."""
    return re.sub(r"(\\*)('|\Z)", lambda found: found[1] * 2 + found[2].replace("'", r"\'"), value).join("''")


def _word(text: str) -> str:
    """A word, with the spaces around it; one that begins with a quote has them already."""
    inner = text.strip()
    return text if PLAIN.fullmatch(inner) or inner[0] in "'\"" else text.replace(inner, in_quotes(inner))


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
