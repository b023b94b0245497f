"""Few of oneDNN's primitives are kept."""

import os
import subprocess
import sys

import pytest
import torch

from genai_hf import cli, primitives

GROWTH = """
import os
import torch
from genai_hf import allocator, primitives

if {few}:
    primitives.keep_few()
weight = torch.ones(128, 128, dtype=torch.bfloat16)
for length in range(64, 664):
    torch.nn.functional.linear(torch.ones(length, 128, dtype=torch.bfloat16), weight)
    if length == 263:
        before = allocator.resident()
print(allocator.resident() - before)
"""


def test_the_command_keeps_few_and_the_users_own_number_counts(monkeypatch):
    first, second = primitives.VARIABLES
    monkeypatch.setenv(first, "7")
    monkeypatch.setenv(second, "")  # so that it is taken away again
    monkeypatch.delenv(second)
    monkeypatch.setattr(cli, "main", lambda: 0)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setitem(sys.modules, "kernels", None)
    with pytest.raises(SystemExit):
        cli.command()
    assert (os.environ[first], os.environ[second]) == ("7", str(primitives.KEPT))


@pytest.mark.skipif(not torch.ops.mkldnn._is_mkldnn_bf16_supported(), reason="oneDNN has no 16 bits on this processor")
def test_products_of_ever_new_shapes_grow_by_little():
    def growth(few: bool) -> int:
        environment = {name: value for name, value in os.environ.items() if name not in primitives.VARIABLES}
        script = GROWTH.format(few=few)
        done = subprocess.run(
            [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
        )
        return int(done.stdout)

    assert growth(few=True) < growth(few=False) / 4
