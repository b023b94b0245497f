"""Up to a hundred real steps before a run begins, on random weights: what a step of it takes, in time and memory.

A model that is too deep to be tried as it is is tried with two layers: its steps take longer as its operations are
more. What a layer takes of memory is counted, by a few steps with one layer besides.
"""

import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from genai_hf.analysis.cost import ADAM_BYTES, WEIGHT_BYTES, Cost
from genai_hf.analysis.operations import operations
from genai_hf.errors import NoRoomError
from genai_hf.models.bare import bare
from genai_hf.models.stand_in import cut, depth_of, fill, hung
from genai_hf.training import memory, out_of_memory
from genai_hf.training.batches import Index, MarkingCollator, TrainingBatches
from genai_hf.training.memory import Made
from genai_hf.training.meter import Meter
from genai_hf.training.trainer import Trainer

WARM = 2  # steps that are not timed: the largest, twice, so that it is taken with the optimizer's state there
FEWEST, MOST = 4, 96  # steps
PATIENCE = 4.0  # seconds of steps of one depth
LONGEST = 4.0  # seconds of a step that is worth to be tried
PARTS = 4  # micro-batches of a step that are taken at most; the others take as long for their size
LOOKED_AT = 200  # steps of an epoch whose sizes are looked at, at most
OF_TRAINING = ("transformers.trainer_callback", "genai_hf.training.")  # not a tracker's, which would begin a run


class Watch(TrainerCallback):
    """Times each step, from the end of the one before, and ends training once it has seen enough.

    Args:
        patience: Seconds.
        counts: Whether tensors that are made in the first `WARM` steps are counted, which takes time.

    Attributes:
        seconds: Of each step.
        made: The count.
    """

    def __init__(self, patience: float, *, counts: bool = False) -> None:
        self.patience, self.counts, self.seconds, self.made = patience, counts, list[float](), Made()

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Training begins."""
        self.began = self.last = time.perf_counter()
        if self.counts:
            self.made.__enter__()  # type: ignore[no-untyped-call]

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """A step is over, once the device has done it."""
        if args.device.type != "cpu":
            torch.accelerator.synchronize()
        now = time.perf_counter()
        self.seconds.append(now - self.last)
        self.last = now
        if self.counts and len(self.seconds) == WARM:
            self.made.__exit__(None, None, None)  # type: ignore[no-untyped-call]
        if len(self.seconds) >= FEWEST and now - self.began > self.patience:
            control.should_training_stop = True


def depths(model: nn.Module, rough: Cost, free: float) -> tuple[int, ...] | None:
    """With how many layers to try a model: with all, or two and one where all would take long, or much memory.

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
    for tried in ((deepest,), (2, 1)) if deepest > 2 else ((deepest,),):
        share = min(tried[0] / deep, 1.0)
        if share * rough.step_seconds < LONGEST and share * rough.memory + (1 - share) * tables < free / 2:
            return tried
    return None


def attempt(trainer: Trainer, tried: Sequence[int], own: int) -> Cost:
    """Take some steps with so many layers, and say what one of all layers takes.

    Args:
        trainer: Built without weights; it is of no use any more afterwards.
        tried: As `depths` gives them.
        own: Bytes that the libraries hold by themselves.

    Raises:
        NoRoomError: A step does not fit into memory.
    """
    layers, (steps, sizes, usual) = hung(trainer.model), _chosen(trainer)
    only_train(trainer)
    _take(trainer, steps)
    whole, deep, device = operations(trainer.model), depth_of(layers), trainer.args.device
    cut(layers, tried[0])
    fill(trainer.model, device)
    memory.forget_most(device)
    watch = _steps(trainer, counts=len(tried) > 1)
    rates = [seconds / size for seconds, size in zip(watch.seconds, sizes, strict=False)][WARM:]
    cost = Cost(memory.most_held(device, own), usual * statistics.median(rates))
    if len(tried) == 1:
        return cost
    done, meter = operations(trainer.model).with_layers(tried[0] / deep), trainer.meter
    longer = whole.of(meter.seen(), meter.head_positions) / done.of(meter.seen(), meter.head_positions)
    counted = watch.made.most + weight_bytes(trainer.model)
    trainer.args.max_steps = WARM
    cut(layers, tried[1])
    fill(trainer.model, device)
    fewer = _steps(trainer, counts=True).made.most + weight_bytes(trainer.model)
    each = (counted - fewer) / (tried[0] - tried[1])
    return Cost(cost.memory + (deep - tried[0]) * each, cost.step_seconds * longer)


