"""The folder of a model looked at before anything heavy is imported: what it lacks, and what is cut short."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from genai_hf.errors import ConfigError, about
from genai_hf.manifests import require_whole
from genai_hf.places import is_path, refuse_page, require_model

CONFIG = "config.json"
WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
SAVED = "give a folder that save_pretrained wrote"


def finished_model(run: str) -> Path:
    """The folder of a finished run's model.

    Raises:
        ConfigError: The run has none.
    """
    model, finished = Path(run).expanduser() / "model", Path(run).expanduser() / "metrics.json"
    if not ((model / "config.json").is_file() and finished.is_file()):
        raise ConfigError(f"'init_from': {run} holds no model; name the folder of a run that has finished")
    return model


def model_of(name: str) -> str:
    """The model that a name stands for: of a finished run's folder the one in it, else what it says.

    Raises:
        ConfigError: It is a folder, or looks like one, and holds no model.
    """
    refuse_page("teacher.name", name)
    folder = Path(name).expanduser()
    if (folder / "model" / "config.json").is_file():
        return str(finished_model(name))
    if is_path(name) and not (folder / "config.json").is_file():
        raise ConfigError(f"'teacher.name': {name} holds no model; name a finished run, a model's folder, or a Hub id")
    return name


def require(key: str, name: str, *, weights: bool = True) -> None:
    """See that a folder holds a model; what looks like a Hub id is left to the Hub.

    Args:
        key: The setting that names it.
        name: A folder or a Hub id.
        weights: Whether its weights are wanted, and not only its sizes.

    Raises:
        ConfigError: It does not, or something of it is damaged.
    """
    try:
        require_model(name)
        if (folder := Path(name).expanduser()).is_dir():
            require_whole(folder, weights=weights)
            require_configuration(folder)
            if weights:
                require_weights(folder)
    except ConfigError as error:
        raise about(key, error) from error


def require_configuration(folder: Path) -> dict[str, Any]:
    """A model's own configuration.

    Raises:
        ConfigError: There is none, or it does not say which architecture it is of.
    """
    if not (folder / CONFIG).is_file():
        raise ConfigError(f"{folder} holds no {CONFIG}; {SAVED}, or a Hub id")
    content = _json(folder / CONFIG)
    if not isinstance(content, dict) or not isinstance(content.get("model_type"), str):
        raise ConfigError(f"{folder / CONFIG} says no 'model_type'; {SAVED}")
    kernel = next((str(value) for key, value in content.items() if "attn_implementation" in key and value), "")
    if "/" in kernel:
        raise ConfigError(f"{folder / CONFIG} asks for {kernel}, native code of the Hub; take that line out")
    return content


def require_objects(folder: Path, names: Iterable[str]) -> None:
    """See that those of the files that are there hold a JSON object each.

    Raises:
        ConfigError: One does not.
    """
    for file in (folder / name for name in names if (folder / name).is_file()):
        if not isinstance(_json(file), dict):
            raise ConfigError(f"{file} holds no JSON object; copy it anew")


def require_weights(folder: Path) -> None:
    """See that there are safetensors, and that every file of them is as long as its header says.

    Raises:
        ConfigError: There are none, or one is missing, cut short or outside the folder.
    """
    for file in weight_files(folder):
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(file, framework="numpy"):
                pass
        except (OSError, SafetensorError) as error:
            reason = str(error).partition("\n")[0].removeprefix("Error while deserializing header: ")
            raise ConfigError(f"{file} is no whole safetensors file ({reason}); copy it anew") from error


def weight_files(folder: Path) -> list[Path]:
    """The files of a model's weights, in the order in which transformers looks for them."""
    if (folder / WEIGHTS).is_file():
        return [folder / WEIGHTS]
    if not (folder / INDEX).is_file():
        pickles = sorted(folder.glob("*.bin"))
        found = f", only {pickles[0].name}: a pickle, which may run code when it is read" if pickles else ""
        remedy = "have it saved anew where it can be trusted, by save_pretrained" if pickles else SAVED
        raise ConfigError(f"{folder} holds no {WEIGHTS}{found}; {remedy}")
    content = _json(folder / INDEX)
    names = content.get("weight_map") if isinstance(content, dict) else None
    if not isinstance(names, dict) or not names or not all(isinstance(name, str) for name in names.values()):
        raise ConfigError(f"{folder / INDEX} has no 'weight_map'; {SAVED}")
    for name in sorted(set(names.values())):
        if Path(name).name != name:
            raise ConfigError(f"{folder / INDEX} names {name}, which is no file of this folder; {SAVED}")
        if not (folder / name).is_file():
            raise ConfigError(f"{folder} lacks {name}, which its index names; copy it anew")
    return [folder / name for name in sorted(set(names.values()))]


def _json(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(f"{file} is no JSON ({str(error).partition(chr(10))[0]}); copy it anew") from error
