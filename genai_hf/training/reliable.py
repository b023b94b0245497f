"""What this project promises of any Trainer, as a mixin: the same rows in every step, checkpoints that are whole."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import torch.distributed
from accelerate.data_loader import prepare_data_loader
from torch import nn
from torch.utils.data import DataLoader
from transformers import PrinterCallback, TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer import TRAINER_STATE_NAME, TRAINING_ARGS_NAME

from genai_hf.training import checkpoints
from genai_hf.training.batches import EvaluationBatches, MarkingCollator, TrainingBatches

if TYPE_CHECKING:  # what the mixin may assume: at run time a Trainer class comes after it
    from transformers import Trainer as Base
else:
    Base = object


class SetEpoch(TrainerCallback):
    """Tells the batches which epoch begins: accelerate's own `set_epoch` does not reach them on every path."""

    def __init__(self, batches: TrainingBatches) -> None:
        self.batches = batches

    def on_epoch_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Set the epoch whose order and masks come next; resumed in the middle of one, that one."""
        self.batches.epoch = int(state.epoch or 0)


class Reliable(Base):
    """Mixin before a `transformers.Trainer` class: ``class SFTTrainer(Reliable, trl.SFTTrainer)``.

    Its data sets are indexed by (epoch, index) for training, and by index for evaluation.
    """

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.remove_callback(PrinterCallback)
        self._saving_into: Path | None = None

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
        return self._loader(self.train_dataset, batches)

    def get_eval_dataloader(self, eval_dataset: Any = None) -> DataLoader[Any]:
        """This rank's share of the evaluation batches."""
        dataset = self.eval_dataset if eval_dataset is None else eval_dataset
        size = self.args.per_device_eval_batch_size
        return self._loader(
            dataset, EvaluationBatches(len(dataset), size, self.args.world_size, self.args.process_index)
        )

    def _loader(self, dataset: Any, batches: TrainingBatches | EvaluationBatches) -> DataLoader[Any]:
        loader = DataLoader(
            dataset,
            batch_sampler=batches,
            collate_fn=MarkingCollator(self.data_collator),
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
