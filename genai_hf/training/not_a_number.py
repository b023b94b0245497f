"""Where a step went wrong whose gradient is no finite number: which examples, and which part of the model first.

Found by taking the step's forward and backward passes again, micro-batch by micro-batch, with a look at every module.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed
from torch import Tensor, nn
from transformers import Trainer

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
