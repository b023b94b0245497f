"""The streams of random numbers that dropout and libraries draw from: this process's, and its accelerator's."""

import random
from pathlib import Path

import numpy as np
import torch

from genai_hf.training import state_tree


def save(stem: Path) -> None:
    """Write down where the streams of Python, numpy and torch stand."""
    state = {"python": random.getstate(), "numpy": np.random.get_state(), "torch": torch.random.get_rng_state()}
    if torch.cuda.is_available():
        state["cuda"] = torch.cuda.get_rng_state()
    stem.parent.mkdir(parents=True, exist_ok=True)  # a rank may get here before the one that saves the model
    state_tree.save(state, stem)


def restore(stem: Path) -> None:
    """Take the streams up there; where nothing was saved, as for a rank that is new, they go on as they are."""
    if not stem.with_suffix(".json").is_file():
        return
    state = state_tree.load(stem)
    random.setstate(state["python"])
    np.random.set_state(state["numpy"])
    torch.random.set_rng_state(state["torch"])
    if "cuda" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state(state["cuda"])
