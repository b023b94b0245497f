"""What determines a run's result: its settings, the files that it names, its data, the versions of the libraries."""

import glob
import hashlib
import importlib.metadata
import json
import platform
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from genai_hf import changes, files, places, secrets
from genai_hf.errors import ConfigError
from genai_hf.ranks import ranks
from genai_hf.settings import pair_files, task_files, yaml_nodes

# Settings that cannot change the result: neither in a run's name nor compared on resume.
INDIFFERENT = re.compile(
    r"(recipe|overrides|run|root|overwrite|on_nan|max_skipped|speed\.keep_memory)$|resume\.|launch(\.|$)|hydra[./]"
    r"|trainer\.(logging_|save_|report_to$|hub_|push_to_hub$|disable_tqdm$|log_level|run_name$|project$)"
    r"|trainer\.dataloader_(num_workers|prefetch_factor|pin_memory|persistent_workers|multiprocessing_context)$"
)
# Settings from which other data follow: who agreed to them agreed to these.
DATA = re.compile(
    r"(data|files|task|tokenizer|supervised|mixture|segments|sequence_length|max_train_rows|model\.name)(\.|$)"
)
DECIDES = {"trainer.save_strategy", "trainer.save_steps"}  # which of a run's models is the final one
# What matters of these is their product with the number of ranks, which stands for them: the rows of a step.
ROWS = {"trainer.per_device_train_batch_size": 8, "trainer.gradient_accumulation_steps": 1}
# Settings that are younger than some runs, and what these were trained with.
LATER = {
    "speed.attention": "library",
    "speed.dropout": "library",
    "speed.documents": False,
    "speed.last_layer": "library",
    "speed.unpadded": "library",
    "tokens_per_batch": None,
    "pad_to_multiple_of": 1,
    "second_text": 0.0,
    "model.reinitialized_layers": 0,
    "tokenizer.revision": None,
    "teacher.revision": None,
}
LIBRARIES = ("torch", "transformers", "tokenizers", "datasets", "accelerate", "peft", "trl", "bitsandbytes", "numpy")
FILES = re.compile(r"(data|supervised\.\w+)\.files\.")  # settings that hold paths, whatever their last word
FILE = "fingerprint.json"


def settings(cfg: DictConfig) -> dict[str, Any]:
    """The settings that determine the result, flat and as JSON has them: dotted key to value, secrets redacted."""
    flat = changes.flatten(OmegaConf.to_container(cfg, resolve=True))
    chosen = DECIDES if flat.get("trainer.load_best_model_at_end") else set()  # what is saved is what can be best
    known = {key: value for key, value in flat.items() if key in chosen or not INDIFFERENT.match(key)}
    known = {key: value for key, value in known.items() if key not in ROWS}
    rows = {"global_batch": _global_batch(cfg)} if cfg.get("trainer") else {}
    shown = {key: secrets.hide(key, value) for key, value in known.items()} | rows
    as_written: dict[str, Any] = json.loads(json.dumps(shown, default=str))
    return as_written


def of(cfg: DictConfig) -> dict[str, dict[str, str]]:
    """What determines the result beside the settings: library versions, and the content of every file that is named."""
    versions = {"python": platform.python_version(), "genai-hf": importlib.metadata.version("genai-hf")}
    versions |= {name: importlib.metadata.version(name) for name in LIBRARIES}
    return {"versions": versions, "files": {key: _digest(paths) for key, paths in _named_files(cfg).items()}}


def read(path: Path) -> dict[str, Any]:
    """What a run's folder says that it was made of.

    Raises:
        ConfigError: That is missing or damaged.
    """
    return record(path / FILE, ("versions", "files"))


def record(file: Path, keys: Sequence[str] = ()) -> dict[str, Any]:
    """What a run's JSON file holds; the keys are those that each such file has.

    Raises:
        ConfigError: It is missing or damaged.
    """
    wrong = f"{file} is missing or damaged; begin the run anew with overwrite=true"
    try:
        facts = json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError) as error:
        raise ConfigError(wrong) from error
    if not isinstance(facts, dict) or not all(isinstance(facts.get(key), dict) for key in keys):
        raise ConfigError(wrong)
    return facts


