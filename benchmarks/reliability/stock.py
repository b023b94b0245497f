"""What the stock Trainer does where ours promises something: no code of ours is in this process.

python benchmarks/reliability/stock.py

`transformers.Trainer` as it comes, on a small BERT with dropout, with the arguments in `train` and no others.
"""

import argparse
import hashlib
import json
import math
import os
import random
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ |= {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}

import faults
import torch
import transformers
from safetensors.torch import load_file
from transformers import BertConfig, BertForMaskedLM, Trainer, TrainerCallback, TrainingArguments

STEPS, SAVE = 24, 3


def rows() -> list[dict[str, torch.Tensor]]:
    """64 rows of 32 tokens, a sixth of them predicted: eight steps an epoch."""
    draw = torch.Generator().manual_seed(0)
    tokens = torch.randint(5, 300, (64, 32), generator=draw)
    labels = torch.where(torch.rand(tokens.shape, generator=draw) < 0.15, tokens, -100)
    return [{"input_ids": row, "labels": label} for row, label in zip(tokens, labels, strict=True)]


def train(
    folder: Path, resume: bool | str | None = None, callback: TrainerCallback | None = None, **more: Any
) -> Trainer:
    """One training; the seed fixes the weights it begins with."""
    transformers.set_seed(0)
    size = {"hidden_size": 512, "intermediate_size": 4096, "num_hidden_layers": 2, "num_attention_heads": 8}
    arguments = TrainingArguments(
        output_dir=str(folder),
        per_device_train_batch_size=8,
        save_strategy="steps",
        use_cpu=True,
        disable_tqdm=True,
        **{"max_steps": STEPS, "save_steps": SAVE, "save_total_limit": 2, "logging_steps": 1} | more,
    )
    model = BertForMaskedLM(BertConfig(vocab_size=300, **size))
    trainer = Trainer(model=model, args=arguments, train_dataset=rows(), callbacks=[callback] if callback else [])
    trainer.remove_callback(transformers.PrinterCallback)
    trainer.train(resume_from_checkpoint=resume)
    return trainer


def weights(trainer: Trainer) -> str:
    """Digest of the model."""
    digest = hashlib.sha256()
    for _, tensor in sorted(trainer.model.state_dict().items()):
        digest.update(tensor.contiguous().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def forked(what: Callable[[], Any], file: Path) -> int:
    """Do something in another process, its result as JSON in `file`; its id."""
    pid = os.fork()
    if pid:
        return pid
    try:
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        file.write_text(json.dumps(what()), encoding="utf-8")
        os._exit(0)
    finally:
        os._exit(1)


def done(what: Callable[[], Any], file: Path) -> Any:
    """Its result, or None where it crashed."""
    file.unlink(missing_ok=True)
    os.waitpid(forked(what, file), 0)
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None


def newest(folder: Path) -> Path:
    """The checkpoint that `resume_from_checkpoint=True` takes."""
    return max(folder.glob("checkpoint-*"), key=lambda path: int(path.name.partition("-")[2]))


def kills(folder: Path, number: int, whole: str, draw: random.Random) -> dict[str, int]:
    """SIGKILL inside a save past the first epoch, then resume."""
    seen, run = Counter[str](), folder / "killed"
    while seen["kills inside a save"] < number:
        shutil.rmtree(run, ignore_errors=True)
        pid, after = forked(lambda: weights(train(run)), folder / "result"), draw.choice(range(9, STEPS, SAVE))
        while not (run / f"checkpoint-{after}").exists():
            time.sleep(0.0005)
        time.sleep(draw.uniform(0, 0.15))
        os.kill(pid, 9)
        os.waitpid(pid, 0)
        if (run / f"checkpoint-{after}" / "trainer_state.json").exists():
            continue  # it was quicker
        seen["kills inside a save"] += 1
        ended = done(lambda: weights(train(run, resume=True)), folder / "result")
        seen["resume crashes" if ended is None else "same weights" if ended == whole else "other weights"] += 1
    return dict(seen)


def damages(folder: Path, number: int, draw: random.Random) -> dict[str, int]:
    """One flipped bit, cut or missing file in the newest checkpoint, an older one beside it; then resume."""
    seen, run = Counter[str](), folder / "damaged"
    train(run, callback=Stop())
    whole = done(lambda: undamaged(folder), folder / "result")
    for _ in range(number):
        copy = shutil.copytree(run, folder / "copy")
        file = draw.choice(sorted(newest(copy).iterdir()))
        kind = faults.damage(file, draw)
        ended = done(lambda copy=copy: weights(train(copy, resume=True)), folder / "result")
        seen[f"{kind}: " + ("crash" if ended is None else "same weights" if ended == whole else "other weights")] += 1
        shutil.rmtree(copy)
    return dict(sorted(seen.items()))


class Stop(TrainerCallback):
    """Ends training after 15 steps of what is asked for, the last of them saved."""

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """At that step."""
        control.should_training_stop = state.global_step == 15


class Spoil(TrainerCallback):
    """From the third step on the loss is no number."""

    def on_step_begin(self, args: Any, state: Any, control: Any, model: Any, **kwargs: Any) -> None:
        """Once."""
        if state.global_step == 2:
            model.cls.register_forward_hook(lambda module, inputs, output: output * math.nan)


def not_a_number(folder: Path) -> dict[str, Any]:
    """A loss that is no number."""
    trainer = train(folder / "nan", callback=Spoil(), max_steps=6)
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    spoiled = load_file(newest(folder / "nan") / "model.safetensors")
    share = sum(bool(tensor.isnan().any()) for tensor in spoiled.values()) / len(spoiled)
    return {"losses in the log": [round(loss, 3) for loss in losses], "spoiled tensors in the checkpoint": share}


def changed(folder: Path) -> dict[str, Any]:
    """Another learning rate on resuming."""
    train(folder / "mind", callback=Stop())
    trainer = train(folder / "mind", resume=True, learning_rate=1e-9)
    rates = [entry["learning_rate"] for entry in trainer.state.log_history if entry["step"] > 15 and "loss" in entry]
    return {"learning rate asked for": 1e-9, "learning rate of the next step": rates[0]}


def finished(folder: Path) -> dict[str, int]:
    """Resumed after its last step."""
    train(folder / "end", max_steps=15)
    return {"steps asked for": 15, "steps taken": train(folder / "end", resume=True, max_steps=15).state.global_step}


def main() -> None:
    """Print one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--damages", type=int, default=40)
    asked, draw = parser.parse_args(), random.Random(0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        torch.set_num_threads(1)
        whole = done(lambda: weights(train(folder / "whole")), folder / "result")
        report: dict[str, Any] = {"transformers": transformers.__version__}
        report["kills"] = kills(folder, asked.kills, whole, draw)
        report["nothing but resumed"] = done(lambda: undamaged(folder), folder / "result") == whole
        for what in (not_a_number, changed, finished):
            report[what.__name__] = done(lambda what=what: what(folder), folder / "result")
        report["damages"] = damages(folder, asked.damages, draw)
        print(json.dumps(report))


def undamaged(folder: Path) -> str:
    """Resumed in the middle of an epoch from a good checkpoint."""
    shutil.rmtree(folder / "good", ignore_errors=True)
    train(folder / "good", callback=Stop())
    return weights(train(folder / "good", resume=True))


if __name__ == "__main__":
    main()
