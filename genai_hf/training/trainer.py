"""The Trainer: transformers' own, with an objective whose loss is exact under any accumulation and number of ranks."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import Tensor, nn

from genai_hf.errors import ConfigError, NoRoomError, UserError
from genai_hf.models.attached import left_out
from genai_hf.models.computing import FAULTS, blame_sizes
from genai_hf.objectives import Objective
from genai_hf.training.batches import FILLER
from genai_hf.training.callbacks import Clock
from genai_hf.training.gathering import gathered
from genai_hf.training.meter import Meter
from genai_hf.training.out_of_memory import StepTooLargeError
from genai_hf.training.reliable import Reliable


class Trainer(Reliable, transformers.Trainer):
    """`transformers.Trainer` for an `Objective`.

    The loss of a step is, for each term of the objective, the sum over the targets of all micro-batches of all ranks
    divided by their number; so a gradient does not depend on how the batch was cut up (stock multiplies it by
    accumulation steps times processes where a model's forward takes keyword arguments: transformers issue 47688).

    Args:
        objective: Counts, sums and scores batches.
        group_by_length: Whether rows of like length come together; the data sets have `lengths` then.
        tokens_per_batch: As many rows as fit into so many tokens, padding included, make a batch then, in place of
            ``per_device_train_batch_size`` and ``per_device_eval_batch_size``; None: a fixed number of rows.
        pad_to_multiple_of: What the collator pads rows to a multiple of.
        afterwards: What is done, on every rank, once the model is final: given the Trainer and the run's folder, it
            returns more final numbers.
        training_heads: Names of attached heads that only training needs: checkpoints hold them, the final model not.
        **given: As for `transformers.Trainer`; data sets give rows, the collator makes batches of them.
    """

    def __init__(
        self,
        *,
        objective: Objective,
        group_by_length: bool = False,
        tokens_per_batch: int | None = None,
        pad_to_multiple_of: int = 1,
        afterwards: Sequence[Callable[["Trainer", Path], dict[str, float]]] = (),
        training_heads: Sequence[str] = (),
        **given: Any,
    ) -> None:
        super().__init__(**given)
        self.objective = objective
        if tokens_per_batch is not None and not group_by_length:
            raise ConfigError("'tokens_per_batch' goes by the rows' lengths; say group_by_length=true besides")
        self.group_by_length = group_by_length
        self.tokens_per_batch, self.pad_to_multiple_of = tokens_per_batch, pad_to_multiple_of
        self.afterwards = afterwards
        self.training_heads = training_heads
        self.model_accepts_loss_kwargs = True  # or else the loss would be divided again
        self.remembers = False  # evaluations: within a run, where nothing but its steps changes the weights
        self._found: tuple[Any, list[tuple[int, int]], dict[str, Any]] | None = None  # by the last evaluation
        self.meter = Meter(self.args.device)
        self.clock = Clock(self.meter.phases)
        self.add_callback(self.clock)

    def train(self, *given: Any, **named: Any) -> Any:
        """Train.

        Raises:
            ConfigError: With the model's sizes nothing can be computed.
        """
        try:
            return super().train(*given, **named)
        except (UserError, NoRoomError, StepTooLargeError):
            raise
        except FAULTS as error:
            blame_sizes(error, self.model, len(self.train_dataset[0, 0]["input_ids"]))
            raise

    def get_batch_samples(self, epoch_iterator: Iterator[Any], num_batches: int, device: torch.device) -> Any:
        """Fetch the micro-batches of a step and count their targets."""
        with self.meter.phases.phase("data"):
            return super().get_batch_samples(epoch_iterator, num_batches, device)

    def training_step(self, model: nn.Module, inputs: dict[str, Any], num_items_in_batch: Any = None) -> Tensor:
        """Forward and backward pass of a micro-batch; the forward pass ends in `compute_loss`."""
        self._found = None  # a fused optimizer changes the weights without a new version of them
        with self.meter.phases.phase("backward"):
            return super().training_step(model, inputs, num_items_in_batch)

    def _get_num_items_in_batch(self, batch_samples: list[dict[str, Any]], device: torch.device) -> dict[str, Tensor]:
        """Targets of each term in the whole step: all micro-batches, all ranks."""
        counts = [self.objective.count(batch) for batch in batch_samples if FILLER not in batch]
        totals = torch.tensor(
            [sum(int(count[term]) for count in counts) for term in self.objective.weights], device=device
        )
        self.meter.add(batch_samples)
        if self.args.world_size > 1:
            torch.distributed.all_reduce(totals)
        return dict(zip(self.objective.weights, totals, strict=True))

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Mapping[str, Tensor] | None = None,
    ) -> Tensor:
        """One micro-batch's part of the step's loss, times the number of ranks, since DDP averages over them.

        Raises:
            ValueError: It was called without the step's counts.
        """
        if num_items_in_batch is None or return_outputs:
            raise ValueError("the loss of a micro-batch is defined by the targets of its whole step only")
        counted = 0.0 if inputs.pop(FILLER, False) else 1.0
        with self.meter.head(model):
            sums = self.objective.sums(model, inputs)
        terms = [
            weight * sums[term] / num_items_in_batch[term].clamp(min=1)
            for term, weight in self.objective.weights.items()
        ]
        loss: Tensor = torch.stack(terms).sum() * (counted * self.args.world_size)
        self.meter.phases.end("forward")
        return loss

    def evaluate(
        self,
        eval_dataset: Any = None,
        ignore_keys: list[str] | None = None,
        metric_key_prefix: str = "eval",
    ) -> dict[str, float]:
        """Figures over all rows of the evaluation set, the same for any number of ranks; they are logged."""
        metrics = self.measure(eval_dataset, metric_key_prefix)
        best = f"eval_{str(self.args.metric_for_best_model or 'loss').removeprefix('eval_')}"
        if metric_key_prefix == "eval" and best not in metrics:
            known = ", ".join(key.removeprefix("eval_") for key in metrics)
            raise ConfigError(f"'trainer.metric_for_best_model': {best.removeprefix('eval_')} is not among {known}")
        self.log(dict(metrics))
        self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def measure(self, eval_dataset: Any = None, prefix: str = "eval") -> dict[str, float]:
        """The same figures, not logged."""
        totals = self.gathered(self.eval_dataset if eval_dataset is None else eval_dataset)
        return {f"{prefix}_{name}": value for name, value in self.objective.metrics(totals).items()}

    @torch.no_grad()
    def gathered(self, dataset: Any) -> dict[str, Any]:
        """What the objective tallies over all rows of a set, on every rank: sums, and arrays in the rows' order.

        Within a run, asked again for the same set and weights, it is what was found before.
        """
        weights = [(id(one), one._version) for one in chain(self.model.parameters(), self.model.buffers())]
        if self._found is not None and self._found[0] is dataset and self._found[1] == weights:
            return dict(self._found[2])
        found = self._over(dataset)
        self._found = (dataset, weights, found) if self.remembers else None
        return dict(found)

    def _over(self, dataset: Any) -> dict[str, Any]:
        with self.meter.paused():
            loader = self.get_eval_dataloader(dataset)
            batches: Any = loader.batch_sampler
            self.model.eval()
            self.callback_handler.eval_dataloader = loader
            return gathered([self._tally(batch) for batch in loader], batches)

    def save_model(self, output_dir: str | None = None, _internal_call: bool = False) -> None:
        """Save the model: in a checkpoint (an internal call) with the heads that only training needs."""
        with left_out(self.model, () if _internal_call else self.training_heads):
            super().save_model(output_dir, _internal_call)

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Log, with the rate of training since the last time."""
        if "loss" in logs:
            logs["tokens_per_second"] = self.meter.read() * self.args.world_size
        super().log(logs, start_time)

    def _tally(self, batch: dict[str, Any]) -> dict[str, Tensor]:
        if self.watch is not None and self.watch.agreed(self.args):
            self.watch.end(self.args, self.state)
        self.callback_handler.on_prediction_step(self.args, self.state, self.control)
        with self.autocast_smart_context_manager():
            return self.objective.tally(self.model, self._prepare_inputs(batch))
