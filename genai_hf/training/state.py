"""What a checkpoint holds beside the model, as a mixin: written without pickle, and taken up bit for bit."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from torch import nn
from torch.optim import Optimizer
from transformers.trainer import TRAINING_ARGS_NAME

from genai_hf.errors import ConfigError, UserError
from genai_hf.models.bare import bare
from genai_hf.training import adapted, checkpoints, hyperparameters, random_state, state_tree
from genai_hf.training.judging import Judging
from genai_hf.training.not_a_number import Guard

TOKENS = "tokens of a micro-batch"


def place(trainer: "State") -> dict[str, int]:
    """What makes a number of steps a place in the data."""
    arguments = trainer.args
    rows = arguments.per_device_train_batch_size * arguments.gradient_accumulation_steps * arguments.world_size
    if trainer.tokens_per_batch:
        parts = arguments.gradient_accumulation_steps * arguments.world_size
        return {TOKENS: trainer.tokens_per_batch, "micro-batches of a step": parts, "rows": len(trainer.train_dataset)}
    return {"rows of a step": rows, "rows": len(trainer.train_dataset)}


@contextmanager
def _refused(key: str) -> Iterator[None]:
    """Say of a setting what upstream finds wrong with it, or with its arguments, when it is made."""
    try:
        yield
    except UserError:
        raise
    except (ArithmeticError, ImportError, LookupError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())[:300]
        raise ConfigError(f"'{key}' or its arguments: {reason}; set what it takes, or take another") from error


class State(Judging):
    """The part of `Reliable` that writes the contents of checkpoints, and reads them."""

    tokens_per_batch: int | None = None

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self._guard = Guard()

    def _stateful(self) -> dict[str, Any]:
        """What has a state beside the model, each with its file's name."""
        parts = {"optimizer": self.optimizer, "scheduler": self.lr_scheduler, "scaler": self.accelerator.scaler}
        return {name: part for name, part in parts.items() if part is not None}

    def _save_optimizer_and_scheduler(self, output_dir: str) -> None:
        if self._is_sharded():
            super()._save_optimizer_and_scheduler(output_dir)
        elif self.args.should_save:
            for name, part in self._stateful().items():
                state_tree.save(part.state_dict(), Path(output_dir, name))
            adapted.save_trained(self.model, Path(output_dir))

    def create_optimizer(self, model: nn.Module | None = None) -> Optimizer:
        """Make the optimizer; its groups keep the learning rate before any schedule, to compare a checkpoint's with."""
        with _refused("trainer.optim"):
            optimizer: Optimizer = super().create_optimizer(model)
        for group in optimizer.param_groups:
            group.setdefault("initial_lr", group["lr"])
        return optimizer

    def create_scheduler(self, num_training_steps: int, optimizer: Optimizer | None = None) -> Any:
        """Make the schedule.

        Raises:
            ConfigError: It takes other arguments, or comes to a rate below 0.
        """
        with _refused("trainer.lr_scheduler_type"):
            schedule = super().create_scheduler(num_training_steps, optimizer)
            hyperparameters.require_rates(schedule, num_training_steps)
            return schedule

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        """Fill them from the checkpoint; what they are set to stays as it is asked for now."""
        if self._is_sharded():
            asked = [] if self.is_deepspeed_enabled else hyperparameters.read(self.optimizer)
            super()._load_optimizer_and_scheduler(checkpoint)
            if asked and checkpoint is not None:
                hyperparameters.take(self.optimizer, self.lr_scheduler, asked)
        elif checkpoint is not None:
            asked = hyperparameters.read(self.optimizer)
            for name, part in self._stateful().items():
                saved = state_tree.load(Path(checkpoint, name))
                if hyperparameters.names(saved) != hyperparameters.names(part.state_dict()):
                    what = {"optimizer": "trainer.optim", "scheduler": "trainer.lr_scheduler_type"}.get(name, name)
                    remedy = f"keep the {what} that the run began with"
                    raise ConfigError(f"{checkpoint} holds the state of another kind of {name}; {remedy}")
                part.load_state_dict(saved)
            hyperparameters.take(self.optimizer, self.lr_scheduler, asked)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: nn.Module | None = None) -> None:
        """Take up the weights.

        Raises:
            ConfigError: They are of a model of another shape.
        """
        try:
            if not adapted.load_trained(self.model, Path(resume_from_checkpoint)):
                super()._load_from_checkpoint(resume_from_checkpoint, model)
        except (RuntimeError, ValueError) as error:
            if "size mismatch" not in str(error) and "shape" not in str(error):
                raise
            remedy = "the shape of a model cannot be changed in the middle of a run"
            raise ConfigError(f"{resume_from_checkpoint}: its weights do not fit this model; {remedy}") from error

    def _save_scaler(self, output_dir: str) -> None:
        if self._is_sharded():
            super()._save_scaler(output_dir)

    def _load_scaler(self, checkpoint: str | None) -> None:
        if self._is_sharded():
            super()._load_scaler(checkpoint)

    def _save_rng_state(self, output_dir: str) -> None:
        """Save what each rank has for itself: its random numbers, and its losses since the last line of the log."""
        Path(output_dir).mkdir(parents=True, exist_ok=True)  # a rank may get here before the one that saves the model
        own = {"random": random_state.read(), "loss": self._tr_loss, "logged": self._globalstep_last_logged}
        own |= {"skipped": self._guard.skipped, "rows": self.args.per_device_train_batch_size}
        own |= {"owes evaluation": self._owes(), "place": place(self)}
        state_tree.save(own, Path(output_dir, f"{checkpoints.RANK}{self.args.process_index}"))

    def _load_rng_state(self, checkpoint: str | None) -> None:
        """Take it up; with another number of ranks than there were, each takes the mean of the losses."""
        if checkpoint is None:
            return
        files = sorted(Path(checkpoint).glob(f"{checkpoints.RANK}*.json"), key=checkpoints.rank)
        saved, mine = [state_tree.load(file.with_suffix("")) for file in files], self.args.process_index
        if mine < len(saved):  # the streams of a rank that is new go on as they are
            random_state.restore(saved[mine]["random"])
        losses = torch.stack([state["loss"] for state in saved])
        self._tr_loss.copy_(losses[mine] if len(saved) == self.args.world_size else losses.mean())
        self._guard.loss_before = self._tr_loss.clone()
        self._globalstep_last_logged, self._guard.skipped = saved[0]["logged"], saved[0]["skipped"]

    def _save(self, output_dir: str | None = None, state_dict: dict[str, Any] | None = None) -> None:
        """Save the model without the arguments' pickle; beside an adapter the model's own config."""
        super()._save(output_dir, state_dict)
        folder = Path(output_dir or self.args.output_dir)
        if self.args.should_save:
            (folder / TRAINING_ARGS_NAME).unlink()
        if self.args.should_save and isinstance(self.model, PeftModel):
            alone = bare(self.model)
            alone.config.architectures = [type(alone).__name__]
            alone.config.save_pretrained(folder)
            (folder / "README.md").unlink(missing_ok=True)  # a form with nothing filled in
