"""When and where checkpoints are saved, as a mixin: they are whole, and a run goes on from them."""

import json
import shutil
from pathlib import Path
from typing import Any

import torch.distributed
from torch import nn
from transformers.trainer import TRAINER_STATE_NAME

from genai_hf import manifests
from genai_hf.errors import NoRoomError
from genai_hf.training import checkpoints, room, state_tree
from genai_hf.training.callbacks import is_whole
from genai_hf.training.state import State


class Saving(State):
    """The part of `Reliable` that writes checkpoints and goes on from them."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self._saving_into: Path | None = None
        self._saves = 0

    def save_last_step(self) -> str | None:
        """Save where the last whole step left the model, after one that broke off; the checkpoint, None before any."""
        if self.state.global_step == 0:
            return None
        checkpoint = Path(self.args.output_dir, f"checkpoint-{self.state.global_step}")
        if manifests.problem(checkpoint):  # it is not there, or is a damaged one that was passed over
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
            self._make_up(**given)
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

    def _get_output_dir(self, trial: Any) -> str:
        """Where the stock code writes a checkpoint: the staging folder while one is being saved."""
        return str(self._saving_into or self.args.output_dir)

    def _wait(self) -> None:
        if self.args.world_size > 1:
            torch.distributed.barrier()
