"""Take a Trainer from where its run stands to the end."""

import math
import sys
from pathlib import Path

from genai_hf.errors import Interrupted
from genai_hf.training import checkpoints
from genai_hf.training.callbacks import MetricsLog, ProgressBar, StopOnSignal
from genai_hf.training.trainer import Trainer

MODEL = "model"


def train(trainer: Trainer) -> dict[str, float]:
    """Resume from the newest checkpoint that is whole, train, evaluate, and save the model.

    Returns:
        The last evaluation's figures, and those of the training.

    Raises:
        Interrupted: A signal came; the checkpoint is saved.
    """
    run, stop = Path(trainer.args.output_dir), StopOnSignal()
    trainer.add_callback(MetricsLog(run / "metrics.jsonl"))
    trainer.add_callback(ProgressBar())
    trainer.add_callback(stop)
    checkpoint = _resumed(trainer, run)
    trainer.args.eval_on_start &= checkpoint is None  # the yardstick of the beginning has been taken
    with stop:
        trainer.train(resume_from_checkpoint=checkpoint)
    trainer.meter.read()
    if stop.number:
        saved = run / f"checkpoint-{trainer.state.global_step}"
        raise Interrupted(f"stopped after {saved}; the same command goes on from there", 128 + stop.number)
    metrics = {} if trainer.args.load_best_model_at_end else _last_evaluation(trainer)
    metrics = metrics or trainer.evaluate()
    trainer.save_model(str(run / MODEL))
    parameters = sum(parameter.numel() for parameter in trainer.model.parameters())
    return metrics | {
        "tokens_per_second": trainer.meter.overall() * trainer.args.world_size,
        "steps": float(trainer.state.global_step),
        "parameters": float(parameters),
    }


def _resumed(trainer: Trainer, run: Path) -> str | None:
    trainer.accelerator.wait_for_everyone()  # rank 0 may just have cleared the folder
    checkpoint, damaged = checkpoints.newest(run)
    if trainer.is_world_process_zero():
        for line in damaged:
            print(line, file=sys.stderr)
        if checkpoint is not None:
            restored = "weights, optimizer, schedule, random state, place in the data"
            print(f"resumed {run} after step {checkpoints.step(checkpoint)}: {restored}", file=sys.stderr)
    return str(checkpoint) if checkpoint else None


def _last_evaluation(trainer: Trainer) -> dict[str, float]:
    """The figures of an evaluation after the very last step, if there was one."""
    for entry in reversed(trainer.state.log_history):
        if entry["step"] == trainer.state.global_step and "eval_loss" in entry:
            return {key: math.nan if value is None else value for key, value in entry.items() if "eval_" in key}
    return {}
