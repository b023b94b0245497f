"""Build a recipe to look at it: real settings, data and batches, but a model without weights and no run folder."""

import gc
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from genai_hf import reading_ahead, recipe_files
from genai_hf.errors import ConfigError
from genai_hf.run_log import logged
from genai_hf.running import assembled, settled
from genai_hf.settings import checking


@contextmanager
def looked_at(cfg: DictConfig) -> Iterator[Any]:
    """The Trainer of `cfg`, built without weights; what libraries log meanwhile is thrown away.

    Raises:
        ConfigError: A setting is wrong, or the recipe trains nothing.
    """
    recipe = recipe_files.find(cfg.recipe)
    checking.check(cfg, recipe)
    if not recipe.trains:
        raise ConfigError(f"{recipe.name} trains nothing, so it has no batches to look at; run it")
    gc.enable()
    with (
        reading_ahead.reading(cfg, recipe),
        tempfile.TemporaryDirectory() as folder,
        logged(Path(folder, "log")),
    ):
        from genai_hf import models

        with models.weightless(folder):
            trainer = assembled(recipe.load(), settled(cfg, Path(folder)))
        yield trainer


def first_rows(trainer: Any, number: int) -> Iterator[dict[str, Any]]:
    """Rows of the first epoch in the order in which training takes them."""
    batches = trainer.get_train_dataloader().batch_sampler
    for index in batches.order()[:number]:
        yield trainer.train_dataset[0, int(index)]
