"""One step of masked language modelling in two shards on the processor: sharding_script.py OUT."""

import os
import sys
from pathlib import Path

import numpy as np
import torch
import torch.distributed
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard

sys.path.insert(0, str(Path(__file__).parents[1]))
from conftest import Rows, make_tokenizer, tiny_bert

from genai_hf.collators.masking import MaskedLMCollator
from genai_hf.objectives.language import LanguageModelling, TextTally
from genai_hf.ranks import leave

ROWS = 16


def step(rank: int = 0, ranks: int = 1, *, head_on_labels: bool = True) -> tuple[torch.nn.Module, float]:
    """Take one rank's share of the rows forwards and backwards; the model, and its part of the loss."""
    model = tiny_bert(torch.float64)
    objective = LanguageModelling(text=TextTally(np.arange(64)), term="masked_lm", head_on_labels=head_on_labels)
    collator, rows = MaskedLMCollator(tokenizer=make_tokenizer()), Rows(ROWS, (16, 9, 30))
    together = sum(int(objective.count(collator([rows[0, index]]))["masked_lm"]) for index in range(ROWS))
    if ranks > 1:
        mesh = init_device_mesh("cpu", (ranks,))
        for layer in model.bert.encoder.layer:
            fully_shard(layer, mesh=mesh)
        fully_shard(model, mesh=mesh)
    batch = collator([rows[0, index] for index in range(rank, ROWS, ranks)])
    loss = objective.sums(model, batch)["masked_lm"] * ranks / together  # gradients are averaged over the ranks
    loss.backward()
    return model, float(loss.detach())


def main(out: str) -> None:
    """Leave the gathered gradients."""
    torch.distributed.init_process_group("gloo")
    model, loss = step(torch.distributed.get_rank(), torch.distributed.get_world_size())
    named = [(name, weight.grad) for name, weight in model.named_parameters() if weight.grad is not None]
    gradients = {name: gradient.full_tensor() for name, gradient in named}
    parts = torch.tensor(loss, dtype=torch.float64)
    torch.distributed.all_reduce(parts)
    if os.environ["RANK"] == "0":
        torch.save({"gradients": gradients, "loss": float(parts) / torch.distributed.get_world_size()}, out)
    torch.distributed.barrier()
    leave(0)  # after which no thread of a library can abort the process


if __name__ == "__main__":
    main(*sys.argv[1:])
