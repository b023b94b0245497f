"""Evaluations in the middle of training, as a mixin: none is lost with a process, and the best model is a whole one."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genai_hf import manifests
from genai_hf.errors import UserError
from genai_hf.training import adapted
from genai_hf.training.callbacks import EpochEnd, is_whole

if TYPE_CHECKING:  # what the mixin may assume: at run time a Trainer class comes after it
    from transformers import Trainer as Base
else:
    Base = object


class Judging(Base):
    """The part of `Reliable` that evaluates, and knows the best checkpoint."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self._evaluates = self._owes_evaluation = False
        self._epoch = EpochEnd()
        self.add_callback(self._epoch)

    def _is_sharded(self) -> bool:
        """Whether accelerate spreads the state over the ranks; it then saves it in its own way."""
        return bool(self.is_deepspeed_enabled or self.is_fsdp_enabled)

    def _owes(self) -> bool:
        """Whether a checkpoint that is saved now is to be followed by an evaluation of the same step."""
        at_its_end = self.args.eval_strategy == "epoch" and is_whole(self.state.epoch) and not self._epoch.ended
        return self._evaluates or self._owes_evaluation or at_its_end

    def _make_up(self, **given: Any) -> None:
        """Make the evaluation that the checkpoint was to have and has not, and save the checkpoint with it."""
        self.control.should_evaluate = self.control.should_save = self._epoch.ended = True
        known = {name: given[name] for name in ("model", "trial", "ignore_keys_for_eval", "start_time")}
        super()._maybe_log_save_evaluate(None, None, epoch=self.state.epoch, **known)
        self.control.should_evaluate = self.control.should_save = self._epoch.ended = False

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
        best = Path(str(self.state.best_model_checkpoint))
        if best.name == f"checkpoint-{self.state.global_step}" and not self._is_sharded():
            return  # the model is what was saved
        if not adapted.load_trained(self.model, best):
            super()._load_best_model()

    def _require_best(self) -> None:
        best = self.state.best_model_checkpoint
        if self.args.load_best_model_at_end and best is not None and (wrong := manifests.problem(Path(best))):
            remedy = "bring it back, take the last model with trainer.load_best_model_at_end=false, or begin anew"
            raise UserError(f"{best} is the best so far, and {wrong}; {remedy}")
