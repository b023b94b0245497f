"""The gradient of a step, however it is cut up: every recipe, accumulation 1, 2, 4, 8, one process and two.

python benchmarks/reliability/invariance.py

In float64 without dropout; distances are relative, of the tensor that is farthest, to the whole batch in one piece.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import cases
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import TrainerCallback

import genai_hf

BATCH, ACCUMULATIONS = 16, (1, 2, 4, 8)


class Look(TrainerCallback):
    """Keeps the first step's gradient."""

    def __init__(self) -> None:
        self.gradient = dict[str, Tensor]()

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, model: nn.Module, **kwargs: Any) -> None:
        """Copy it."""
        weights = model.named_parameters()
        self.gradient = {
            name.removeprefix("module."): weight.grad.clone() for name, weight in weights if weight.grad is not None
        }


def gradient(recipe: str, folder: Path, accumulation: int, ranks: int) -> dict[str, Tensor]:
    """Of the first step of a run with dropout off."""
    words = cases.words(
        recipe,
        folder / "texts",
        "trainer.max_steps=1",
        "trainer.max_grad_norm=1e9",
        "trainer.save_strategy=no",
        f"trainer.per_device_train_batch_size={BATCH // (accumulation * ranks)}",
        f"trainer.gradient_accumulation_steps={accumulation}",
        f"run={ranks}-{accumulation}",
    )
    trainer, look = genai_hf.build(genai_hf.compose(words[0], words[1:])), Look()
    for module in trainer.model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    for module in trainer.model.modules():  # attention has its own share beside the module
        vars(module).update(
            {name: 0.0 for name in ("dropout_prob", "attention_dropout", "dropout") if name in vars(module)}
        )
    trainer.model.double()
    trainer.add_callback(look)
    trainer.train()
    return look.gradient


def distance(ours: dict[str, Tensor], whole: dict[str, Tensor]) -> float:
    """Relative, of the farthest tensor; one without a gradient to speak of is measured by the largest."""
    scale = max(float(tensor.norm()) for tensor in whole.values())
    return max(
        float((ours[name] - whole[name]).norm()) / max(float(whole[name].norm()), 1e-6 * scale) for name in whole
    )


def as_rank(folder: Path) -> None:
    """In one of two processes: leave every gradient as a file."""
    ranks = int(os.environ["WORLD_SIZE"])
    for recipe in cases.OWN:
        for accumulation in ACCUMULATIONS:
            found = gradient(recipe, folder, accumulation, ranks)
            if os.environ["RANK"] == "0":
                save_file(found, folder / f"{recipe}-{accumulation}.safetensors")
    torch.distributed.destroy_process_group()


def main() -> None:
    """Print one line of JSON for each recipe."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rank-of", type=Path, help="used by itself")
    asked = parser.parse_args()
    if asked.rank_of is not None:
        as_rank(asked.rank_of)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ |= {"GENAI_HF_ROOT": name, "GENAI_HF_CACHE": str(folder / "cache")}
        alone = {
            recipe: {number: gradient(recipe, folder, number, 1) for number in ACCUMULATIONS} for recipe in cases.OWN
        }
        launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
        subprocess.run([*launcher, __file__, "--rank-of", name], check=True, stdout=sys.stderr)
        for recipe, found in alone.items():
            both = {number: load_file(folder / f"{recipe}-{number}.safetensors") for number in ACCUMULATIONS}
            table = {f"1 rank, {number}": distance(found[number], found[1]) for number in ACCUMULATIONS[1:]}
            table |= {f"2 ranks, {number}": distance(both[number], found[1]) for number in ACCUMULATIONS}
            print(json.dumps({"recipe": recipe} | {cut: float(f"{value:.1e}") for cut, value in table.items()}))


if __name__ == "__main__":
    main()
