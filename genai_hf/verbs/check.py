"""Check everything short of training: settings, data, the first batch, memory and time.

genai-hf check RECIPE [key=value …]

It takes the words that a run would take, builds the model without weights and makes no run folder.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from genai_hf import arguments, checking, composing, launching, runs
from genai_hf.looking import first_rows, looked_at

KNOWN = "every name and type is known"


def main(words: list[str]) -> int:
    """Print what a run would be, or the one line that says why it cannot be."""
    recipe, flags = arguments.parse(words)
    cfg = composing.compose(recipe, flags.overrides)
    if recipe.trains:
        with looked_at(cfg) as trainer:
            found = findings(cfg, trainer, arguments.folders(flags))
    else:
        checking.check(cfg, recipe)
        found = {"settings": KNOWN, "run": str(runs.folder(cfg)), "steps": "none: it trains nothing"}
    for name, value in found.items():
        print(f"{name:14}{value}")
    return 0


def duration(seconds: float) -> str:
    """Seconds in the largest unit of which there is at least one and a half."""
    units = (("days", 86400), ("hours", 3600), ("minutes", 60))
    name, size = next(((name, size) for name, size in units if seconds >= 1.5 * size), ("seconds", 1))
    return f"{seconds / size:.0f} {name}"


def findings(cfg: DictConfig, trainer: Any, folders: Sequence[Path] = ()) -> dict[str, str]:
    """What there is to know of a run before it begins, each in a line."""
    import torch

    from genai_hf.analysis.cost import estimate, matrix_rate

    loader = trainer.get_train_dataloader()
    batch = trainer.data_collator(list(first_rows(trainer, trainer.args.per_device_train_batch_size)))
    processes = cfg.launch.processes or 1
    per_epoch = -(-len(loader) // (trainer.args.gradient_accumulation_steps * processes))
    steps = trainer.args.max_steps if trainer.args.max_steps > 0 else round(per_epoch * trainer.args.num_train_epochs)
    rows, length = batch["input_ids"].shape
    dtype = torch.bfloat16 if trainer.args.bf16 else torch.float32
    cost = estimate(
        trainer.model,
        rows=rows,
        length=length,
        accumulation=trainer.args.gradient_accumulation_steps,
        head_rows=sum(int(count) for count in trainer.objective.count(batch).values()),
        rate=matrix_rate(trainer.args.device, dtype),
    )
    together = trainer.get_total_train_batch_size(trainer.args) * processes
    shapes = ", ".join(f"{key} {tuple(value.shape)}" for key, value in batch.items())
    return {
        "settings": KNOWN,
        "run": str(runs.folder(cfg)),
        "data": f"{len(trainer.train_dataset):,} training rows, {len(trainer.eval_dataset):,} validation rows",
        "first batch": shapes,
        "steps": f"{steps:,} of {together:,} rows, {steps / per_epoch:.2f} epochs",
        "model": f"{type(trainer.model).__name__}, {cost.parameters:,} parameters",
        "device": f"{trainer.args.device}, {dtype}".replace("torch.", ""),
        "memory": f"about {cost.memory / 2**30:.2f} GiB beside the libraries' own",
        "time": f"about {duration(cost.step_seconds * steps)} of training (to a factor of two)",
        "every GPU" if cfg.launch.starter == "none" else "launched": launching.line(cfg, folders),
    }
