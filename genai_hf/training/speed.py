"""What a run says of its speed: numbers for metrics.json, and a table for its report. All are of this process."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from genai_hf.analysis.operations import Operations, operations
from genai_hf.analysis.peaks import Peak, peak
from genai_hf.reports import sections
from genai_hf.reports.sections import Table
from genai_hf.reports.words import duration, number, shown
from genai_hf.training.meter import Meter
from genai_hf.training.trainer import Trainer

PARTS = {
    "data": "waiting for data",
    "forward": "forward passes",
    "backward": "backward passes",
    "optimizer": "clipping and optimizer",
    "rest": "the rest: callbacks, log, saving",
}
MEANT = (
    "Padding, evaluation and what is computed again count nothing; the first steps, which are slower, do. MFU is the "
    "model FLOP/s over the most that the device does. The first step is counted from the start of the process, or from "
    "the end of its training before."
)


def speed(trainer: Trainer, run: Path) -> dict[str, float]:
    """Numbers of a training that has ended; their table goes into the run's folder. Of other ranks than 0 nothing."""
    if not trainer.is_world_process_zero() or trainer.clock.first_step is None:
        return {}
    kinds = ((trainer.args.bf16, torch.bfloat16), (trainer.args.fp16, torch.float16))
    dtype = next((kind for asked, kind in kinds if asked), torch.float32)
    work, most = operations(trainer.model), peak(trainer.args.device, dtype)
    numbers = figures(trainer.meter, trainer.clock.first_step, work, most)
    sections.save(run, table(numbers, work, most))
    return numbers


def figures(meter: Meter, first_step: float, work: Operations, most: Peak) -> dict[str, float]:
    """Numbers of this process's training.

    Args:
        meter: Read to the end.
        first_step: Seconds to the end of the first step.
        work: What the model takes.
        most: What the device can do.
    """
    seen = meter.seen()
    done = work.of(seen, max(meter.head_positions, seen.labels))  # a head called piece by piece is seen once
    rate = done / meter.all_seconds
    seconds = {f"seconds_{phase}": spent for phase, spent in meter.phases.seconds.items()}
    return {
        "padding_share": seen.padding,
        "flops_per_token": done / seen.read,
        "flops_per_second": rate,
        "peak_flops_per_second": most.rate,
        "mfu": rate / most.rate,
        "seconds_to_first_step": first_step,
        "seconds_of_training": sum(seconds.values()),
        **seconds,
    }


def table(numbers: Mapping[str, float], work: Operations, most: Peak) -> Table:
    """The numbers in words, and how they were found.

    Args:
        numbers: As `figures` gives them.
        work: What the model takes.
        most: What the device can do.
    """
    whole = numbers["seconds_of_training"]
    rows: list[list[Any]] = [
        ["real tokens a second", number(round(numbers["flops_per_second"] / numbers["flops_per_token"]))],
        ["padding, of all tokens in training", shown("padding_share", numbers["padding_share"])],
        ["model FLOPs a real token", f"{numbers['flops_per_token']:.3g}"],
        ["model FLOP/s", f"{numbers['flops_per_second']:.3g}"],
        [f"most that the device does, FLOP/s ({most.source})", f"{most.rate:.3g}"],
        ["model FLOPs utilisation (MFU)", shown("mfu", numbers["mfu"])],
        ["to the end of the first step", duration(numbers["seconds_to_first_step"])],
        ["training", duration(whole)],
    ]
    for phase, what in PARTS.items():
        spent = numbers[f"seconds_{phase}"]
        rows.append([f"of it {what}", f"{duration(spent)}, {100 * spent / whole:.1f}%"])
    return Table("Speed", ["of this process", ""], rows, f"{described(work)} {MEANT}")


def described(work: Operations) -> str:
    """The formula of the model's operations with its numbers."""
    written = f", {work.written:,} a token of the decoder" if work.written else ""
    beside = f" and {work.written_attention:,} in the decoder" if work.written_attention else ""
    row = f", {work.row:,} a row" if work.row else ""
    label = f", {work.label:,} a position of the vocabulary head that is computed" if work.label else ""
    return (
        "Model FLOPs as in Chowdhery et al. 2022, PaLM, arXiv:2204.02311, appendix B: 6 x the weights that a token "
        f"passes (4 x frozen ones), without embeddings: {work.read:,}{written}{row}{label}; and "
        f"12 x layers x width x length of its row, {work.attention:,} a pair of tokens{beside}."
    )
