"""From a composed config to a finished run."""

import functools
import gc
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from omegaconf import DictConfig, OmegaConf

from genai_hf import (
    allocator,
    files,
    final_numbers,
    fingerprints,
    launching,
    locks,
    manifests,
    places,
    reading_ahead,
    recipe_files,
    runs,
    secrets,
)
from genai_hf.errors import ConfigError, Interrupted, NoRoomError, UserError
from genai_hf.ranks import rank
from genai_hf.run_log import logged
from genai_hf.settings import checking

GIVEN_UP = (UserError, NoRoomError, Interrupted, KeyboardInterrupt)  # by which a run ends without a fault of ours


def run(cfg: DictConfig) -> dict[str, float]:
    """Run a config to its end; go on where an earlier run of it stopped; a finished one only say where it is.

    Returns:
        The final numbers, as in ``metrics.json``.

    Raises:
        UserError: A setting or a data file is wrong.
        NoRoomError: The disk or the memory has no room for it.
        Interrupted: A signal stopped it.
    """
    recipe = recipe_files.find(cfg.recipe)
    checking.check(cfg, recipe)
    _refuse_launch(cfg)
    current = runs.find(cfg)
    if current.metrics is not None:
        _tell_finished(current)
        return current.metrics
    gc.enable()  # it was of no use while the command only read settings
    with reading_ahead.reading(cfg, recipe) as said:
        runs.begin(current, cfg)
        try:
            with logged(current.folder / "run.log", before=said):
                metrics = _executed(recipe, cfg, current)
        except GIVEN_UP:
            _clear(current)
            raise
        finally:
            _leave(current)
    return metrics


def _executed(recipe: recipe_files.RecipeFile, cfg: DictConfig, current: runs.Run) -> dict[str, float]:
    from genai_hf.training import room

    with room.named(current.folder, "writing what the run leaves"):
        metrics = _execute(recipe.load(), cfg, current)
        if rank() == 0:
            _complete(current.folder, metrics)
    return metrics


def _clear(current: runs.Run) -> None:
    """Delete the folder of a new run in which nothing has happened."""
    if rank() > 0 or not current.is_new or not current.folder.is_dir():
        return
    # The last is what was there before it; the others may be of a teacher that was trained for it.
    happened = (
        path for name in ("metrics.jsonl", "checkpoint-*", locks.REPLACED) for path in current.folder.rglob(name)
    )
    if not any(path.is_dir() or path.stat().st_size for path in happened):
        shutil.rmtree(current.folder, ignore_errors=True)


def _leave(current: runs.Run) -> None:
    """Let others at the run's folder; what was set aside for it goes, or comes back where it has not begun."""
    if rank() == 0 and (current.folder / final_numbers.FILE).is_file():
        locks.forget(current.folder)
    if rank() == 0:
        locks.put_back(current.folder)
    locks.release(current.folder)


def start(cfg: DictConfig, folders: Sequence[Path] = ()) -> int:
    """Run a config here, or in the processes that `launch` asks for; the exit code.

    Args:
        cfg: As for `run`.
        folders: The user's own folders of configs, for the processes.
    """
    if launching.is_wanted(cfg):
        launching.settle(cfg)
        current = runs.find(cfg)
        if current.metrics is not None:
            _tell_finished(current)
            return 0
        reading_ahead.read(cfg, recipe_files.find(cfg.recipe))  # what is wrong is said before processes start
        return launching.launch(cfg, folders)
    if cfg.speed.keep_memory:
        allocator.keep()  # of the command's own process: a notebook's is its user's
    run(cfg)
    return 0


def build(cfg: DictConfig) -> Any:
    """Build the Trainer that `run` would train, in the run's folder."""
    recipe = recipe_files.find(cfg.recipe)
    checking.check(cfg, recipe)
    _refuse_launch(cfg)
    current = runs.find(cfg)
    with reading_ahead.reading(cfg, recipe):
        runs.begin(current, cfg)
        try:
            return _built(recipe.load(), cfg, current)
        except GIVEN_UP:
            _clear(current)
            _leave(current)
            raise


def _refuse_launch(cfg: DictConfig) -> None:
    if launching.is_wanted(cfg):
        raise ConfigError(f"launch= starts processes from the command only; here: {launching.line(cfg)}")


