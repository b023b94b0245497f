"""A script run again on two gloo ranks, and what a training leaves to compare."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from genai_hf.ranks import leave
from genai_hf.training import Trainer


def launched(script: str, folder: Path) -> dict[str, Any]:
    """Run a script, whose one argument is a file, on two ranks, and read what rank 0 wrote into the file."""
    out = folder / "out.json"
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", script, str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(out.read_text())


def curve(trainer: Trainer) -> dict[str, Any]:
    """Losses of all steps, and all figures of each epoch's evaluation."""
    trainer.train()
    history = trainer.state.log_history
    timeless = [{key: value for key, value in entry.items() if key.startswith("eval_")} for entry in history]
    return {
        "losses": [entry["loss"] for entry in history if "loss" in entry],
        "evaluations": [figures for figures in timeless if figures],
    }


def hand_in(out: str, results: dict[str, Any]) -> None:
    """End a rank; what rank 0 has found is left in a file."""
    if os.environ["RANK"] == "0":
        Path(out).write_text(json.dumps(results))
    leave(0)
