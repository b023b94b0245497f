"""A tiny training, alone or as ranks of a launcher.

training_script.py OUT gradients|curve|spoiled|saved|resumed ACCUMULATION,… [CHECKPOINT]
"""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import peft
import torch
import transformers

sys.path.insert(0, str(Path(__file__).parents[1]))
from conftest import Rows, make_tokenizer, tiny_bert

from genai_hf.collators.masking import MaskedLMCollator
from genai_hf.errors import NotANumberError
from genai_hf.objectives.language import LanguageModelling, TextTally
from genai_hf.ranks import leave
from genai_hf.training import Trainer

GLOBAL_BATCH = 16
BAD = 7  # the example that `poison` spoils


def make_trainer(
    folder: Path,
    tokenizer: Any,
    *,
    accumulation: int,
    ranks: int = 1,
    steps: int = 1,
    epochs: int | None = None,
    dtype: torch.dtype = torch.float32,
    head_on_labels: bool = True,
    lengths: tuple[int, ...] = (16, 9, 30),
    eval_batch: int = 8,
    dropout: float = 0.0,
    workers: int = 0,
    save: int | None = None,
    lora: bool = False,
    **given: Any,
) -> Trainer:
    """A Trainer of a tiny BERT on 57 rows; `given` are more TrainingArguments."""
    values = {
        "output_dir": str(folder),
        "max_steps": steps if epochs is None else -1,
        "num_train_epochs": epochs or 1,
        "learning_rate": 1e-3,
        "max_grad_norm": 1e9,
        "per_device_train_batch_size": GLOBAL_BATCH // (accumulation * ranks),
        "gradient_accumulation_steps": accumulation,
        "per_device_eval_batch_size": eval_batch,
        "dataloader_num_workers": workers,
        "logging_steps": 1,
        "eval_strategy": "epoch" if epochs else "no",
        "save_strategy": "steps" if save else "no",
        "save_steps": save or 500,
        "use_cpu": True,
        "remove_unused_columns": False,
        "logging_nan_inf_filter": False,
        "disable_tqdm": True,
        "seed": 0,
    }
    model = tiny_bert(dtype, dropout)
    if lora:
        model = peft.get_peft_model(model, peft.LoraConfig(r=2, target_modules=["query"], lora_dropout=dropout))
    return Trainer(
        model=model,
        args=transformers.TrainingArguments(**values | given),
        objective=LanguageModelling(text=TextTally(np.arange(64)), term="masked_lm", head_on_labels=head_on_labels),
        processing_class=tokenizer,
        data_collator=MaskedLMCollator(tokenizer=tokenizer),
        train_dataset=Rows(57, lengths),
        eval_dataset=Rows(29, lengths, evaluation=True),
    )


def gradients(trainer: Trainer) -> tuple[dict[str, torch.Tensor], float]:
    """The gradient that the first optimizer step is given, and the loss that is logged for it."""
    seen: dict[str, torch.Tensor] = {}

    class Look(transformers.TrainerCallback):
        def on_pre_optimizer_step(self, *args: Any, model: Any, **kwargs: Any) -> None:
            if not seen:
                seen.update(
                    {name: weight.grad.clone() for name, weight in model.named_parameters() if weight.grad is not None}
                )

    trainer.add_callback(Look())
    trainer.train()
    return seen, trainer.state.log_history[0]["loss"]


def curve(trainer: Trainer) -> dict[str, Any]:
    trainer.train()
    history = trainer.state.log_history
    return {
        "losses": [entry["loss"] for entry in history if "loss" in entry],
        "evaluations": [entry["eval_loss"] for entry in history if "eval_loss" in entry],
    }


def flat_gradients(trainer: Trainer) -> dict[str, Any]:
    grads, loss = gradients(trainer)
    return {"gradients": {name: grad.flatten().tolist() for name, grad in grads.items()}, "loss": loss}


def saved(trainer: Trainer, checkpoint: str | None = None) -> dict[str, Any]:
    """Train, from a checkpoint or not: every step's loss, and the digest of the weights at the end."""
    trainer.train(resume_from_checkpoint=checkpoint)
    losses = {entry["step"]: entry["loss"] for entry in trainer.state.log_history if "loss" in entry}
    return {"losses": losses, "weights": digest(trainer.model)}


def digest(model: torch.nn.Module) -> str:
    together = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        together.update(name.removeprefix("module.").encode() + tensor.contiguous().view(torch.uint8).numpy().tobytes())
    return together.hexdigest()


def launched(tmp_path: Path, ranks: int, what: str, accumulations: str, *more: str) -> list[dict]:
    """Run the script on gloo ranks and read what rank 0 wrote."""
    out = tmp_path / "out.json"
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={ranks}", __file__]
    done = subprocess.run(
        [*map(str, command), str(out), what, accumulations, *more], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(out.read_text())


def poison(trainer: Trainer) -> None:
    """Let one example's embeddings be no numbers: it alone has a second [SEP], which is never hidden."""
    trainer.train_dataset.rows[BAD][1] = trainer.processing_class.sep_token_id

    def spoil(module: Any, words: Any, named: dict[str, Any], output: torch.Tensor) -> torch.Tensor:
        wrong = (named["input_ids"] == trainer.processing_class.sep_token_id).sum(1) > 1
        return output.masked_fill(wrong[:, None, None], torch.nan)

    trainer.model.bert.embeddings.register_forward_hook(spoil, with_kwargs=True)


def spoiled(trainer: Trainer) -> dict[str, Any]:
    poison(trainer)
    try:
        trainer.train()
    except NotANumberError as error:
        return {"message": str(error)}
    raise AssertionError("nothing was noticed")


def main(out: str, what: str, accumulations: str, checkpoint: str | None = None) -> None:
    """For each of the comma-separated accumulations, train and note what came of it."""
    ranks, tokenizer, results = int(os.environ["WORLD_SIZE"]), make_tokenizer(), []
    for accumulation in map(int, accumulations.split(",")):
        folder = Path(out).parent / f"{what}-{ranks}-{accumulation}"
        cut = {"accumulation": accumulation, "ranks": ranks}
        if what == "gradients":
            result = flat_gradients(make_trainer(folder, tokenizer, dtype=torch.float64, **cut))
        elif what == "spoiled":
            result = spoiled(make_trainer(folder, tokenizer, steps=8, **cut))
        elif what in {"saved", "resumed"}:
            result = saved(make_trainer(folder, tokenizer, steps=10, save=6, **cut), checkpoint)
        else:
            result = curve(make_trainer(folder, tokenizer, epochs=3, **cut))
        results.append({"accumulation": accumulation, **result})
    if os.environ["RANK"] == "0":
        Path(out).write_text(json.dumps(results))
    leave(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