def settled(cfg: DictConfig, folder: Path) -> DictConfig:
    """The config with what the hardware decides; a resumed run keeps what was decided before."""
    import transformers

    from genai_hf import pinning
    from genai_hf.models import precision

    transformers.utils.logging.disable_progress_bar()  # of loading and saving shards; the bar of training is ours
    before = fingerprints.config(folder) if (folder / "config.yaml").is_file() else OmegaConf.create()
    asked = OmegaConf.select(before, "precision", default="auto") if cfg.precision == "auto" else cfg.precision
    decided = cfg.copy()
    decided.run = folder.name  # what is written down must not change the name any more
    decided.precision = precision.resolve(asked)
    pinning.pin(decided, before)
    return decided


def _execute(module: ModuleType, cfg: DictConfig, current: runs.Run) -> dict[str, float]:
    """Train what the recipe builds; where it trains nothing there is nothing to share out, so rank 0 does it alone."""
    if "build" in vars(module):
        from genai_hf.training import train

        return train(_built(module, cfg, current))
    decided = _noted(cfg, current)
    metrics: dict[str, float] = module.main(decided) if rank() == 0 else {}
    places.require_unchanged(current.stamps, fingerprints.stamps(cfg))
    return metrics


def _built(module: ModuleType, cfg: DictConfig, current: runs.Run) -> Any:
    """The recipe's Trainer, with what every run shares."""
    decided = _noted(cfg, current)
    trainer = assembled(module, decided)
    places.require_unchanged(current.stamps, fingerprints.stamps(cfg))
    data = {"train": trainer.train_dataset.fingerprint, "validation": trainer.eval_dataset.fingerprint}
    allowed = [*runs.allowed(cfg), *(["data"] if any(map(fingerprints.DATA.match, current.changed)) else [])]
    if fingerprints.is_other_data(current.folder, data, allowed) or current.changed:
        from genai_hf.training.callbacks import WhenTrainingBegins

        trainer.add_callback(WhenTrainingBegins(functools.partial(runs.take_over, current.folder, cfg, decided, data)))
    elif rank() == 0:
        fingerprints.note(current.folder, data=data)
    if rank() == 0:
        locks.forget(current.folder)  # no setting and no row stands in the way any more
    return trainer


def assembled(module: ModuleType, decided: DictConfig) -> Any:
    """What the recipe builds, with the settings that belong to any Trainer and to no part."""
    from genai_hf.data.remarks import held
    from genai_hf.models import documents, last_layer, on_cpu, unpadded

    with held():
        trainer = module.build(decided)
    trainer.on_nan, trainer.max_skipped = decided.on_nan, decided.max_skipped
    on_processor = trainer.args.device.type == "cpu" and not trainer.args.torch_compile  # which has its own of both
    if on_processor:
        on_cpu.quicken(trainer.model, attention=decided.speed.attention, dropout=decided.speed.dropout)
    if on_processor or decided.speed.unpadded == "always":
        unpadded.unpad(trainer.model, decided.speed.unpadded)
    if decided.speed.last_layer == "auto":
        last_layer.shorten(trainer.model)
    if decided.speed.documents:
        if trainer.args.device.type != "cuda":
            raise ConfigError("'speed.documents' is for a CUDA GPU; leave it out")
        documents.by_documents(trainer.model)
    return trainer


def _noted(cfg: DictConfig, current: runs.Run) -> DictConfig:
    """The settled config; a run that does not go on with other settings has it in its folder."""
    from genai_hf.models import hardware

    decided = settled(cfg, current.folder)
    if rank() == 0 and not current.changed:
        files.write_text(current.folder / "config.yaml", secrets.to_yaml(decided))
        fingerprints.note(current.folder, hardware=hardware.hardware())
    return decided


def _complete(folder: Path, metrics: dict[str, float]) -> None:
    """Write the final numbers, the model card and the report."""
    from genai_hf.reports import model_card, render

    if (folder / "model").is_dir():
        manifests.write(folder / "model")
    final_numbers.write(folder, metrics)
    if (folder / "model").is_dir():
        model_card.write_model_card(folder)
    _tell(f"report: {render.write_report(folder)}")


def _tell_finished(run: runs.Run) -> None:
    """Say where the report of a finished run is; it is written if it is not there."""
    page = run.folder / "report.html"
    if not page.is_file():
        from genai_hf.reports import render

        page = render.write_report(run.folder)
    _tell(f"finished before: {page}  (overwrite=true runs it again)")


def _tell(message: str) -> None:
    if rank() == 0:
        print(secrets.redact(message), file=sys.stderr)
