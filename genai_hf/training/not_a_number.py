"""A step whose gradient is no finite number is not taken; the message says which examples and which module first.

They are found by taking the step's passes again, micro-batch by micro-batch, with a look at every module.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed
from torch import Tensor, nn
from transformers import Trainer

from genai_hf.errors import NotANumberError
from genai_hf.training.batches import EXAMPLES

MOST_EXAMPLES = 16  # named in a message


@dataclass(frozen=True)
class Origin:
    """The first thing that was not finite in one rank's share of a step.

    Args:
        module: Dotted name of the first module whose output was not finite, or of the parameter whose gradient was not.
        examples: `example_id` of the rows in which it was not finite, or of the whole micro-batch.
    """

    module: str
    examples: tuple[int, ...]

    def __str__(self) -> str:
        named = ", ".join(map(str, self.examples[:MOST_EXAMPLES]))
        more = len(self.examples) - MOST_EXAMPLES
        return f"first in {self.module}, examples {named}{f' and {more} more' if more > 0 else ''}"


class Guard:
    """Remembers the step that is being taken, and what becomes of it when its gradient is not finite."""

    def __init__(self) -> None:
        self.skipped = 0

    def remember(self, batches: Sequence[dict[str, Any]], counts: Any, loss: Tensor) -> None:
        """Keep the micro-batches of the step, its targets, and the sum of the losses before it."""
        self.examples = [batch[EXAMPLES] for batch in batches]
        self.batches = [dict(batch) for batch in batches]
        self.counts, self.loss_before = counts, loss.clone()

    def refuse(self, trainer: Trainer, model: nn.Module, most: int) -> None:
        """Leave the step out, up to `most` steps in a run.

        Raises:
            NotANumberError: Too many were left out; training is to stop before this one is taken.
        """
        if trainer.is_fsdp_enabled:  # its passes are taken together, so no rank may look alone
            where = f"rank 0: examples {self.examples}"
        else:
            where = origins(trainer, model, self.batches, self.examples, self.counts)
        message = f"the gradient of step {trainer.state.global_step + 1} is not a number; {where}"
        model.zero_grad(set_to_none=True)
        self.skipped += 1
        if self.skipped > most:
            often = f" after {most} skipped ones" if most else ""
            mend = "lower trainer.learning_rate, look at these examples, or leave such steps out with on_nan=skip"
            raise NotANumberError(f"{message}{often}; stopped before it was taken: {mend}")
        if trainer.is_world_process_zero():
            print(f"{message}; left out ({self.skipped} of at most {most})", file=sys.stderr)


def origins(
    trainer: Trainer,
    model: nn.Module,
    batches: Sequence[dict[str, Any]],
    examples: Sequence[Sequence[int]],
    counts: Any,
) -> str:
    """Each rank's finding, in words; every rank must call it.

    Args:
        trainer: Whose loss it is.
        model: As it is trained, wrapped for several processes or not.
        batches: This rank's micro-batches of the step.
        examples: `example_id` of each batch's rows.
        counts: What `trainer.get_batch_samples` counted in the whole step.
    """

    def loss(bare: nn.Module, batch: dict[str, Any]) -> Tensor:
        with trainer.compute_loss_context_manager():
            prepared = trainer._prepare_inputs(batch)
            value: Tensor = trainer.compute_loss(bare, prepared, num_items_in_batch=counts)
            return value

    mine = find_origin(trainer.accelerator.unwrap_model(model), batches, examples, loss)
    found: list[Origin | None] = [mine]
    if trainer.args.world_size > 1:
        found = [None] * trainer.args.world_size
        torch.distributed.all_gather_object(found, mine)
    named = [f"rank {rank}: {origin}" for rank, origin in enumerate(found) if origin is not None]
    return "; ".join(named) or "nowhere when it was computed again"


def find_origin(
    model: nn.Module, batches: Sequence[dict[str, Any]], examples: Sequence[Sequence[int]], loss: Callable[..., Tensor]
) -> Origin | None:
    """Take the micro-batches of a step again until something is not finite; None where everything is.

    Args:
        model: Not wrapped for several processes; its gradients are used up.
        batches: As the collator made them, on the model's device.
        examples: `example_id` of each batch's rows.
        loss: Called with the model and a batch; returns the micro-batch's loss.
    """
    for batch, ids in zip(batches, examples, strict=True):
        model.zero_grad(set_to_none=True)
        with _watched(model, ids) as seen:
            value = loss(model, dict(batch))
        if not seen and not value.isfinite():
            seen.append(Origin("the loss", tuple(ids)))
        if not seen:
            torch.autograd.backward(value)
            # The gradient comes from the back: of all that are not finite the last parameter's was the first.
            wrong = [name for name, weight in model.named_parameters() if weight.grad is not None
                     and not weight.grad.isfinite().all()]  # fmt: skip
            seen += [Origin(f"the gradient of {name}", tuple(ids)) for name in wrong[-1:]]
        if seen:
            return seen[0]
    return None


@contextmanager
def _watched(model: nn.Module, examples: Sequence[int]) -> Iterator[list[Origin]]:
    """Within this context the list takes an `Origin` for every module whose output is not finite, in their order."""
    seen: list[Origin] = []
    names = {module: name or type(module).__name__ for name, module in model.named_modules()}

    def look(module: nn.Module, _: Any, output: Any) -> None:
        for tensor in output if isinstance(output, tuple) else (output,):
            if not seen and isinstance(tensor, Tensor) and tensor.is_floating_point() and not tensor.isfinite().all():
                seen.append(Origin(names[module], _rows(tensor, examples)))

    handles = [module.register_forward_hook(look) for module in names]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


def _rows(output: Tensor, examples: Sequence[int]) -> tuple[int, ...]:
    """Those of the examples in whose rows `output` is not finite; all, where its first dimension is another."""
    if output.ndim < 2 or len(output) != len(examples):
        return tuple(examples)
    wrong = ~torch.isfinite(output).flatten(1).all(1)
    return tuple(example for example, is_wrong in zip(examples, wrong.tolist(), strict=True) if is_wrong)
