"""A student beside its teacher, and beside itself without one: how good, how large, how fast."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import torch
from torch import nn

from genai_hf.models.attention import UNPADDED
from genai_hf.models.bare import bare
from genai_hf.models.last_layer import shorten, shortened
from genai_hf.models.unpadded import unpad
from genai_hf.objectives import Objective
from genai_hf.ranks import say
from genai_hf.reports import sections
from genai_hf.reports.sections import Table
from genai_hf.reports.words import metric_name, shown
from genai_hf.training.teaching import ALONE, Alone, trained

BATCHES = 8  # different ones by which speed is measured
SECONDS = 1.0  # that are measured


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Called with the student's Trainer once its model is final; returns the figures of the other two.

    Args:
        teacher: Its Trainer.
        alone: The same student without a teacher, which is trained here.
        compare: Whether it is.
    """

    teacher: Any
    alone: Alone
    compare: bool

    def __call__(self, trainer: Any, folder: Path) -> dict[str, float]:
        """Evaluate and measure on every rank; write on rank 0."""
        figures = {"teacher": self.teacher.measure(), "student": trainer.measure()}
        size = {"teacher": _size(self.teacher), "student": _size(trainer)}
        leave_out_alike(self.teacher.model, trainer.model)
        rate = {
            "teacher": speed(self.teacher, self.teacher.objective),
            "student": speed(trainer, trainer.objective.hard),
        }
        if self.compare:
            say(f"the same student is trained without a teacher, in {self.alone.folder}; compare=false leaves that out")
            figures[ALONE] = trained(self.alone.make, self.alone.folder)
            size[ALONE], rate[ALONE] = size["student"], rate["student"]
        if trainer.is_world_process_zero():
            sections.save(folder, table(figures, size, rate, trainer.objective.teacher.note))
        keys, others = _keys(figures), figures.keys() - {"student"}
        known = {f"{name}_{key.removeprefix('eval_')}": figures[name][key] for name in sorted(others) for key in keys}
        return known | {"teacher_parameters": float(size["teacher"]), "times_faster": rate["student"] / rate["teacher"]}


def table(
    figures: Mapping[str, Mapping[str, float]], size: Mapping[str, int], rate: Mapping[str, float], note: str = ""
) -> Table:
    """Teacher, student, and student without a teacher.

    Args:
        figures: Of each, an evaluation's.
        size: Of each, its parameters.
        rate: Of each, examples a second; with and without a teacher it is the same student's.
        note: On what was learnt of the teacher.
    """
    keys = _keys(figures)
    rows: list[list[Any]] = [
        [
            name.replace("_", " ").replace("without", "student without"),
            *(shown(key, found[key]) for key in keys),
            size[name],
            f"{size[name] / size['teacher']:.2f}",
            round(rate[name], 1),
            f"{rate[name] / rate['teacher']:.2f}",
        ]
        for name, found in figures.items()
    ]
    columns = [
        "",
        *map(metric_name, keys),
        "parameters",
        "share of them",
        "examples a second",
        "times as fast",
    ]
    said = "Of the validation set. Speed is that of forward passes on its batches, here; the student's was taken once."
    return Table("Teacher and student", columns, rows, f"{said} {note}".strip())


def leave_out_alike(teacher: nn.Module, student: nn.Module) -> None:
    """Let a teacher leave out of its layers what the student does, so that their speeds are of their sizes alone."""
    alone = bare(student)
    if alone.config._attn_implementation in UNPADDED.values():
        unpad(teacher)
    if shortened(alone) is not None:
        shorten(teacher)


@torch.no_grad()
def speed(trainer: Any, objective: Objective) -> float:
    """Examples a second of forward passes over some evaluation batches, in evaluation mode."""
    batches = [trainer._prepare_inputs(batch) for batch in islice(trainer.get_eval_dataloader(), BATCHES)]
    trainer.model.eval()
    with trainer.autocast_smart_context_manager():
        objective.sums(trainer.model, batches[0])
        examples, began = 0, _now(trainer)
        for batch in cycle(batches):
            objective.sums(trainer.model, batch)
            examples += len(batch["input_ids"])
            if (seconds := _now(trainer) - began) > SECONDS:
                return examples / seconds
    raise RuntimeError("there is no evaluation batch")


def _size(trainer: Any) -> int:
    return sum(weight.numel() for weight in trainer.model.parameters())


def _now(trainer: Any) -> float:
    """Seconds, once the device has done what it was given."""
    if trainer.args.device.type != "cpu":
        torch.accelerator.synchronize()
    return time.perf_counter()


def _keys(figures: Mapping[str, Mapping[str, float]]) -> list[str]:
    """The figure to look at, and the loss."""
    first = next(iter(figures["teacher"]))
    return [first] if first == "eval_loss" else [first, "eval_loss"]
