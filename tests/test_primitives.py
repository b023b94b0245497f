"""Few of oneDNN's primitives are kept."""

import gc
import os
import subprocess
import sys

import pytest

from genai_hf import cli, primitives
from genai_hf.models import precision

GROWTH = """
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
NAMES = (primitives.ONEDNN, primitives.OLD_ONEDNN, primitives.IDEEP)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ((None, None, None), ("128", None, "128")),
        (("7", None, "9"), ("7", None, "9")),
        (("0", None, "0"), ("0", None, "128")),
        ((None, "7", ""), (None, "7", "128")),
        ((None, "", "many"), ("128", "", "128")),
    ],
)
def test_the_command_keeps_few_and_the_users_own_numbers_count(monkeypatch, given, kept):
    for name, number in zip(NAMES, given, strict=True):
        monkeypatch.setenv(name, number or "")  # so that it comes back as it was
        if number is None:
            monkeypatch.delenv(name)
    monkeypatch.setattr(cli, "main", lambda: 0)
    monkeypatch.setattr(cli, "ranks", lambda: 1)
    monkeypatch.setattr(gc, "freeze", lambda: None)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setitem(sys.modules, "kernels", None)
    with pytest.raises(SystemExit):
        cli.command()
    assert tuple(os.environ.get(name) for name in NAMES) == kept


@pytest.mark.skipif(not precision.has_bf16(), reason="this processor has no bfloat16")
def test_products_of_ever_new_shapes_grow_by_little():
    def growth(few: bool) -> int:
        environment = {name: value for name, value in os.environ.items() if name not in NAMES}
        script = GROWTH.format(few=few)
        done = subprocess.run(
            [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
        )
        return int(done.stdout)

    assert growth(few=True) < growth(few=False) / 4
