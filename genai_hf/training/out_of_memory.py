"""A step that does not fit into memory is taken in smaller micro-batches: the same rows and loss, less at a time."""

import gc
import json
import sys
from contextlib import suppress
from pathlib import Path

import torch
from transformers import Trainer

from genai_hf import files
from genai_hf.errors import NoRoomError

DECIDED = "micro_batch.json"  # in the run's folder: how many rows fitted


class StepTooLargeError(Exception):
    """A micro-batch's passes ran out of memory; no weight has been touched since the last step."""


def ran_out(error: BaseException) -> bool:
    """Whether the error means that memory was asked for and not there."""
    said = str(error)
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or (
        isinstance(error, RuntimeError) and ("can't allocate memory" in said or "out of memory" in said)
    )


def smaller(rows: int, accumulation: int) -> tuple[int, int]:
    """The next smaller micro-batch and its accumulation steps, with as many rows a step: halved where that is possible.

    Raises:
        NoRoomError: One row is the smallest micro-batch.
    """
    together = rows * accumulation
    fitting = [size for size in range(1, rows // 2 + 1) if together % size == 0]
    if not fitting:
        shorter = "a smaller model, shorter sequences, trainer.activation_checkpointing=true or a lower precision"
        raise NoRoomError(f"out of memory with one row at a time; what remains is {shorter}")
    return fitting[-1], together // fitting[-1]


def use_decided(trainer: Trainer, run: Path) -> None:
    """Take the micro-batch that an earlier try of this run found to fit, with the present number of ranks."""
    with suppress(FileNotFoundError, ValueError):  # what is damaged is found again
        cut(trainer, int(json.loads((run / DECIDED).read_text(encoding="utf-8"))["per_device_train_batch_size"]))


def cut(trainer: Trainer, rows: int) -> None:
    """Take micro-batches of so many rows, where they are fewer and as many fit into a step."""
    together = trainer.args.per_device_train_batch_size * trainer.args.gradient_accumulation_steps
    if rows < trainer.args.per_device_train_batch_size and together % rows == 0:
        _set(trainer, rows, together // rows)


def halve(trainer: Trainer, run: Path) -> None:
    """Go on with a smaller micro-batch; remember it for when the command is repeated.

    Raises:
        NoRoomError: One row is the smallest; or there are other ranks, which wait in the step and must start anew.
    """
    before = trainer.args.per_device_train_batch_size
    rows, accumulation = smaller(before, trainer.args.gradient_accumulation_steps)
    files.write_json(run / DECIDED, {"per_device_train_batch_size": rows})
    found = f"out of memory with micro-batches of {before} rows; {rows} rows and {accumulation} accumulation steps"
    if trainer.args.world_size > 1:
        raise NoRoomError(f"{found} are the same step: repeat the command, and every rank takes them")
    print(f"{found} from here on: the same step", file=sys.stderr)
    _set(trainer, rows, accumulation)
    start_over(trainer)


def start_over(trainer: Trainer) -> None:
    """Let the trainer train anew: its optimizer is made anew too, and filled from a checkpoint if there is one."""
    trainer.model = trainer.model_wrapped = trainer.accelerator.unwrap_model(trainer.model, keep_fp32_wrapper=False)
    trainer.model.zero_grad(set_to_none=True)
    trainer.optimizer = trainer.lr_scheduler = None
    gc.collect()
    if torch.accelerator.is_available():
        torch.accelerator.empty_cache()


def _set(trainer: Trainer, rows: int, accumulation: int) -> None:
    trainer.args.per_device_train_batch_size = trainer._train_batch_size = rows
    trainer.args.gradient_accumulation_steps = accumulation
