"""A tiny training, alone or as ranks of a launcher: training_script.py OUT gradients|curve|spoiled ACCUMULATION,…."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers

sys.path.insert(0, str(Path(__file__).parents[1]))
from conftest import Rows, make_tokenizer, tiny_bert

from genai_hf.collators.masking import MaskedLMCollator
from genai_hf.errors import NotANumberError
from genai_hf.objectives.masked_lm import MaskedLM
from genai_hf.running import part
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
) -> Trainer:
    arguments = transformers.TrainingArguments(
        output_dir=str(folder),
        max_steps=steps if epochs is None else -1,
        num_train_epochs=epochs or 1,
        learning_rate=1e-3,
        max_grad_norm=1e9,
        per_device_train_batch_size=GLOBAL_BATCH // (accumulation * ranks),
        gradient_accumulation_steps=accumulation,
        per_device_eval_batch_size=eval_batch,
        dataloader_num_workers=workers,
        logging_steps=1,
        eval_strategy="epoch" if epochs else "no",
        save_strategy="steps" if save else "no",
        save_steps=save or 500,
        use_cpu=True,
        remove_unused_columns=False,
        logging_nan_inf_filter=False,
        disable_tqdm=True,
        seed=0,
    )
    return Trainer(
        model=tiny_bert(dtype, dropout),
        args=arguments,
        objective=MaskedLM(frequencies=np.arange(64), head_on_labels=head_on_labels),
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


def launched(tmp_path: Path, ranks: int, what: str, accumulations: str) -> list[dict]:
    """Run the script on gloo ranks and read what rank 0 wrote."""
    out = tmp_path / "out.json"
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={ranks}", __file__]
    done = subprocess.run(
        [*map(str, command), str(out), what, accumulations], capture_output=True, text=True, check=False
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


def main(out: str, what: str, accumulations: str) -> None:
    """For each of the comma-separated accumulations, train and note what came of it."""
    ranks, tokenizer, results = int(os.environ["WORLD_SIZE"]), make_tokenizer(), []
    for accumulation in map(int, accumulations.split(",")):
        folder = Path(out).parent / f"{what}-{ranks}-{accumulation}"
        cut = {"accumulation": accumulation, "ranks": ranks}
        if what == "gradients":
            result = flat_gradients(make_trainer(folder, tokenizer, dtype=torch.float64, **cut))
        elif what == "spoiled":
            result = spoiled(make_trainer(folder, tokenizer, steps=8, **cut))
        else:
            result = curve(make_trainer(folder, tokenizer, epochs=3, **cut))
        results.append({"accumulation": accumulation, **result})
    if os.environ["RANK"] == "0":
        Path(out).write_text(json.dumps(results))
    part()


if __name__ == "__main__":
    main(*sys.argv[1:])
