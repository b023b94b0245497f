"""AdamW whose updates are as large as the weights that they change: Adafactor's scaling with Adam's two moments.

Adam with decoupled weight decay: Loshchilov and Hutter 2017, arXiv:1711.05101, algorithm 2. The scaling by the root
mean square of the parameter: Shazeer and Stern 2018, "Adafactor", arXiv:1804.04235, section 8. The two together: Nawrot
2023, "nanoT5", arXiv:2309.02373. A T5's weights begin at scales from 0.01 to 1, which one learning rate cannot suit.
"""

import os
from collections.abc import Callable, Iterable
from typing import Any, Literal

import torch
from torch.optim import Optimizer
from transformers import TrainingArguments

from genai_hf.errors import ConfigError

SMALLEST = 1e-3  # scale of a parameter that is nearly zero (Adafactor's epsilon_2)


class AdamWRMS(Optimizer):
    """AdamW with each parameter's update multiplied by the root mean square of its values, at least 0.001.

    Args:
        params: Parameters or groups of them.
        lr: Relative size of an update, at least 0; the weight decay is multiplied by it too.
        betas: Decay of the two moments, each in [0, 1).
        eps: Added to the root of the second moment, at least 0.
        weight_decay: Share of a weight that it loses a step, before `lr`, at least 0.

    Raises:
        ValueError: A value lies outside its range.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 2e-2,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        if min(lr, eps, weight_decay) < 0:
            raise ValueError(f"lr, eps and weight_decay must be at least 0, got {lr}, {eps} and {weight_decay}")
        if not all(0 <= beta < 1 for beta in betas):
            raise ValueError(f"betas must be in [0, 1), got {betas}")
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Take a step with the gradients that are there."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    self._update(weight, group)
        return loss

    def _update(self, weight: torch.Tensor, group: dict[str, Any]) -> None:
        state, (first, second) = self.state[weight], group["betas"]
        if not state:
            state["step"] = 0
            state["exp_avg"], state["exp_avg_sq"] = torch.zeros_like(weight), torch.zeros_like(weight)
        state["step"] += 1
        mean = state["exp_avg"].lerp_(weight.grad, 1 - first)
        square = state["exp_avg_sq"].mul_(second).addcmul_(weight.grad, weight.grad, value=1 - second)
        scale = weight.square().mean().sqrt().clamp(min=SMALLEST)
        weight.mul_(1 - group["lr"] * group["weight_decay"])
        denominator = (square / (1 - second ** state["step"])).sqrt().add_(group["eps"])
        weight.addcdiv_(mean * scale, denominator, value=-group["lr"] / (1 - first ** state["step"]))


def optimizer(
    name: Literal["adamw_rms"] | None, arguments: TrainingArguments
) -> tuple[type[Optimizer], dict[str, Any]] | None:
    """What a Trainer's `optimizer_cls_and_kwargs` takes: our optimizer with the arguments' rates, or None for theirs.

    Raises:
        ConfigError: The arguments name another optimizer besides, or settings that it has not; or DeepSpeed would cut
            the parameters up, of which it takes the mean.
    """
    if name is None:
        return None
    if arguments.optim != TrainingArguments.__dataclass_fields__["optim"].default:
        theirs = f"'trainer.optim' is {arguments.optim.value} and 'optimizer' is {name}"
        raise ConfigError(f"{theirs}; say optimizer=null besides")
    for key in ("optim_args", "optim_target_modules"):
        if vars(arguments)[key] is not None:
            raise ConfigError(f"'trainer.{key}' means nothing to optimizer={name}; leave it out")
    if os.environ.get("ACCELERATE_USE_DEEPSPEED", "").lower() in {"1", "true"} or arguments.deepspeed is not None:
        raise ConfigError(f"'optimizer': DeepSpeed cuts parameters up and {name} needs them whole; say optimizer=null")
    if not 0 <= arguments.adam_beta1 < 1 or not 0 <= arguments.adam_beta2 < 1:
        raise ConfigError("'trainer.adam_beta1' and 'trainer.adam_beta2' must be in [0, 1)")
    betas = (arguments.adam_beta1, arguments.adam_beta2)
    return AdamWRMS, {"lr": arguments.learning_rate, "betas": betas, "eps": arguments.adam_epsilon}
