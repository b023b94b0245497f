"""Take a Trainer from where its run stands to the end."""

import math
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import torch.distributed

from genai_hf.errors import ConfigError, NoRoomError, UserError
from genai_hf.models.trained_weights import counted
from genai_hf.ranks import ranks
from genai_hf.training import checkpoints, out_of_memory, room, state_tree
from genai_hf.training.callbacks import MetricsLog
from genai_hf.training.out_of_memory import StepTooLargeError
from genai_hf.training.progress_bar import ProgressBar
from genai_hf.training.signals import StopOnSignal
from genai_hf.training.speed import speed
from genai_hf.training.state import TOKENS, place
from genai_hf.training.trainer import Trainer

MODEL = "model"


def train(trainer: Trainer) -> dict[str, float]:
    """Resume from the newest checkpoint that is whole, train, evaluate, and save the model.

    Returns:
        The last evaluation's figures, and those of the training.

    Raises:
        ConfigError: Not as many processes run, or not in the way, as was asked for.
        NoRoomError: The run would not fit on the disk, or a row not into memory.
        Interrupted: A signal came; the checkpoint is saved.
    """
    run, stop = Path(trainer.args.output_dir), StopOnSignal()
    trainer.remembers = True
    _require_what_was_launched(trainer)
    checkpoint = _resumed(trainer, run)
    _require_room(trainer, run)
    trainer.add_callback(MetricsLog(run / "metrics.jsonl"))
    bar = ProgressBar()
    trainer.add_callback(bar)
    trainer.add_callback(stop)
    if trainer.args.num_train_epochs > 0 or trainer.args.max_steps > 0:
        with bar, stop, trainer.watched_by(stop):
            _train(trainer, run, checkpoint)
    trainer.meter.read()
    stop.end(trainer.args, trainer.state)
    is_best = trainer.args.load_best_model_at_end and trainer.state.global_step > 0
    if is_best and trainer.state.best_metric is None:
        remedy = "trainer.load_best_model_at_end=false takes the last model"
        raise UserError(f"no evaluation of {run} gave a number, so that no checkpoint is the best; {remedy}")
    if is_best and not Path(trainer.state.best_model_checkpoint or "none").is_dir():
        raise UserError(f"the best checkpoint of {run} is gone; the model of the last step is in the newest there")
    metrics = trainer.measure() if is_best else _last_evaluation(trainer) or trainer.evaluate()
    _save_model(trainer, run)
    for action in trainer.afterwards:
        metrics |= action(trainer, run)
    counts = counted(trainer.model)
    return {
        **metrics,
        **speed(trainer, run),
        "tokens_per_second": trainer.meter.overall() * trainer.args.world_size,
        "steps": float(trainer.state.global_step),
        "parameters": float(counts["all"]),
        "trained_parameters": float(counts["trained"]),
    }


def _save_model(trainer: Trainer, run: Path) -> None:
    """Leave the model as a whole, however its training was sharded."""
    if trainer.is_fsdp_enabled:
        trainer.accelerator.state.fsdp_plugin.set_state_dict_type("FULL_STATE_DICT")
    with room.named(run, "saving the model"):
        trainer.save_model(str(run / MODEL))
    if trainer.is_world_process_zero():
        checkpoints.flush(run / MODEL)  # before the run counts as finished
    if trainer.is_world_process_zero() and not any((run / MODEL).glob("*.safetensors")):
        raise RuntimeError(f"{run / MODEL} holds no weights: this way of sharding leaves them in the checkpoint only")


def _train(trainer: Trainer, run: Path, checkpoint: str | None) -> None:
    """Train to the end, in smaller micro-batches where a step does not fit into memory."""
    out_of_memory.use_decided(trainer, run)
    while not _fits(trainer, checkpoint):
        if trainer.tokens_per_batch is not None:
            tokens = f"{trainer.tokens_per_batch:,} tokens a micro-batch"
            raise NoRoomError(f"out of memory with {tokens}; halve tokens_per_batch, and double the accumulation")
        checkpoint = trainer.save_last_step() if trainer.args.world_size == 1 else None
        out_of_memory.halve(trainer, run)


def _fits(trainer: Trainer, checkpoint: str | None) -> bool:
    """Train; whether every step fitted into memory. The error that says otherwise holds tensors, so it ends here."""
    trainer.args.eval_on_start &= checkpoint is None  # the yardstick of the beginning has been taken
    try:
        trainer.train(resume_from_checkpoint=checkpoint)
    except StepTooLargeError:
        return False
    return True


