"""Six ways to spoil a step: does training stop before it, say where, and keep its checkpoints good?

python benchmarks/reliability/not_a_number.py
"""

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cases
import lives
import torch
from safetensors.torch import load_file
from torch import nn
from transformers import TrainerCallback

import genai_hf
from genai_hf.errors import NotANumberError
from genai_hf.training import checkpoints

AT = cases.EPOCH + 3  # the step before the one that is spoiled


class Spoil(TrainerCallback):
    """Spoils the model before a step."""

    def __init__(self, spoil: Callable[[nn.Module], object]) -> None:
        self.spoil = spoil

    def on_step_begin(self, args: Any, state: Any, control: Any, model: nn.Module, **kwargs: Any) -> None:
        """Once."""
        if state.global_step == AT:
            self.spoil(model)


def loss(model: nn.Module) -> None:
    """The last module's output is no number."""
    list(model.modules())[-1].register_forward_hook(lambda module, inputs, output: output * torch.nan)


def gradient(model: nn.Module) -> None:
    """The gradient of a weight in the middle is infinite."""
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    weights[len(weights) // 2].register_hook(lambda grad: grad * torch.inf)


def weight(model: nn.Module) -> None:
    """A weight itself is no number."""
    with torch.no_grad():
        next(weight for weight in model.parameters() if weight.ndim == 2).view(-1)[:] = torch.nan


def overflow(model: nn.Module) -> None:
    """An activation leaves the range of half precision: 65,504."""
    module = next(module for module in model.modules() if isinstance(module, nn.Linear))
    module.register_forward_hook(lambda module, inputs, output: (output * 1e8).half().to(output.dtype))


def spoiled(recipe: str, folder: Path, spoil: Callable[[nn.Module], object]) -> dict[str, Any]:
    """What the run says and leaves."""
    name = f"run={spoil.__name__}"
    words = cases.words(recipe, folder / "texts", "trainer.save_steps=1", "trainer.save_total_limit=2", name)
    trainer = genai_hf.build(genai_hf.compose(words[0], words[1:]))
    trainer.add_callback(Spoil(spoil))
    said = ""
    try:
        trainer.train()
    except NotANumberError as error:
        said = str(error)
    newest, _ = checkpoints.newest(Path(trainer.args.output_dir))
    good = newest is not None and all(
        tensor.isfinite().all() for tensor in load_file(newest / "model.safetensors").values()
    )
    return {
        "stopped before the step": trainer.state.global_step == AT and f"step {AT + 1} is not a number" in said,
        "names rank, module and examples": "rank 0: first in " in said and ", examples " in said,
        "checkpoint is good": bool(good) and lives.newest_step(newest.parent) in {AT, AT - 1},
    }


def ignored(recipe: str, folder: Path) -> dict[str, bool]:
    """A step in which every label is ignored: no error, and no step in any direction."""
    words = cases.words(recipe, folder / "texts", "run=ignored", "trainer.max_steps=3")
    trainer = genai_hf.build(genai_hf.compose(words[0], words[1:]))
    collator = trainer.data_collator

    def without_labels(rows: Any) -> dict[str, torch.Tensor]:
        batch = collator(rows)
        return batch | {"labels": torch.full_like(batch["labels"], -100)}

    trainer.data_collator = without_labels
    trainer.train()
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    finite = all(bool(weight.isfinite().all()) for weight in trainer.model.parameters())
    return {"no error": trainer.state.global_step == 3, "loss is zero": losses == [0.0] * 3, "weights finite": finite}


def main() -> None:
    """Print one line of JSON for each recipe; the case of one rank alone is in tests/training/test_not_a_number.py."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lives.os.environ |= {"GENAI_HF_ROOT": str(folder), "GENAI_HF_CACHE": str(folder / "cache")}
        for recipe in cases.OWN:
            found = {spoil.__name__: spoiled(recipe, folder, spoil) for spoil in (loss, gradient, weight, overflow)}
            print(json.dumps({"recipe": recipe} | found | {"all labels ignored": ignored(recipe, folder)}))


if __name__ == "__main__":
    main()
