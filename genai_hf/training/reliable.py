"""What this project promises of any Trainer, as a mixin: the same rows in every step, checkpoints that are whole."""

import math
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch
import torch.distributed
from accelerate.data_loader import prepare_data_loader
from torch import nn
from torch.utils.data import DataLoader
from transformers import PrinterCallback
from transformers.trainer import TRAINER_STATE_NAME, TRAINING_ARGS_NAME

from genai_hf.errors import NotANumberError
from genai_hf.training import checkpoints, random_state, state_tree
from genai_hf.training.batches import EXAMPLES, EvaluationBatches, MarkingCollator, TrainingBatches
from genai_hf.training.callbacks import SetEpoch
from genai_hf.training.not_a_number import origins

if TYPE_CHECKING:  # what the mixin may assume: at run time a Trainer class comes after it
    from transformers import Trainer as Base
else:
    Base = object


class Reliable(Base):
    """Mixin before a `transformers.Trainer` class: ``class SFTTrainer(Reliable, trl.SFTTrainer)``.

    Its data sets are indexed by (epoch, index) for training, and by index for evaluation.

    Attributes:
        on_nan: What becomes of a step whose gradient is not finite: ``stop`` ends training before it is taken,
            ``skip`` leaves it out, up to `max_skipped` times.
        max_skipped: So many steps are left out at most; the next one ends training.
    """

    on_nan: Literal["stop", "skip"] = "stop"
    max_skipped: int = 10

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.remove_callback(PrinterCallback)
        self._saving_into: Path | None = None
        self._skipped = 0

    def get_train_dataloader(self) -> DataLoader[Any]:
        """This rank's micro-batches, the same rows in each step for any number of ranks."""
        batches = TrainingBatches(
            size=len(self.train_dataset),
            seed=self.args.data_seed if self.args.data_seed is not None else self.args.seed,
            batch_size=self.args.per_device_train_batch_size,
            accumulation=self.args.gradient_accumulation_steps,
            ranks=self.args.world_size,
            rank=self.args.process_index,
        )
        self.remove_callback(SetEpoch)
        self.add_callback(SetEpoch(batches))
        return self._loader(self.train_dataset, batches, MarkingCollator(self.data_collator))

    def get_eval_dataloader(self, eval_dataset: Any = None) -> DataLoader[Any]:
        """This rank's share of the evaluation batches."""
        dataset = self.eval_dataset if eval_dataset is None else eval_dataset
        size = self.args.per_device_eval_batch_size
        batches = EvaluationBatches(len(dataset), size, self.args.world_size, self.args.process_index)
        return self._loader(dataset, batches, self.data_collator)

    def _loader(self, dataset: Any, batches: TrainingBatches | EvaluationBatches, collator: Any) -> DataLoader[Any]:
        loader = DataLoader(
            dataset,
            batch_sampler=batches,
            collate_fn=collator,
            num_workers=self.args.dataloader_num_workers,
            pin_memory=self.args.dataloader_pin_memory and self.args.device.type == "cuda",
            persistent_workers=self.args.dataloader_persistent_workers,
            prefetch_factor=self.args.dataloader_prefetch_factor,
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
        self._examples = [batch.pop(EXAMPLES) for batch in batches]
        self._batches = [dict(batch) for batch in batches]
        self._counts, self._loss_before = counts, self._tr_loss.clone()
        return batches, counts

    def _get_grad_norm(self, model: nn.Module, grad_norm: Any = None) -> Any:
        """Norm of the step's gradient before it was clipped; a step in which it is not finite is not taken."""
        norm = super()._get_grad_norm(model, grad_norm=grad_norm)
        if torch.as_tensor(norm).isfinite():
            return norm
        if self.accelerator.scaler is None or not self._loss_is_finite():  # fp16: an overflow only halves the scale
            self._not_a_number(model)
        return None  # so that the log holds what JSON knows

    def _loss_is_finite(self) -> bool:
        """Whether it is on every rank: they must agree on what they do next."""
        wrong = (~self._tr_loss.isfinite()).int()
        if self.args.world_size > 1:
            torch.distributed.all_reduce(wrong, torch.distributed.ReduceOp.MAX)
        return not bool(wrong)

    def _not_a_number(self, model: nn.Module) -> None:
        """Stop before the optimizer step, saying why; or leave the step out, and its loss out of the log.

        Raises:
            NotANumberError: Training is to stop.
        """
        where = origins(self, model, self._batches, self._examples, self._counts)
        message = f"the gradient of step {self.state.global_step + 1} is not a number; {where}"
        model.zero_grad(set_to_none=True)
        self._skipped += 1
        if self.on_nan == "stop" or self._skipped > self.max_skipped:
            often = f" after {self.max_skipped} skipped ones" if self.on_nan == "skip" else ""
            mend = "lower trainer.learning_rate, look at these examples, or leave such steps out with on_nan=skip"
            raise NotANumberError(f"{message}{often}; stopped before it was taken: {mend}")
        if self.is_world_process_zero():
            print(f"{message}; left out ({self._skipped} of at most {self.max_skipped})", file=sys.stderr)
        self._tr_loss.copy_(self._loss_before)
        self._globalstep_last_logged += 1

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Log; what is kept for the checkpoint holds null where a number is none that JSON knows."""
        super().log(logs, start_time)
        kept = self.state.log_history[-1]
        kept.update({key: None for key, value in kept.items() if isinstance(value, float) and not math.isfinite(value)})

    def _save_checkpoint(self, model: nn.Module, trial: Any) -> None:
        """Save beside the run's checkpoints, and let the new one be seen when every rank's part of it is there."""
        run = Path(self.args.output_dir)
        self._saving_into = run / checkpoints.STAGE
        if self.args.should_save:
            shutil.rmtree(self._saving_into, ignore_errors=True)
        self._wait()
        super()._save_checkpoint(model, trial)
        self._wait()
        staged = self._saving_into / f"checkpoint-{self.state.global_step}"
        best = self._unstage_best(run, staged)
        if self.args.should_save:
            checkpoints.publish(staged, run, self.args.save_total_limit, best)
            self._saving_into.rmdir()
        self._saving_into = None
        self._wait()

    def _unstage_best(self, run: Path, staged: Path) -> Path | None:
        """The best checkpoint so far, by the name that it will have once it is published."""
        best = self.state.best_model_checkpoint
        if best is None:
            return None
        if Path(best) == staged:
            self.state.best_model_checkpoint = str(run / staged.name)
            if self.args.should_save:
                self.state.save_to_json(str(staged / TRAINER_STATE_NAME))
        return Path(self.state.best_model_checkpoint)

    def _stateful(self) -> dict[str, Any]:
        """What has a state beside the model, each with its file's name."""
        parts = {"optimizer": self.optimizer, "scheduler": self.lr_scheduler, "scaler": self.accelerator.scaler}
        return {name: part for name, part in parts.items() if part is not None}

    def _is_sharded(self) -> bool:
        """Whether accelerate spreads the state over the ranks; it then saves it in its own way."""
        return bool(self.is_deepspeed_enabled or self.is_fsdp_enabled)

    def _save_optimizer_and_scheduler(self, output_dir: str) -> None:
        if self._is_sharded():
            super()._save_optimizer_and_scheduler(output_dir)
        elif self.args.should_save:
            for name, part in self._stateful().items():
                state_tree.save(part.state_dict(), Path(output_dir, name))

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        if self._is_sharded():
            super()._load_optimizer_and_scheduler(checkpoint)
        elif checkpoint is not None:
            for name, part in self._stateful().items():
                part.load_state_dict(state_tree.load(Path(checkpoint, name)))

    def _save_scaler(self, output_dir: str) -> None:
        if self._is_sharded():
            super()._save_scaler(output_dir)

    def _load_scaler(self, checkpoint: str | None) -> None:
        if self._is_sharded():
            super()._load_scaler(checkpoint)

    def _save_rng_state(self, output_dir: str) -> None:
        random_state.save(Path(output_dir, f"random-{self.args.process_index}"))

    def _load_rng_state(self, checkpoint: str | None) -> None:
        if checkpoint is not None:
            random_state.restore(Path(checkpoint, f"random-{self.args.process_index}"))

    def _save(self, output_dir: str | None = None, state_dict: dict[str, Any] | None = None) -> None:
        """Save the model without the arguments' pickle, which nobody should read."""
        super()._save(output_dir, state_dict)
        if self.args.should_save:
            Path(output_dir or self.args.output_dir, TRAINING_ARGS_NAME).unlink()

    def _get_output_dir(self, trial: Any) -> str:
        """Where the stock code writes a checkpoint: the staging folder while one is being saved."""
        return str(self._saving_into or self.args.output_dir)

    def _move_model_to_device(self, model: nn.Module, device: torch.device) -> None:
        """Leave a model without weights where it is."""
        if not any(parameter.is_meta for parameter in model.parameters()):
            super()._move_model_to_device(model, device)

    def _wait(self) -> None:
        if self.args.world_size > 1:
            torch.distributed.barrier()
