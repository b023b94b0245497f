import json
import math
import random

import numpy as np
import pytest
import torch

from genai_hf.training import random_state, state_tree

TREE = {
    "state": {0: {"step": torch.tensor(3.0), "exp_avg": torch.tensor([1e-40, math.nan, -0.0])}, 7: {}},
    "param_groups": [{"lr": 0.1 + 0.2, "betas": (0.9, 0.98), "params": [0, 7], "foreach": None, "fused": True}],
    "name": "Adam",
    "limits": [math.inf, -math.inf, 2**70],
    "half": torch.tensor([1.5, -2.5], dtype=torch.bfloat16),
    "array": np.array([2**32 - 1, 0], dtype=np.uint32),
    "empty": (),
}


def same(one, other):
    if isinstance(one, torch.Tensor):
        one, other = (value.contiguous().view(torch.uint8) if value.ndim else value for value in (one, other))
        return one.dtype == other.dtype and torch.equal(one, other)
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other)
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return type(one) is type(other) and len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and one == other


def test_what_is_read_back_is_what_was_saved_with_its_types(tmp_path):
    state_tree.save(TREE, tmp_path / "state")
    assert same(state_tree.load(tmp_path / "state"), TREE)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["state.json", "state.safetensors"]
    json.loads((tmp_path / "state.json").read_text(), parse_constant=pytest.fail)


def test_what_would_need_pickle_is_refused(tmp_path):
    with pytest.raises(TypeError, match="object cannot be saved without pickle"):
        state_tree.save({"a": [object()]}, tmp_path / "state")
    assert list(tmp_path.iterdir()) == []


def draws():
    return random.random(), float(np.random.rand()), float(torch.rand(()))


def test_random_numbers_go_on_where_they_were_saved(tmp_path):
    state_tree.save(random_state.read(), tmp_path / "random")
    first = draws()
    draws()
    random_state.restore(state_tree.load(tmp_path / "random"))
    assert draws() == first


def test_tensors_that_share_their_memory_are_saved_each(tmp_path):
    shared = torch.arange(4.0)
    state_tree.save({"one": shared, "two": shared, "part": shared[1:3]}, tmp_path / "s")
    found = state_tree.load(tmp_path / "s")
    assert found["one"].tolist() == found["two"].tolist() == [0, 1, 2, 3]
    assert found["part"].tolist() == [1, 2]
