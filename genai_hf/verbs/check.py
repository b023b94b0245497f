"""Check everything short of training: settings, data, the first batch, memory and time.

genai-hf check RECIPE [key=value …]

It takes the words that a run would take and makes no run folder. Memory and time are measured by some steps of a model
with random weights, of two of its layers where all would take long; by arithmetic where these would, too.
"""

import math
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from genai_hf import allocator, arguments, launching, reading_ahead, run_log, runs, secrets
from genai_hf.errors import ConfigError
from genai_hf.looking import looked_at
from genai_hf.settings import checking, composing

KNOWN = "every name and type is known"


def main(words: list[str]) -> int:
    """Print what a run would be, or the one line that says why it cannot be."""
    recipe, flags = arguments.parse(words)
    cfg = composing.compose(recipe, flags.overrides)
    checking.check(cfg, recipe)
    require_place(runs.folder(cfg))
    if recipe.trains:
        if cfg.speed.keep_memory:
            allocator.keep()
        before = allocator.resident()
        with reading_ahead.reading(cfg, recipe):
            of_data = allocator.resident() - before
            with run_log.quiet():
                recipe.load()
            own = allocator.resident() - of_data  # of the libraries
            with looked_at(cfg) as trainer:
                found = findings(cfg, trainer, own, arguments.folders(flags))
    else:
        data = {at: noted(made.result) for at, made in reading_ahead.read(cfg, recipe).items()}
        found = {"settings": KNOWN, "run": str(runs.folder(cfg)), **data, "steps": "none: it trains nothing"}
    for name, value in found.items():
        print(f"{name:14}{secrets.redact(value)}")
    return 0


def require_place(folder: Path) -> None:
    """See that a run's folder is there or could be made, by making one beside it that is gone at once.

    Raises:
        ConfigError: It could not.
    """
    try:
        with suppress(FileNotFoundError):
            folder.stat()
            return
        with tempfile.TemporaryDirectory(dir=next(above for above in folder.parents if above.is_dir())):
            pass
    except OSError as error:
        raise ConfigError(f"{folder} cannot be made ({error.strerror}); choose another place with root=…") from error


def noted(data: Any) -> str:
    """What is known of data that was read."""
    from genai_hf.data import Corpus

    notes = data.notes if isinstance(data, Corpus) else {}
    return ", ".join(f"{count:,} {what.replace('_', ' ')}" for what, count in notes.items()) or "read, and right"


def duration(seconds: float) -> str:
    """Seconds in the largest unit of which there is at least one and a half."""
    units = (("days", 86400), ("hours", 3600), ("minutes", 60))
    name, size = next(((name, size) for name, size in units if seconds >= 1.5 * size), ("seconds", 1))
    return f"{seconds / size:.0f} {name}"


def findings(cfg: DictConfig, trainer: Any, own: int, folders: Sequence[Path] = ()) -> dict[str, str]:
    """What there is to know of a run before it begins, each in a line.

    Args:
        cfg: The run's.
        trainer: Built without weights.
        own: Bytes that the libraries hold by themselves.
        folders: The user's own folders of configs.
    """
    import torch

    from genai_hf.models.bare import bare
    from genai_hf.models.trained_weights import counted

    loader = trainer.get_train_dataloader()
    first = islice(loader.batch_sampler, 3)
    batches = [trainer.data_collator([trainer.train_dataset[row] for row in rows]) for rows in first]
    batch = batches[0]
    processes = cfg.launch.processes or 1
    per_epoch = -(-len(loader) // (trainer.args.gradient_accumulation_steps * processes))
    arguments = trainer.args
    steps = arguments.max_steps if arguments.max_steps > 0 else math.ceil(per_epoch * arguments.num_train_epochs)
    dtype = torch.bfloat16 if trainer.args.bf16 else torch.float32
    rows = f"{trainer.get_total_train_batch_size(trainer.args) * processes:,} rows"
    if trainer.tokens_per_batch:
        parts = trainer.args.gradient_accumulation_steps * processes
        rows = f"{parts * trainer.tokens_per_batch:,} tokens or less"
    shapes = ", ".join(f"{key} {tuple(value.shape)}" for key, value in batch.items())
    counts = counted(trainer.model)
    trained = "" if counts["trained"] == counts["all"] else f", {counts['trained']:,} of them trained"
    found = {
        "settings": KNOWN,
        "run": str(runs.folder(cfg)),
        "data": f"{len(trainer.train_dataset):,} training rows, {len(trainer.eval_dataset):,} validation rows",
        "first batch": shapes,
        "steps": f"{steps:,} of {rows}, {steps / per_epoch:.2f} epochs",
        "model": f"{type(bare(trainer.model)).__name__}, {counts['all']:,} parameters{trained}",
        "device": f"{trainer.args.device}, {dtype}".replace("torch.", ""),
    }
    cost, how = predicted(cfg, trainer, batch, own)
    # A processor's library keeps what it has made for the shapes of every batch, of which only some are tried.
    changes = len({one["input_ids"].shape for one in batches}) > 1
    about = "at least" if changes and trainer.args.device.type == "cpu" else "about"
    return found | {
        "memory": f"{about} {cost.memory / 2**30:.3g} GiB beside the libraries' own ({how})",
        "time": f"about {duration(cost.step_seconds * steps)} of training ({how})",
        "every GPU" if cfg.launch.starter == "none" else "launched": launching.line(cfg, folders),
    }


def predicted(cfg: DictConfig, trainer: Any, batch: Mapping[str, Any], own: int) -> tuple[Any, str]:
    """What a step takes, and how that is known: from some steps where these take little, else by arithmetic."""
    import torch

    from genai_hf import config
    from genai_hf.analysis import cost, peaks
    from genai_hf.training import memory, trial
    from genai_hf.training.meter import Meter

    device, meter = trainer.args.device, Meter(torch.device("cpu"))
    meter.add([batch])
    rate = peaks.matrix_rate(device, torch.bfloat16 if trainer.args.bf16 else torch.float32)
    quantized = config.quantization(cfg)
    bits = 32 if quantized is None else 4 if quantized.load_in_4bit else 8
    estimate = partial(cost.estimate, trainer.model, meter.seen(), rate=rate, bits=bits)
    accumulation = trainer.args.gradient_accumulation_steps
    is_whole = quantized is None and "teacher" not in cfg  # without weights neither is there
    tried = estimate(accumulation=min(accumulation, trial.PARTS))
    depths = trial.depths(trainer.model, tried, memory.free(device)) if is_whole else None
    if depths is None:
        without = ", without its teacher" if "teacher" in cfg else ""
        return estimate(accumulation=accumulation), f"by arithmetic, to a factor of two{without}"
    layers = "" if len(depths) == 1 else f", with {' and '.join(map(str, depths))} layers"
    return trial.attempt(trainer, depths, own), f"measured{layers}"
