"""What the weights in a folder are called and how large they are, by the headers of its files: for a look at a run."""

import re
from collections.abc import Mapping
from pathlib import Path

from safetensors import safe_open
from transformers import PreTrainedModel

from genai_hf import model_folders
from genai_hf.models.read_weights import LAYER, disagreement, require_body, require_layers


def require_alike(model: PreTrainedModel, name: str) -> None:
    """Refuse what reading the weights would refuse for their shapes or for their number of layers.

    What the files call otherwise than the model does is left to reading them, and so is a model on the Hub.

    Args:
        model: Without weights.
        name: Its folder or its Hub id.

    Raises:
        ConfigError: The files hold a weight of its body in another shape, or other layers.
    """
    held = _shapes(Path(name).expanduser())
    prefix = f"{model.base_model_prefix}."
    layers = {layer[0]: layer["stack"] for key in held if (layer := LAYER.match(key))}
    beside = model._keys_to_ignore_on_load_unexpected or ()  # such as layers that predict further tokens
    require_layers(model, name, (key for key in held if not any(re.search(pattern, key) for pattern in beside)))
    lacking = []
    for key, weight in model.state_dict().items():
        spelt = [key, key.removeprefix(prefix), f"{prefix}{key}"]  # with the body's name or without, as it was saved
        theirs = next((held[one] for one in spelt if one in held), None)
        if theirs is None:
            of = [layer for one in spelt if (layer := LAYER.match(one))]
            if any(layer["stack"] in layers.values() and layer[0] not in layers for layer in of):
                lacking.append(key)
        elif theirs != tuple(weight.shape) and key.startswith(prefix):
            raise disagreement(name, key, theirs, tuple(weight.shape))
    require_body(model, name, sorted(lacking))


def _shapes(folder: Path) -> Mapping[str, tuple[int, ...]]:
    """Of every weight in a folder, by its name; nothing where there are none to read."""
    if not any((folder / file).is_file() for file in (model_folders.WEIGHTS, model_folders.INDEX)):
        return {}
    found = dict[str, tuple[int, ...]]()
    for file in model_folders.weight_files(folder):
        with safe_open(file, framework="pt") as opened:
            found |= {key: tuple(opened.get_slice(key).get_shape()) for key in opened.keys()}  # noqa: SIM118
    return found
