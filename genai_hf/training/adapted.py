"""What is watched where an adapter is trained in place of all weights: how much it is, and that all of it learns."""

from pathlib import Path
from typing import Any

from peft import PeftModel
from torch import nn
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from genai_hf.errors import UserError
from genai_hf.models.adapters import counted
from genai_hf.models.bare import bare
from genai_hf.reports import sections

PATIENCE = 3  # steps: LoRA's A has no gradient while B is 0, and a warmup may begin with a rate of 0


class WhatIsTrained(TrainerCallback):
    """Leaves a table of the weights that are trained, beside their number by the closed form."""

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, model: nn.Module, **kwargs: Any
    ) -> None:
        """Write it."""
        if state.is_world_process_zero:
            sections.save(Path(str(args.output_dir)), table(model))


class EveryPartLearns(TrainerCallback):
    """Stops a run in which a weight that is to be trained has no gradient: libraries freeze or bypass some silently."""

    def __init__(self) -> None:
        self.seen, self.first, self.done = set[str](), 0, False

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Begin to watch."""
        self.first = state.global_step

    def on_pre_optimizer_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, model: nn.Module, **kwargs: Any
    ) -> None:
        """Look at the gradients of the first steps.

        Raises:
            UserError: A weight has had none.
        """
        if self.done:
            return
        trained = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
        for name in trained.keys() - self.seen:
            gradient = trained[name].grad
            if gradient is not None and bool(gradient.any()):
                self.seen.add(name)
        steps = state.global_step + 1 - self.first
        self.done = steps >= PATIENCE or trained.keys() == self.seen
        if self.done and (idle := sorted(trained.keys() - self.seen)):
            others = f" and {len(idle) - 1} more" if len(idle) > 1 else ""
            raise UserError(
                f"after {steps} steps {idle[0]}{others} has had no gradient, so it would never be trained; "
                "leave it out of peft.target_modules, or take another peft="
            )


def table(model: nn.Module) -> sections.Table:
    """Weights of an adapted model."""
    counts = counted(model)
    settings = model.active_peft_config if isinstance(model, PeftModel) else bare(model).peft_config["default"]
    rows: list[list[str | int | float | None]] = [
        ["adapter", counts["trained"] - counts["heads"] - counts["tokens"]],
        ["modules that are trained as a whole", counts["heads"]],
        ["embeddings of new tokens", counts["tokens"]],
        ["all of the model", counts["all"]],
        ["share that is trained", f"{counts['trained'] / counts['all']:.3%}"],
    ]
    closed = ""
    if counts["closed form"]:
        closed = f" By the closed form, r (d + k) for each of {counts['matrices']} matrices: {counts['closed form']:,}."
    return sections.Table(
        "What is trained", ["part", "weights"], rows, f"{settings.peft_type.value}; all else is frozen.{closed}"
    )
