"""Saving and resuming of any Trainer, as a mixin: checkpoints that are whole, without pickle, bit for bit taken up."""

import json
import math
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import torch.distributed
from torch import nn
from torch.optim import Optimizer
from transformers.trainer import TRAINER_STATE_NAME, TRAINING_ARGS_NAME

from genai_hf.errors import ConfigError, NoRoomError, UserError
from genai_hf.training import checkpoints, hyperparameters, random_state, room, state_tree
from genai_hf.training.callbacks import EpochEnd, is_whole
from genai_hf.training.not_a_number import Guard

if TYPE_CHECKING:  # what the mixin may assume: at run time a Trainer class comes after it
    from transformers import Trainer as Base
else:
    Base = object


def place(trainer: "Base") -> dict[str, int]:
    """What makes a number of steps a place in the data."""
    arguments = trainer.args
    rows = arguments.per_device_train_batch_size * arguments.gradient_accumulation_steps * arguments.world_size
    return {"rows of a step": rows, "rows": len(trainer.train_dataset)}


class Saving(Base):
    """The part of `Reliable` that writes checkpoints and goes on from them."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self._saving_into: Path | None = None
        self._saves = 0
        self._guard, self._epoch = Guard(), EpochEnd()
        self._evaluates = self._owes_evaluation = False
        self.add_callback(self._epoch)

    def save_last_step(self) -> str | None:
        """Save where the last whole step left the model, after one that broke off; the checkpoint, None before any."""
        if self.state.global_step == 0:
            return None
        checkpoint = Path(self.args.output_dir, f"checkpoint-{self.state.global_step}")
        if checkpoints.problem(checkpoint):  # it is not there, or is a damaged one that was passed over
            self._save_checkpoint(self.model, None)
        return str(checkpoint)

    def _init_training_state(
        self, max_steps: int, steps: int, epochs: int, resume_from_checkpoint: str | None, trial: Any
    ) -> Any:
        """Take up a checkpoint's state, but for how often to log, evaluate and save, and for where the run lies.

        Raises:
            UserError: The best checkpoint so far is damaged.
        """
        place = super()._init_training_state(max_steps, steps, epochs, resume_from_checkpoint, trial)
        self.state.compute_steps(self.args, max_steps)
        if resume_from_checkpoint is not None:
            saved = json.loads(Path(resume_from_checkpoint, TRAINER_STATE_NAME).read_text(encoding="utf-8"))
            best = Path(self.args.output_dir, Path(saved["best_model_checkpoint"] or "none").name)
            self.state.best_model_checkpoint = str(best) if best.is_dir() else None
            self._require_best()
            own = state_tree.load(Path(resume_from_checkpoint, f"{checkpoints.RANK}0"))
            self._owes_evaluation = own.get("owes evaluation", False)
        return place

    def _run_epoch(self, **given: Any) -> None:
        """Take an epoch's steps: none where the last one was taken before the checkpoint; stock takes one more.

        Before them comes an evaluation that the checkpoint was to have and has not: the process ended within it.
        """
        if self._owes_evaluation:
            self.control.should_evaluate = self.control.should_save = True
            self._epoch.ended = True
            known = {name: given[name] for name in ("model", "trial", "ignore_keys_for_eval", "start_time")}
            super()._maybe_log_save_evaluate(None, None, epoch=self.state.epoch, **known)
            self.control.should_evaluate = self.control.should_save = self._epoch.ended = False
        if self.state.global_step >= self.state.max_steps:
            self.control.should_training_stop = True
            return
        self._batches.epoch, self._save_at_end = given["epoch"], False
        super()._run_epoch(**given)

    def _maybe_log_save_evaluate(self, *given: Any, **named: Any) -> None:
        """As stock, but after an epoch's last step the checkpoint waits for what happens at the end of the epoch.

        Else an evaluation there would be in no checkpoint, and a resumed run would not make it again. A run that is to
        stop is saved at once besides, for it may not be given the time; and whatever an evaluation says of it.
        """
        if self._epoch.ended:
            self.control.should_save |= self._save_at_end
        elif self.control.should_save and is_whole(self.state.epoch):
            self.control.should_save, self._save_at_end = self.control.should_training_stop, True
        is_demanded, before = self.control.should_save and self.control.should_training_stop, self._saves
        super()._maybe_log_save_evaluate(*given, **named)
        if is_demanded and self._saves == before:
            self._save_checkpoint(self.model, None)

    def _evaluate(self, *given: Any, **named: Any) -> Any:
        """Evaluate in the middle of training; a checkpoint that is saved before the end of it still owes it."""
        self._evaluates = True
        found = super()._evaluate(*given, **named)
        self._evaluates = self._owes_evaluation = False
        return found

    def _determine_best_metric(self, metrics: dict[str, float], trial: Any) -> bool:
        """Whether it is the best so far; while none was a number there is no best, not the infinity of stock."""
        is_best: bool = super()._determine_best_metric(metrics, trial)
        if self.state.best_metric is not None and not math.isfinite(self.state.best_metric):
            self.state.best_metric = None
        return is_best

    def _load_best_model(self) -> None:
        """Take up the best model.

        Raises:
            UserError: Its checkpoint is damaged.
        """
        self._require_best()
        super()._load_best_model()

    def _require_best(self) -> None:
        best = self.state.best_model_checkpoint
        if self.args.load_best_model_at_end and best is not None and (wrong := checkpoints.problem(Path(best))):
            remedy = "bring it back, take the last model with trainer.load_best_model_at_end=false, or begin anew"
            raise UserError(f"{best} is the best so far, and {wrong}; {remedy}")

    def _save_checkpoint(self, model: nn.Module, trial: Any) -> None:
        """Save beside the run's checkpoints, and let the new one be seen when every rank's part of it is there.

        Raises:
            NoRoomError: The disk has no room for it; the earlier checkpoints are as they were.
        """
        run = Path(self.args.output_dir)
        self._saving_into = run / checkpoints.STAGE
        if self.args.should_save:
            checkpoints.tidy(run)
            self._require_room(run)
        self._wait()
        try:
            with room.named(run, f"saving step {self.state.global_step}"):
                super()._save_checkpoint(model, trial)
                self._wait()
                staged = self._saving_into / f"checkpoint-{self.state.global_step}"
                self._unstage_best(run, staged)
                if self.args.should_save:
                    keep, ranks = self.args.save_total_limit, self.args.world_size
                    checkpoints.publish(staged, run, keep, ranks=ranks, best=self.state.best_model_checkpoint)
        except NoRoomError:
            shutil.rmtree(self._saving_into, ignore_errors=True)
            raise
        finally:
            self._saving_into = None
        self._saves += 1
        self._wait()

    def _require_room(self, run: Path) -> None:
        state = sum(room.state_bytes(part.state_dict()) for part in self._stateful().values())
        what, remedy = f"the checkpoint of step {self.state.global_step}", "free some, then repeat the command"
        room.require(run, room.model_bytes(self.model) + state, what, remedy)

    def _unstage_best(self, run: Path, staged: Path) -> None:
        """Name the best checkpoint as it will be called once this one is published."""
        best = self.state.best_model_checkpoint
        if best is not None and Path(best) == staged:
            self.state.best_model_checkpoint = str(run / staged.name)
            if self.args.should_save:
                self.state.save_to_json(str(staged / TRAINER_STATE_NAME))

    def _finalize_training(self, *given: Any) -> Any:
        """End training, and leave every checkpoint as it is: stock deletes the newest where only one is kept."""
        self._saving_into = Path(self.args.output_dir, checkpoints.STAGE)  # nothing is there to be deleted
        try:
            return super()._finalize_training(*given)
        finally:
            self._saving_into = None

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

    def create_optimizer(self, model: nn.Module | None = None) -> Optimizer:
        """Make the optimizer; its groups keep the learning rate before any schedule, to compare a checkpoint's with."""
        optimizer: Optimizer = super().create_optimizer(model)
        for group in optimizer.param_groups:
            group.setdefault("initial_lr", group["lr"])
        return optimizer

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
        at_its_end = self.args.eval_strategy == "epoch" and is_whole(self.state.epoch) and not self._epoch.ended
        own |= {"owes evaluation": self._evaluates or self._owes_evaluation or at_its_end}
        own |= {"place": place(self)}
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
        """Save the model without the arguments' pickle, which nobody should read."""
        super()._save(output_dir, state_dict)
        if self.args.should_save:
            Path(output_dir or self.args.output_dir, TRAINING_ARGS_NAME).unlink()

    def _get_output_dir(self, trial: Any) -> str:
        """Where the stock code writes a checkpoint: the staging folder while one is being saved."""
        return str(self._saving_into or self.args.output_dir)

    def _wait(self) -> None:
        if self.args.world_size > 1:
            torch.distributed.barrier()
