"""A sweep (-m): Hydra makes the jobs, each is an ordinary run, and one table and one picture sum them up."""

import functools
import hashlib
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig

from genai_hf import final_numbers, fingerprints, launching, recipe_files, run_log, running, runs, secrets
from genai_hf.errors import ConfigError, Interrupted, UserError
from genai_hf.recipe_files import RecipeFile
from genai_hf.settings import checking, composing, composition, explaining

# What may go wrong in one job without stopping the others; a signal does stop them.
FAILURES = (ArithmeticError, ImportError, LookupError, MemoryError, OSError, RuntimeError, TypeError, ValueError)


def sweep(recipe: RecipeFile, overrides: Sequence[str]) -> int:
    """Run every combination; a job that fails does not stop the rest. Repeated, only what is missing runs.

    Returns:
        0 where every job finished, 2 where one did not.

    Raises:
        ConfigError: A setting of any job is wrong; no job has run then.
    """
    if any(line.partition("=")[0] == "run" for line in overrides):
        raise ConfigError("'run' names one run; the runs of a sweep name themselves")
    several = [override for override in composing.parse(overrides) if override.is_sweep_override()]
    jobs = _jobs(recipe, overrides)
    if len(jobs) == 1 and not several:
        raise ConfigError("-m needs a setting with several values, such as seed=1,2")
    for cfg, _ in jobs:
        checking.check(cfg, recipe)
    _refuse_repeated([runs.folder(cfg).name for cfg, _ in jobs], several)
    folder = runs.within(jobs[0][0].root, recipe.name, "sweeps", _name(overrides))
    if _launcher(overrides):
        _submit(recipe, overrides, folder)
        cells = [_fetched(cfg, asked, folder) for cfg, asked in jobs]
    else:
        cells = [_cell(cfg, recipe, asked, number, len(jobs)) for number, (cfg, asked) in enumerate(jobs, 1)]
    from genai_hf.reports import sweep as summary

    summarise(recipe, folder, cells)
    title = " ".join([recipe.name, *map(secrets.hide_override, overrides)])
    page = summary.write_sweep(folder, title, cells)
    print(secrets.redact(f"sweep: {page}"), file=sys.stderr)
    return 2 if any(cell.error for cell in cells) else 0


def summarise(recipe: RecipeFile, folder: Path, cells: Sequence[Any]) -> None:
    """Have the recipe leave what its runs say together in the sweep's folder, where it knows of anything."""
    with run_log.logged(Path(os.devnull)):
        module = recipe.load()
        if "summarise" in vars(module):
            module.summarise(folder, cells)


def _jobs(recipe: RecipeFile, overrides: Sequence[str]) -> list[tuple[DictConfig, list[str]]]:
    """Every job's config and its own overrides, by Hydra's sweeper."""
    app, parsed = composing.application(recipe), composing.parse(overrides)
    try:
        composing.refuse_added(app, recipe.name, parsed)
        shared = app.compose_config(recipe.name, [*overrides, *composition.QUIET], run_mode=RunMode.MULTIRUN)
        shipped = [f"{key}={values}" for key, values in (shared.hydra.sweeper.params or {}).items()]
        asked = [line for line in overrides if not line.startswith(("hydra.", "hydra/"))]
        lines = OverridesParser.create(app.config_loader).parse_overrides([*shipped, *asked])
        (jobs,) = BasicSweeper.split_arguments(lines, max_batch_size=None)
    except ConfigError:
        raise
    except explaining.FAULTS as error:
        raise explaining.explain(error, app, recipe, parsed) from error
    return [(composing.compose(recipe, asked), asked) for asked in jobs]


def _refuse_repeated(names: Sequence[str], several: Sequence[Override]) -> None:
    """Refuse a sweep whose jobs would be the same run, for what it runs over changes no result."""
    idle = [key for override in several if fingerprints.INDIFFERENT.match(key := override.key_or_group)]
    if idle and len({*names}) < len(names):
        raise ConfigError(f"'{idle[0]}' changes no result, so every job would do the same; give it one value")


def _cell(cfg: DictConfig, recipe: RecipeFile, asked: list[str], number: int, total: int) -> Any:
    from genai_hf.reports.sweep import SweepCell

    asked = [secrets.hide_override(line) for line in asked]
    print(f"job {number} of {total}: {' '.join(asked)}", file=sys.stderr)
    error = None
    try:
        code = running.start(cfg, recipe.folders if recipe.packaged else recipe.folders[:-1])
        if code > launching.SIGNALLED:
            raise Interrupted(f"job {number} was stopped; the same command goes on from there", code)
        error = f"its processes ended with exit code {code}" if code else None
    except FAILURES as wrong:
        error = str(wrong) or type(wrong).__name__
        print(secrets.redact(f"job {number} failed: {error}"), file=sys.stderr)
        if not isinstance(wrong, UserError):
            print(secrets.redact("".join(traceback.format_exception(wrong))), end="", file=sys.stderr)
    return SweepCell(dict(_pair(line) for line in asked), runs.folder(cfg), error)


def _launcher(overrides: Sequence[str]) -> str | None:
    """One of Hydra's launchers that takes the jobs elsewhere, such as submitit_slurm."""
    chosen = [line.partition("=")[2] for line in overrides if line.startswith("hydra/launcher=")]
    return chosen[-1] if chosen and chosen[-1] != "basic" else None


def _submit(recipe: RecipeFile, overrides: Sequence[str], folder: Path) -> None:
    """Hand every job to Hydra's launcher and wait for them; what they say lies in the sweep's folder."""
    task = functools.partial(_submitted, recipe.name if recipe.packaged else str(recipe.path), recipe.folders)
    places = [f"hydra.sweep.dir='{folder.resolve()}'", "hydra.sweep.subdir=.", "hydra.mode=MULTIRUN"]
    app = composing.application(recipe)
    try:
        app.multirun(recipe.name, task, [*overrides, *composition.QUIET, *places], with_log_configuration=False)
    except HydraException as error:
        raise explaining.explain(error, app, recipe, composing.parse(overrides)) from error
    except FAILURES as error:  # the first failed job's, which comes when all are done
        print(secrets.redact(f"a job failed: {error}"), file=sys.stderr)
    finally:
        (folder / "multirun.yaml").unlink(missing_ok=True)  # Hydra's copy of the settings, with their secrets


def _submitted(recipe: str, folders: tuple[Path, ...], cfg: DictConfig) -> None:
    """In a job's process: run it, or start its processes."""
    found = recipe_files.find(recipe, folders)
    own = composing.finish(composition.split(cfg), found, list(HydraConfig.get().overrides.task))
    code = running.start(own, folders)
    if code:
        raise RuntimeError(f"its processes ended with exit code {code}")


def _fetched(cfg: DictConfig, asked: list[str], folder: Path) -> Any:
    """A job's cell when the launcher is done with it."""
    from genai_hf.reports.sweep import SweepCell

    run = runs.folder(cfg)
    error = None if (run / final_numbers.FILE).is_file() else f"not finished; its messages are in {folder}/.submitit"
    return SweepCell(dict(_pair(secrets.hide_override(line)) for line in asked), run, error)


def _pair(override: str) -> tuple[str, str]:
    key, _, value = override.lstrip("+").partition("=")
    return key, value


def _name(overrides: Sequence[str]) -> str:
    """Readable, and the same for the same sweep."""
    asked = sorted(line for line in overrides if not line.startswith(("hydra/", "hydra.")))
    digest = hashlib.sha256("\n".join(asked).encode()).hexdigest()[:8]
    return f"{runs.readable(overrides)}-{digest}"
