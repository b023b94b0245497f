"""A few real steps before a run begins, on random weights: what a step of it takes, in time and memory.

A model that is too deep to be tried as it is is tried with one layer and with two: a layer more costs what the second
one did.
"""

import statistics
import time
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from accelerate import init_empty_weights
from numpy.typing import NDArray
from torch import nn
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from genai_hf.analysis.cost import ADAM_BYTES, WEIGHT_BYTES, Cost
from genai_hf.errors import NoRoomError
from genai_hf.models.bare import bare
from genai_hf.models.thinning import DEPTHS, stacks
from genai_hf.training import memory, out_of_memory
from genai_hf.training.batches import Index, MarkingCollator, TrainingBatches
from genai_hf.training.trainer import Trainer

FEWEST, MOST = 4, 24  # steps; the first is not timed
PATIENCE = 4.0  # seconds of steps of one depth
LONGEST = 2.0  # seconds of a step that is worth to be tried
LOOKED_AT = 2000  # steps of an epoch whose sizes are looked at, at most
OF_TRAINING = ("transformers.", "genai_hf.training.")  # where callbacks come from that belong to any training


class StepTimes(TrainerCallback):
    """Times each step, from the end of the one before, and ends training once it has seen enough."""

    def __init__(self, patience: float) -> None:
        self.patience, self.seconds = patience, list[float]()

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Training begins."""
        self.began = self.last = time.perf_counter()

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """A step is over, once the device has done it."""
        if args.device.type != "cpu":
            torch.accelerator.synchronize()
        now = time.perf_counter()
        self.seconds.append(now - self.last)
        self.last = now
        if len(self.seconds) >= FEWEST and now - self.began > self.patience:
            control.should_training_stop = True


def depths(model: nn.Module, rough: Cost, free: float) -> tuple[int, ...] | None:
    """With how many layers to try a model: with all, or one and two where all would take long, or much memory.

    Args:
        model: It needs no weights.
        rough: What a step takes by arithmetic.
        free: Bytes of memory.

    Returns:
        None where two layers would still take too long or too much.
    """
    layers, config = hung(model), bare(model).config
    deep, deepest = depth_of(layers), max((len(stack) for *_, stack in layers), default=1)
    tables = 2 * (WEIGHT_BYTES + ADAM_BYTES) * config.vocab_size * config.hidden_size  # with a head of its own
    for tried in ((deepest,), (1, 2)) if deepest > 2 else ((deepest,),):
        share = min(tried[-1] / deep, 1.0)
        if share * rough.step_seconds < LONGEST and share * rough.memory + (1 - share) * tables < free / 2:
            return tried
    return None


def attempt(trainer: Trainer, tried: Sequence[int], own: int) -> Cost:
    """Take a few steps with so many layers, and say what one of all layers takes.

    Args:
        trainer: Built without weights; it is of no use any more afterwards.
        tried: As `depths` gives them: one, no less than the model's: it is tried as it is. Or two to go on from.
        own: Bytes that the libraries hold by themselves.

    Raises:
        NoRoomError: A step does not fit into memory.
    """
    layers, found = hung(trainer.model), list[Cost]()
    batches: Any = trainer.get_train_dataloader().batch_sampler
    steps = chosen(batches)
    _only_train(trainer, [micro_batch for step in steps[0] for micro_batch in step])
    for depth in tried:
        for parent, name, stack in layers:
            setattr(parent, name, nn.ModuleList(stack[:depth]))
        fill(trainer.model, trainer.args.device)
        found.append(_steps(trainer, *steps[1:], own))
    one, other = found[0], found[-1]
    further = (depth_of(layers) - tried[-1]) / (tried[-1] - tried[0]) if len(tried) > 1 else 0.0
    return Cost(
        other.memory + further * max(other.memory - one.memory, 0.0),
        other.step_seconds + further * max(other.step_seconds - one.step_seconds, 0.0),
    )


def hung(model: nn.Module) -> list[tuple[nn.Module, str, nn.ModuleList]]:
    """The stacks of layers of a model: where each hangs, and by which name."""
    sizes = bare(model).config.to_dict()
    known = {sizes[name] for name in DEPTHS & sizes.keys()}
    return [(parent, name, stack) for parent, name, stack in stacks(bare(model)) if len(stack) in known]


def depth_of(layers: Sequence[tuple[nn.Module, str, nn.ModuleList]]) -> float:
    """Number of layers, of an encoder and a decoder their mean; 1 where none are found."""
    return statistics.mean(len(stack) for *_, stack in layers) if layers else 1.0


def fill(model: nn.Module, device: torch.device) -> None:
    """Give what has no weights yet small random ones; what is computed and no weight, such as positions, is right."""
    made = dict[int, tuple[nn.Parameter, nn.Parameter]]()  # the old one is kept, or its id would be given away
    for module in list(model.modules()):
        for name, weight in list(module.named_parameters(recurse=False)):
            if weight.is_meta and id(weight) not in made:
                values = torch.empty_like(weight, device=device).uniform_(-0.05, 0.05)
                made[id(weight)] = weight, nn.Parameter(values, requires_grad=weight.requires_grad)
            if weight.is_meta:
                setattr(module, name, made[id(weight)][1])
    alone = bare(model)
    with init_empty_weights():
        known = dict(type(alone)(alone.config).named_buffers())
    for path, buffer in list(model.named_buffers()):
        if buffer.is_meta:
            parent, _, name = path.rpartition(".")
            values = known.get(path.removeprefix("base_model.model."), torch.zeros_like(buffer, device=device))
            setattr(model.get_submodule(parent), name, values.to(device))


def _only_train(trainer: Trainer, batches: list[list[Index]]) -> None:
    """Let it take these steps, and do nothing else."""
    given: Any = (trainer.train_dataset, batches, MarkingCollator(trainer.data_collator))
    trainer.get_train_dataloader = partial(trainer._loader, *given)  # type: ignore[method-assign]
    arguments = trainer.args
    arguments.max_steps = MOST
    arguments.eval_on_start = arguments.load_best_model_at_end = arguments.logging_first_step = False
    arguments.eval_strategy = arguments.save_strategy = arguments.logging_strategy = "no"
    handler = trainer.callback_handler
    handler.callbacks = [one for one in handler.callbacks if type(one).__module__.startswith(OF_TRAINING)]


def _steps(trainer: Trainer, sizes: Sequence[float], usual: float, own: int) -> Cost:
    """What a step of the model as it is takes: the usual time of some, the memory of the largest."""
    watch = StepTimes(PATIENCE)
    trainer.add_callback(watch)
    memory.forget_most(trainer.args.device)
    try:
        trainer.train()
    except out_of_memory.StepTooLargeError as error:
        remedy = "lower trainer.per_device_train_batch_size and raise trainer.gradient_accumulation_steps"
        raise NoRoomError(f"a micro-batch does not fit into memory; {remedy}") from error
    held = memory.most_held(trainer.args.device, own)
    trainer.remove_callback(watch)
    out_of_memory.start_over(trainer)
    rates = [seconds / size for seconds, size in zip(watch.seconds[1:], sizes[1:], strict=False)]
    return Cost(held, usual * statistics.median(rates))


def chosen(batches: TrainingBatches) -> tuple[list[list[list[Index]]], list[float], float]:
    """Some steps of the first epoch: the one with the largest micro-batch, then others from all over it.

    Returns:
        Micro-batches of each step; the steps' sizes, in tokens with padding where the lengths of rows are known, else
        in rows; and the mean size of all steps.
    """
    order, rows, together = batches.order(), batches.batch_size, batches.batch_size * batches.accumulation
    starts = np.arange(0, len(order), together)
    starts = starts[_spread(len(starts), min(len(starts), LOOKED_AT))]
    steps = [[part[first : first + rows] for first in range(0, len(part), rows)]
             for part in (order[start : start + together] for start in starts)]  # fmt: skip
    sizes = [[_size(part, batches.lengths) for part in step] for step in steps]
    largest = int(np.argmax([max(parts) for parts in sizes]))
    picked = [largest, *_spread(len(steps), MOST - 1)]
    named = [[[(0, int(row)) for row in part] for part in steps[number]] for number in picked]
    return named, [sum(sizes[number]) for number in picked], statistics.mean(map(sum, sizes))


def _spread(size: int, number: int) -> NDArray[np.int64]:
    """So many places of a list, evenly spread."""
    return np.linspace(0, size - 1, number).round().astype(np.int64)


def _size(rows: NDArray[np.int64], lengths: NDArray[np.int64] | None) -> float:
    return len(rows) * (1.0 if lengths is None else float(lengths[rows].max()))