def weight_bytes(model: nn.Module) -> int:
    """Size of all weights, trained or frozen."""
    return sum(weight.numel() * weight.element_size() for weight in model.parameters())


def _chosen(trainer: Trainer) -> tuple[list[list[list[Index]]], list[float], float]:
    """As `chosen`; the size is tokens with their padding."""

    def size(part: list[Index]) -> int:
        meter = Meter(torch.device("cpu"))
        meter.add([trainer.data_collator([trainer.train_dataset[index] for index in part])])
        return meter.seen().all

    batches: Any = trainer.get_train_dataloader().batch_sampler
    return chosen(batches, size)


def only_train(trainer: Trainer) -> None:
    """Let it take steps, and neither evaluate, save, log nor show anything."""
    arguments = trainer.args
    arguments.eval_on_start = arguments.load_best_model_at_end = arguments.logging_first_step = False
    arguments.eval_strategy = arguments.save_strategy = arguments.logging_strategy = "no"
    handler = trainer.callback_handler
    handler.callbacks = [one for one in handler.callbacks if type(one).__module__.startswith(OF_TRAINING)]


def _take(trainer: Trainer, steps: list[list[list[Index]]]) -> None:
    """Let it take these steps, at the learning rates that those of the whole run have."""
    *_, number = trainer.set_initial_training_values(trainer.args, trainer.get_train_dataloader())
    made: Any = trainer.create_scheduler
    trainer.create_scheduler = lambda *_, **__: made(max(number, 1))  # type: ignore[method-assign]
    batches = [micro_batch for step in steps for micro_batch in step]
    given: Any = (trainer.train_dataset, batches, MarkingCollator(trainer.data_collator))
    trainer.get_train_dataloader = partial(trainer._loader, *given)  # type: ignore[method-assign]
    trainer.args.max_steps, trainer.args.gradient_accumulation_steps = len(steps), len(steps[0])


def _steps(trainer: Trainer, *, counts: bool) -> Watch:
    """Take some steps of the model as it is."""
    watch = Watch(PATIENCE, counts=counts)
    trainer.add_callback(watch)
    try:
        trainer.train()
    except out_of_memory.StepTooLargeError as error:
        remedy = "lower trainer.per_device_train_batch_size and raise trainer.gradient_accumulation_steps"
        raise NoRoomError(f"a micro-batch does not fit into memory; {remedy}") from error
    trainer.remove_callback(watch)
    out_of_memory.start_over(trainer)
    return watch


def chosen(
    batches: TrainingBatches, size: Callable[[list[Index]], int]
) -> tuple[list[list[list[Index]]], list[float], float]:
    """Some steps of the first epoch: the one with the largest micro-batch, twice, then others from all over it.

    Args:
        batches: Of one process.
        size: Of a micro-batch.

    Returns:
        Micro-batches of each step, the largest ones and as many in each; their sizes together; and the mean size of
        all whole steps that were looked at.
    """
    dealt, together = batches.dealt(), batches.accumulation
    if len(dealt) > together and len(dealt[-1]) < batches.batch_size:
        dealt.pop()  # what is left over
    starts = np.arange(0, max(len(dealt) - together, 0) + 1, together)  # of whole steps, where there is one
    steps = list[list[list[Index]]]()
    for start in starts[_spread(len(starts), min(len(starts), LOOKED_AT))]:
        steps.append([[(0, int(row)) for row in part] for part in dealt[start : start + together]])
    sizes = [[size(part) for part in step] for step in steps]
    largest = int(np.argmax([max(parts) for parts in sizes]))
    picked = [*[largest] * WARM, *_spread(len(steps), MOST - WARM)]
    taken = [sorted(np.argsort(parts)[::-1][:PARTS].tolist()) for parts in sizes]
    return (
        [[steps[number][part] for part in taken[number]] for number in picked],
        [float(sum(sizes[number][part] for part in taken[number])) for number in picked],
        statistics.fmean(float(sum(parts)) for parts in sizes),
    )


def _spread(size: int, number: int) -> NDArray[np.int64]:
    """So many places of a list, evenly spread."""
    return np.linspace(0, size - 1, number).round().astype(np.int64)
