"""Head and loss in shards: what FSDP does on GPUs, tried with its own parts on the processor.

`Trainer` under FSDP on processors silently becomes DDP, so it is not what is tried here.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from sharding_script import step


@pytest.mark.slow
def test_two_shards_give_the_gradient_of_the_whole(tmp_path):
    whole, loss = step()
    script = Path(__file__).with_name("sharding_script.py")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", script]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run([*command, tmp_path / "out"], capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    sharded = torch.load(tmp_path / "out", weights_only=True)
    assert sharded["loss"] == pytest.approx(loss, rel=1e-12)
    expected = {name: weight.grad for name, weight in whole.named_parameters() if weight.grad is not None}
    assert sharded["gradients"].keys() == expected.keys()
    scale = max(float(gradient.norm()) for gradient in expected.values())
    for name, gradient in expected.items():
        distance = float((sharded["gradients"][name] - gradient).norm()) / max(float(gradient.norm()), 1e-6 * scale)
        assert distance < 1e-10, name