def began_with(path: Path, asked: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that a run began with; those of what is asked for now that are younger, as it had them.

    Raises:
        ConfigError: They are missing or damaged.
    """
    return {key: value for key, value in LATER.items() if key in asked} | record(path / "settings.json")


def config(path: Path) -> DictConfig:
    """A run's own settings, as they were resolved.

    Raises:
        ConfigError: There is no run, or they are damaged.
    """
    if not (path / "config.yaml").is_file():
        raise ConfigError(f"{path} is not a run; name its folder, such as outputs/glue/…")
    try:
        cfg = yaml_nodes.read(path / "config.yaml")
    except ConfigError:
        raise
    except (OmegaConfBaseException, ValueError, OSError) as error:
        raise ConfigError(f"{path / 'config.yaml'} is damaged; run it again with overwrite=true") from error
    if not isinstance(cfg, DictConfig):
        raise ConfigError(f"{path / 'config.yaml'} holds no settings; run it again with overwrite=true")
    return cfg


def note(path: Path, **known: Mapping[str, str]) -> None:
    """Write down what is only known once the run has begun, such as its hardware."""
    before = read(path)
    files.write_json(path / FILE, before | {name: dict(facts) for name, facts in known.items()})


def is_other_data(path: Path, data: Mapping[str, str], allowed: Sequence[str]) -> bool:
    """Whether a run reads other data than it began with, and that was agreed to.

    Args:
        path: The run's folder.
        data: Fingerprint of each split.
        allowed: Keys whose change was agreed to; `data` is all of them.

    Raises:
        ConfigError: The data are others; the message names old and new.
    """
    known = read(path) if (path / FILE).is_file() else {}
    return bool(changes.agree(path, {"data": known.get("data", data)}, {"data": dict(data)}, allowed))


def stamps(cfg: DictConfig) -> dict[Path, places.Stamp]:
    """By what a change of a file that the settings name is noticed while the run begins; see `places.stamps`."""
    return places.stamps(file for paths in _named_files(cfg).values() for file in _contents(paths))


def _named_files(cfg: DictConfig) -> dict[str, list[Path]]:
    """What every setting called `path` or `name` points at, the data's files, the user's recipe."""
    known = {key: value for key, value in settings(cfg).items() if not key.startswith("task.")}
    named = {key: value for key, value in known.items() if key.rpartition(".")[2] in {"path", "name"}}
    named |= {"recipe": cfg.recipe} if cfg.recipe.endswith(".py") else {}
    found = _files_of_data(cfg)
    if found is None:
        named |= {key: value for key, value in known.items() if FILES.match(key)}
    else:  # of a folder that holds other things too, such as this run's own, only what is read
        named.pop("data.path", None)
    there = {key: paths for key, value in named.items() if (paths := _places(value))}
    return there | {f"data.{split}": paths for split, paths in (found or {}).items()}


def _files_of_data(cfg: DictConfig) -> dict[str, list[Path]] | None:
    """Files of each split of a labelled task or of texts with answers; None where the data are of another kind."""
    if "task" in cfg:
        return task_files.find(cfg.task, cfg.data) or {}
    if OmegaConf.select(cfg, "data.source") == "files":
        return pair_files.find(cfg.data.path, cfg.data.files)
    return None


def _places(named: Any) -> list[Path]:
    """What a path, a glob or several stand for; of anything else, which is refused later, nothing."""
    several = named if isinstance(named, list) else [named]
    patterns = [pattern for pattern in several if isinstance(pattern, str)]
    found = [glob.glob(str(Path(pattern).expanduser()), recursive=True) for pattern in patterns]  # noqa: PTH207
    return sorted(Path(path) for paths in found for path in paths)


def _contents(paths: Sequence[Path]) -> Iterator[Path]:
    for file in (file for path in paths for file in (sorted(places.below(path)) if path.is_dir() else [path])):
        if file.is_file() and file.name != "README.md":  # a model card tells how fast its training was
            yield file


def _digest(paths: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for file in _contents(paths):
        digest.update(file.name.encode() + places.digest(file))
    return digest.hexdigest()


def _global_batch(cfg: DictConfig) -> int:
    """Rows of one optimizer step over all ranks, which no single setting says; micro-batches where tokens make them."""
    rows, accumulation = (OmegaConf.select(cfg, key, default=usual) for key, usual in ROWS.items())
    processes = ranks() if ranks() > 1 else OmegaConf.select(cfg, "launch.processes") or 1
    return int(processes * accumulation * (1 if cfg.get("tokens_per_batch") else rows))
