"""Check a run's checkpoints and its model, and replay steps from one: the same must come out, bit for bit (--steps K).

genai-hf verify outputs/bert_mlm/NAME …    every file of each checkpoint and of the model, and the final numbers,
                                           against their manifests; then the steps from one checkpoint to the next, or
                                           to the end, and what they left then and now
--steps K                                  at most so many steps
--steps 0                                  only the files
"""

import argparse
import tempfile
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from genai_hf import (
    arguments,
    changes,
    final_numbers,
    fingerprints,
    manifests,
    places,
    recipe_files,
    run_log,
    running,
    runs,
)
from genai_hf.errors import ConfigError, UserError
from genai_hf.settings import checking

STRANGE = "holds files that the run did not write"


def main(words: list[str]) -> int:
    """Print what is whole and what came out again.

    Raises:
        UserError: A checkpoint is damaged, or something came out otherwise.
    """
    parser = argparse.ArgumentParser(prog="genai-hf verify", add_help=False)
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--steps", type=int)
    parser.error = arguments.refuse  # type: ignore[method-assign]
    if not words:
        raise ConfigError("name a run's folder, such as outputs/bert_mlm/…")
    asked = parser.parse_args(words)
    if asked.steps is not None and asked.steps < 0:
        raise ConfigError(f"--steps must be at least 0, got {asked.steps}")
    for run in asked.runs:
        if not (run / "config.yaml").is_file():
            raise ConfigError(f"{run} is not a run; name its folder, such as outputs/bert_mlm/…")
    for run in asked.runs:
        if len(asked.runs) > 1:
            print(run)
        verify(run, asked.steps)
    return 0


def verify(run: Path, steps: int | None) -> None:
    """Print what is whole in a run, and what came out again.

    Raises:
        UserError: A checkpoint or the model is damaged, or something came out otherwise.
    """
    with tempfile.TemporaryDirectory() as folder, run_log.logged(Path(folder, "log")):
        wrong = verify_files(run)
        if steps != 0:
            replay(run, steps, folder)
    if wrong:
        spoilt = [name for name, what in wrong.items() if what != STRANGE]
        remedy = "run it again with overwrite=true" if spoilt else "take them out"
        if any("-" in name for name in spoilt):
            remedy = "training goes on from the newest checkpoint that is whole"
        raise UserError(f"{run}: {' and '.join(f'{name} {what}' for name, what in wrong.items())}; {remedy}")


def verify_files(run: Path) -> dict[str, str]:
    """Print what checkpoints, models and final numbers are like; what is not as it was written, and in a word why."""
    from genai_hf.training import checkpoints

    finished = (run / final_numbers.FILE).is_file()
    owed = [run / "model"] if finished and fingerprints.config(run).get("trainer") else []
    models = [*owed, *(path for path in (run / "model", run / places.MERGED) if path.is_dir() and path not in owed)]
    found = {folder.name: _verified(folder, finished) for folder in [*checkpoints.listed(run), *models]}
    if finished:
        found["final numbers"] = _figures(run)
    for name, (said, _) in found.items():
        print(f"{name:20}{said}")
    return {name: fault for name, (_, fault) in found.items() if fault}


def _verified(folder: Path, finished: bool) -> tuple[str, str | None]:
    """What is said of a checkpoint or a model, of a run that has finished or not; and in a word what is wrong."""
    if not folder.is_dir():
        return "is missing, though the run has finished", "missing"
    if not (folder / manifests.MANIFEST).is_file() and "-" not in folder.name:
        said = f"has no {manifests.MANIFEST}, so that nobody knows whether its files are as they were written"
        if not finished:
            return said, None
        return f"{said}; a finished run left one, unless it is of an older version", f"without {manifests.MANIFEST}"
    if problem := manifests.problem(folder):
        return problem, "damaged"
    if strange := manifests.others(folder):
        is_read = any(map(manifests.is_looked_at, strange))
        nobody = "" if is_read else ", where nothing reads them"
        return f"every file as it was written, but {', '.join(strange)} besides{nobody}", STRANGE if is_read else None
    return "whole, every file as it was written", None


def _figures(run: Path) -> tuple[str, str | None]:
    """The same of a finished run's final numbers."""
    if not (run / manifests.MANIFEST).is_file():
        return f"of an older version, without a {manifests.MANIFEST}: nobody knows whether they are as written", None
    if problem := manifests.problem(run):
        return problem, "damaged"
    return "whole, as they were written", None


def replay(run: Path, steps: int | None, folder: str) -> None:
    """Train some steps again, writing into `folder`, and print what was compared.

    Raises:
        UserError: Something came out otherwise, or the run cannot be had again here.
    """
    from genai_hf.training import replay as again

    cfg = _config(run)
    place = again.span(run, steps)
    if place is None:
        print(f"{'replay':20}nothing was written down after a whole checkpoint that is there to compare with")
        return
    start, end = place
    facts, known = fingerprints.of(cfg), fingerprints.read(run)
    changed = changes.differences({name: known[name] for name in facts}, facts)
    if changed:
        listed = "; ".join(f"{key}: {change}" for key, change in changed.items())
        raise ConfigError(f"{run} cannot be replayed, since it is not the same any more ({listed})")
    recipe = recipe_files.find(cfg.recipe)
    if not recipe.packaged:  # a file that somebody else's settings may name
        remedy = "--steps 0 looks at the files"
        raise ConfigError(f"{run} is of the recipe {cfg.recipe}, which runs only where its path is typed; {remedy}")
    checking.check(cfg, recipe)
    cfg.root = folder
    trainer = running.assembled(recipe.load(), running.settled(cfg, runs.folder(cfg)))
    found = again.replay(trainer, run, start, end)
    if not found.compared:
        raise UserError(f"{run}: nothing that was written down came again between steps {start.name} and {end}")
    for line in found.different:
        print(line)
    if found.different:
        often = f"{len(found.different)} of {len(found.compared)} figures and files came out otherwise"
        raise UserError(f"{run}: {often}; on other hardware than it ran on that may be so")
    print(f"{start.name} to step {end:<6} {len(found.compared)} figures and files came out again, bit for bit")


def _config(run: Path) -> DictConfig:
    cfg = fingerprints.config(run)
    if not cfg.get("trainer"):
        raise ConfigError(f"{run} trained no model; there are no steps to replay")
    for key, value in fingerprints.LATER.items():
        above = key.rpartition(".")[0]
        if (not above or above in cfg) and OmegaConf.select(cfg, key) is None:
            OmegaConf.update(cfg, key, value)
    return cfg
