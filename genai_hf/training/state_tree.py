"""State of optimizer, schedule and random numbers in two files without pickle: tensors as safetensors, the rest JSON.

What is read back is what was saved, bit for bit, with its types: nothing in a file can name code to run.
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor


def save(tree: Any, stem: Path) -> None:
    """Write ``stem.safetensors`` and ``stem.json``.

    Args:
        tree: Dictionaries, lists, tuples, tensors, arrays, strings, numbers, True, False and None, nested.
        stem: The files' path without their ending.

    Raises:
        TypeError: Something else is in the tree.
    """
    tensors: dict[str, Tensor] = {}
    text = json.dumps(_encoded(tree, tensors), allow_nan=False)
    save_file(_apart(tensors), stem.with_suffix(".safetensors"))
    stem.with_suffix(".json").write_text(text + "\n", encoding="utf-8")


def _apart(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same with memory of its own for each, as safetensors wants it; optimizers of 8 bits share their maps."""
    known, apart = set[int](), dict[str, Tensor]()
    for name, tensor in tensors.items():
        place = tensor.untyped_storage().data_ptr()
        apart[name] = tensor.clone() if place in known else tensor
        known.add(place)
    return apart


def load(stem: Path) -> Any:
    """The tree that was saved; its tensors on the processor.

    Raises:
        FileNotFoundError: One of the two files is missing.
    """
    text = stem.with_suffix(".json").read_text(encoding="utf-8")
    return _decoded(json.loads(text), load_file(stem.with_suffix(".safetensors")))


def _encoded(node: Any, tensors: dict[str, Tensor]) -> Any:  # noqa: PLR0911 - one a kind
    """JSON for a node: what JSON lacks becomes an object with one key, its kind."""
    if isinstance(node, Mapping):
        return {"dict": [[_encoded(key, tensors), _encoded(value, tensors)] for key, value in node.items()]}
    if isinstance(node, list):
        return [_encoded(item, tensors) for item in node]
    if isinstance(node, tuple):
        return {"tuple": [_encoded(item, tensors) for item in node]}
    if isinstance(node, Tensor):
        return {"tensor": _added(node.detach().cpu().contiguous(), tensors)}
    if isinstance(node, np.ndarray):
        return {"array": _added(torch.from_numpy(np.ascontiguousarray(node)), tensors)}
    if isinstance(node, float) and not math.isfinite(node):
        return {"float": str(node)}
    if node is None or isinstance(node, (bool, int, float, str)):
        return node
    raise TypeError(f"{type(node).__name__} cannot be saved without pickle")


def _added(tensor: Tensor, tensors: dict[str, Tensor]) -> str:
    name = str(len(tensors))
    tensors[name] = tensor
    return name


def _decoded(node: Any, tensors: Mapping[str, Tensor]) -> Any:
    if isinstance(node, list):
        return [_decoded(item, tensors) for item in node]
    if not isinstance(node, dict):
        return node
    ((kind, content),) = node.items()
    if kind == "dict":
        return {_decoded(key, tensors): _decoded(value, tensors) for key, value in content}
    if kind == "tuple":
        return tuple(_decoded(item, tensors) for item in content)
    if kind == "array":
        array: NDArray[Any] = tensors[content].numpy()
        return array
    return tensors[content] if kind == "tensor" else float(content)
