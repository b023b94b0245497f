"""What this project promises of any Trainer, as a mixin: the same rows in every step, checkpoints that are whole."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import torch
import torch.distributed
from accelerate.data_loader import prepare_data_loader
from peft import PeftModel
from torch import Tensor, nn
from torch.utils.data import DataLoader
from transformers import PrinterCallback

from genai_hf.errors import Interrupted, NoRoomError, NotANumberError
from genai_hf.training import out_of_memory
from genai_hf.training.adapted import EveryPartLearns, WhatIsTrained
from genai_hf.training.batches import EvaluationBatches, MarkingCollator, TrainingBatches
from genai_hf.training.saving import Saving
from genai_hf.training.signals import StopOnSignal


class Reliable(Saving):
    """Mixin before a `transformers.Trainer` class: ``class SFTTrainer(Reliable, trl.SFTTrainer)``.

    Its data sets are indexed by (epoch, index) for training, and by index for evaluation.

    Attributes:
        on_nan: What becomes of a step whose gradient is not finite: ``stop`` ends training before it is taken,
            ``skip`` leaves it out, up to `max_skipped` times.
        max_skipped: So many steps are left out at most; the next one ends training.
        group_by_length: Whether rows of like length come together, by the `lengths` of the data sets.
        tokens_per_batch: As many rows as fit into so many tokens make a micro-batch then, or None for a fixed number.
        pad_to_multiple_of: What the collator pads rows to a multiple of.
        watch: Says whether an evaluation of the `Trainer` within training is to be broken off; None: never.
    """

    watch: StopOnSignal | None = None
    on_nan: Literal["stop", "skip"] = "stop"
    max_skipped: int = 10
    group_by_length: bool = False
    pad_to_multiple_of: int = 1

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.remove_callback(PrinterCallback)
        if isinstance(self.model, PeftModel):
            self.add_callback(WhatIsTrained())
            self.add_callback(EveryPartLearns())

    @contextmanager
    def watched_by(self, watch: StopOnSignal) -> Iterator[None]:
        """Within this context a signal breaks evaluations off."""
        self.watch = watch
        try:
            yield
        finally:
            self.watch = None

    def get_train_dataloader(self) -> DataLoader[Any]:
        """This rank's micro-batches, the same rows in each step for any number of ranks."""
        batches = TrainingBatches(
            size=len(self.train_dataset),
            seed=self.args.data_seed if self.args.data_seed is not None else self.args.seed,
            batch_size=self.args.per_device_train_batch_size,
            accumulation=self.args.gradient_accumulation_steps,
            ranks=self.args.world_size,
            rank=self.args.process_index,
            **self._sizes(self.train_dataset),
        )
        self._batches = batches
        return self._loader(self.train_dataset, batches, MarkingCollator(self.data_collator))

    def get_eval_dataloader(self, eval_dataset: Any = None) -> DataLoader[Any]:
        """This rank's share of the evaluation batches."""
        dataset = self.eval_dataset if eval_dataset is None else eval_dataset
        batches = EvaluationBatches(
            size=len(dataset),
            batch_size=self.args.per_device_eval_batch_size,
            ranks=self.args.world_size,
            rank=self.args.process_index,
            **self._sizes(dataset),
        )
        return self._loader(dataset, batches, self.data_collator)

    def _sizes(self, dataset: Any) -> dict[str, Any]:
        """By what the batches of a data set are cut beside the number of their rows."""
        if not self.group_by_length:
            return {}
        return {"lengths": dataset.lengths, "tokens": self.tokens_per_batch, "multiple": self.pad_to_multiple_of}

    def _loader(self, dataset: Any, batches: TrainingBatches | EvaluationBatches, collator: Any) -> DataLoader[Any]:
        loader = DataLoader(
            dataset,
            batch_sampler=batches,
            collate_fn=collator,
            num_workers=self.args.dataloader_num_workers,
            pin_memory=self.args.dataloader_pin_memory and self.args.device.type == "cuda",
            persistent_workers=self.args.dataloader_persistent_workers,
            prefetch_factor=self.args.dataloader_prefetch_factor,
            multiprocessing_context=self.args.dataloader_multiprocessing_context,
            generator=torch.Generator(),  # its own: starting a loader must not move the stream that dropout draws from
        )
        # The batches are this rank's already, so accelerate is told of one process: it only moves them to the device.
        prepared: DataLoader[Any] = prepare_data_loader(
            loader, self.args.device, num_processes=1, process_index=0, put_on_device=True
        )
        return prepared

    def get_batch_samples(self, epoch_iterator: Iterator[Any], num_batches: int, device: torch.device) -> Any:
        """Fetch the micro-batches of a step and count their targets; remember them, should the step go wrong."""
        batches, counts = super().get_batch_samples(epoch_iterator, num_batches, device)
        self._guard.remember(batches, counts, self._tr_loss)
        return batches, counts

    def training_step(self, model: nn.Module, inputs: dict[str, Any], num_items_in_batch: Any = None) -> Tensor:
        """Forward and backward pass of a micro-batch.

        Raises:
            StepTooLargeError: They did not fit into memory.
        """
        try:
            loss: Tensor = super().training_step(model, inputs, num_items_in_batch)
        except (MemoryError, RuntimeError) as error:
            if out_of_memory.ran_out(error):
                self._tr_loss.copy_(self._guard.loss_before)
                raise out_of_memory.StepTooLargeError(str(error)) from error
            raise
        return loss

    def _evaluate(self, *given: Any, **named: Any) -> Any:
        """Evaluate in the middle of training.

        Raises:
            NoRoomError: A batch did not fit into memory; the last step is saved.
        """
        try:
            return super()._evaluate(*given, **named)
        except Interrupted:
            self.save_last_step()
            raise
        except (MemoryError, RuntimeError) as error:
            if not out_of_memory.ran_out(error):
                raise
            if self.args.world_size == 1:
                self.save_last_step()
            allow = "resume.allow=[trainer.per_device_eval_batch_size]"
            remedy = f"lower trainer.per_device_eval_batch_size and repeat the command with {allow}"
            raise NoRoomError(
                f"out of memory in the evaluation after step {self.state.global_step}; {remedy}"
            ) from error

    def _get_grad_norm(self, model: nn.Module, grad_norm: Any = None) -> Any:
        """Norm of the step's gradient before it was clipped; a step in which it is not finite is not taken."""
        norm = super()._get_grad_norm(model, grad_norm=grad_norm)
        if norm is None or torch.as_tensor(norm).isfinite():  # None: DeepSpeed does not know it yet
            return norm
        if self.is_deepspeed_enabled:
            step = self.state.global_step + 1
            raise NotANumberError(
                f"the gradient of step {step} is not a number; DeepSpeed has taken it, so go on from before"
            )
        if self.accelerator.scaler is None or not self._loss_is_finite():  # fp16: an overflow only halves the scale
            self._guard.refuse(self, model, self.max_skipped if self.on_nan == "skip" else 0)
            self._tr_loss.copy_(self._guard.loss_before)
            self._globalstep_last_logged += 1
        return None  # so that the log holds what JSON knows

    def _loss_is_finite(self) -> bool:
        """Whether it is on every rank: they must agree on what they do next."""
        wrong = (~self._tr_loss.isfinite()).int()
        if self.args.world_size > 1:
            torch.distributed.all_reduce(wrong, torch.distributed.ReduceOp.MAX)
        return not bool(wrong)

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Log; what is kept for the checkpoint holds null where a number is none that JSON knows."""
        super().log(logs, start_time)
        kept = self.state.log_history[-1]
        kept.update({key: None for key, value in kept.items() if isinstance(value, float) and not math.isfinite(value)})

    def _move_model_to_device(self, model: nn.Module, device: torch.device) -> None:
        """Leave a model without weights where it is."""
        if not any(parameter.is_meta for parameter in model.parameters()):
            super()._move_model_to_device(model, device)
