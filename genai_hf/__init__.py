"""genai_hf: Hydra-composed recipes over the Hugging Face libraries.

From a notebook::

    cfg = genai_hf.compose("bert_mlm", ["trainer.max_steps=20"])
    genai_hf.run(cfg)              # what the command does
    trainer = genai_hf.build(cfg)  # or look at its parts first
"""

import os
import sys

if sys.argv[:1] == ["-m"]:  # python -m puts the working directory first, where a user's torch.py is taken for torch
    _own = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120 - pathlib may lie there
    if os.path.isdir(sys.path[0]) and os.path.samefile(sys.path[0], ".") and sys.path[0] != _own:  # noqa: PTH112, PTH121
        del sys.path[0]

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from omegaconf import DictConfig

__version__ = "0.1.0"
__all__ = ["__version__", "build", "compose", "run"]


def compose(recipe: str, overrides: Sequence[str] = ()) -> "DictConfig":
    """Compose a recipe's config, as the command line would.

    Raises:
        ConfigError: The recipe, or a key, group or option of an override, does not exist.
    """
    from genai_hf import recipe_files
    from genai_hf.settings import composing

    found = recipe_files.find(recipe)
    return composing.compose(found, overrides)


def run(cfg: "DictConfig") -> dict[str, float]:
    """Run a composed config to its end, resume it, or read the numbers of the finished run."""
    from genai_hf.running import run as execute

    return execute(cfg)


def build(cfg: "DictConfig") -> Any:
    """Build the Trainer of a composed config without running it."""
    from genai_hf.running import build as build_trainer

    return build_trainer(cfg)
