"""What is watched where an adapter is trained in place of all weights: how much it is, and that all of it learns."""

from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from torch import nn
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from genai_hf.errors import UserError
from genai_hf.models.bare import prompted, unwrapped
from genai_hf.models.trained_weights import closed_form, counted
from genai_hf.reports import sections

TRAINED = "trained.safetensors"  # file of a checkpoint
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
                "leave it out of what peft= trains, or take another peft="
            )


def table(model: nn.Module) -> sections.Table:
    """Weights of an adapted model."""
    counts, adapted = counted(model), unwrapped(model)
    why, expected = closed_form(adapted)
    rows: list[list[str | int | float | None]] = [
        ["adapter", counts["trained"] - counts["heads"] - counts["tokens"]],
        ["adapter, by the closed form", expected],
        ["modules that are trained as a whole", counts["heads"]],
        ["embeddings of new tokens", counts["tokens"]],
        ["all of the model", counts["all"]],
        ["share that is trained", f"{counts['trained'] / counts['all']:.3%}"],
    ]
    method = str(adapted.peft_type).removeprefix("PeftType.")
    return sections.Table(
        "What is trained", ["part", "weights"], rows, f"{method}; all else is frozen. The closed form: {why}."
    )


def save_trained(model: nn.Module, folder: Path) -> None:
    """Save what is trained of a model with virtual tokens: PEFT's own file has not what they are made by."""
    if prompted(model) is not None:
        trained = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
        save_file({name: weight.detach().cpu().contiguous() for name, weight in trained.items()}, folder / TRAINED)


def load_trained(model: nn.Module, folder: Path) -> bool:
    """Take it up; False where the model is of another kind."""
    if prompted(model) is None:
        return False
    model.load_state_dict(load_file(folder / TRAINED), strict=False)
    return True