def _resumed(trainer: Trainer, run: Path) -> str | None:
    """The checkpoint to go on from; rank 0 looks, and all take the same."""
    trainer.accelerator.wait_for_everyone()  # rank 0 may just have cleared the folder
    found: list[str | None] = [None]
    if trainer.is_world_process_zero():
        checkpoints.tidy(run)
        checkpoint, damaged = checkpoints.newest(run)
        for line in damaged:
            print(line, file=sys.stderr)
        if damaged and checkpoint is None:
            raise UserError(f"no checkpoint of {run} is whole; mend one, or begin anew with overwrite=true")
        if checkpoint is not None:
            found = [str(checkpoint)]
            restored = f"weights, optimizer, schedule, random state, {_place_in_data(trainer, checkpoint)}"
            others = len(list(checkpoint.glob(f"{checkpoints.RANK}*.json")))
            elastic = "" if others == ranks() else f"; saved by {others} processes, {ranks()} go on"
            print(f"resumed {run} after step {checkpoints.step(checkpoint)}: {restored}{elastic}", file=sys.stderr)
    if trainer.args.world_size > 1:
        torch.distributed.broadcast_object_list(found)
    return found[0]


def _place_in_data(trainer: Trainer, checkpoint: Path) -> str:
    """What is said of it: only steps of as many rows, out of as many, lead to the same place."""
    saved, now = state_tree.load(checkpoint / f"{checkpoints.RANK}0"), place(trainer)
    before = saved.get("place", now)
    if before == now:
        return "place in the data"
    if TOKENS in before | now:
        return f"not the place in the data ({_listed(before)} before, {_listed(now)} now); rows may come again"
    rows, steps = now["rows of a step"], -(-now["rows"] // now["rows of a step"])
    epoch, step = divmod(checkpoints.step(checkpoint), steps)
    then = f"{before['rows of a step']} of {before['rows']:,} rows a step before, {rows} of {now['rows']:,} now"
    return f"not the place in the data ({then}): on at step {step} of {steps} of epoch {epoch}, rows may come again"


def _listed(place: Mapping[str, int]) -> str:
    return ", ".join(f"{number:,} {what}" for what, number in place.items())


def _require_what_was_launched(trainer: Trainer) -> None:
    """The libraries fall back without a word: to one process, or from sharding to plain data parallelism."""
    running = trainer.accelerator.num_processes
    if running != ranks():
        raise ConfigError(
            f"{ranks()} processes were launched and {running} train; see that the launcher's backend works"
        )
    kind = trainer.accelerator.distributed_type.value
    for asked, name in (("ACCELERATE_USE_FSDP", "FSDP"), ("ACCELERATE_USE_DEEPSPEED", "DEEPSPEED")):
        if os.environ.get(asked, "").lower() in {"1", "true"} and kind != name:
            raise ConfigError(f"{name} was asked for and {kind} would run; it needs accelerators that PyTorch can see")


def _require_room(trainer: Trainer, run: Path) -> None:
    """See before anything expensive that the checkpoints and the model will fit on the disk."""
    number = max(_checkpoints_at_once(trainer) - len(checkpoints.listed(run)), 0)
    each = room.checkpoint_bytes(trainer.model, trainer.args.optim.value)
    if trainer.is_world_process_zero():
        what = f"this run with {number} checkpoints more"
        remedy = "free some, lower trainer.save_total_limit, or put the run elsewhere with root=…"
        room.require(run, number * each + room.model_bytes(trainer.model), what, remedy)


def _checkpoints_at_once(trainer: Trainer) -> int:
    """How many will lie on the disk together: the new one is whole before the oldest goes."""
    arguments = trainer.args
    saves = 2
    if arguments.save_strategy == "no":
        saves = 0
    elif arguments.save_strategy == "steps" and (arguments.max_steps > 0 or arguments.save_steps < 1):
        saves = math.ceil((arguments.max_steps if arguments.save_steps >= 1 else 1) / arguments.save_steps)
    if arguments.save_total_limit is None:
        return saves
    kept = arguments.save_total_limit + int(arguments.load_best_model_at_end)  # the best is kept besides
    return min(saves, int(kept) + 1)


def _last_evaluation(trainer: Trainer) -> dict[str, float]:
    """The figures of an evaluation after the very last step, if there was one."""
    for entry in reversed(trainer.state.log_history):
        if entry["step"] == trainer.state.global_step and "eval_loss" in entry:
            return {key: math.nan if value is None else value for key, value in entry.items() if "eval_" in key}
    return {}
