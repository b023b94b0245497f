"""What the optimizer is set to, apart from what it has learned: the present settings hold, not a checkpoint's.

Stock puts the checkpoint's learning rate back without a word. Here a changed one is refused before training begins
unless it was allowed, and then it is taken.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler

Group = dict[str, Any]
TRIED = 100  # steps of a schedule
LEARNED = {"params", "lr"}  # which weights a group holds, and where the schedule stands


def read(optimizer: Optimizer) -> list[Group]:
    """Each parameter group's settings: `initial_lr`, the rate before the schedule, and all that the optimizer takes."""
    return [{key: value for key, value in group.items() if key not in LEARNED} for group in optimizer.param_groups]


def require_rates(schedule: LRScheduler, steps: int) -> None:
    """Try a schedule that is a factor at its first step, at its last one and at some between.

    Raises:
        ValueError: It is below 0 there, or no number.
    """
    for factor in schedule.lr_lambdas if isinstance(schedule, LambdaLR) else ():
        for step in sorted({*range(0, steps, max(steps // TRIED, 1)), steps}):
            try:
                found = factor(step)
            except (ArithmeticError, ValueError) as error:
                raise ValueError(f"step {step} of {steps} has no learning rate ({error})") from error
            if not found >= 0:  # nor is what is no number
                raise ValueError(f"step {step} of {steps} has {found:.3g} times trainer.learning_rate")


def names(state: Mapping[str, Any]) -> set[str]:
    """What a saved state is made of; two kinds of optimizer or schedule differ in it."""
    return set(state) | {name for group in state.get("param_groups", []) for name in set(group) - {"initial_lr"}}


def take(optimizer: Optimizer, scheduler: LRScheduler, asked: Sequence[Group]) -> None:
    """Put settings in place of those that a checkpoint brought; where nothing differs nothing changes, bit for bit."""
    for group, wanted in zip(optimizer.param_groups, asked, strict=True):
        before = group["initial_lr"]
        group.update(wanted)
        if group["initial_lr"] != before:  # the schedule has come so far; exact for those that are a factor
            group["lr"] = group["lr"] * group["initial_lr"] / before if before else group["initial_lr"]
    if isinstance(scheduler, LambdaLR):  # the next step follows the present schedule at once
        scheduler.base_lrs = [group["initial_lr"] for group in optimizer.param_groups]
        factors = [factor(scheduler.last_epoch) for factor in scheduler.lr_lambdas]
        scheduler._last_lr = [base * factor for base, factor in zip(scheduler.base_lrs, factors, strict=True)]
        for group, rate in zip(optimizer.param_groups, scheduler._last_lr, strict=True):
            group["lr"] = rate
