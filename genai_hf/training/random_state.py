"""The streams of random numbers that dropout and libraries draw from: this process's, and its accelerator's."""

import random
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch


def read() -> dict[str, Any]:
    """Where the streams of Python, numpy and torch stand, as a tree that `state_tree` saves."""
    state = {"python": random.getstate(), "numpy": np.random.get_state(), "torch": torch.random.get_rng_state()}
    return state | ({"cuda": torch.cuda.get_rng_state()} if torch.cuda.is_available() else {})


def restore(state: Mapping[str, Any]) -> None:
    """Take the streams up there."""
    random.setstate(state["python"])
    np.random.set_state(state["numpy"])
    torch.random.set_rng_state(state["torch"])
    if "cuda" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state(state["cuda"])
