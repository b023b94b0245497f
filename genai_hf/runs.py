"""A run is a folder named by its command: what it is called, what may be in it, whether it goes on or is finished.

No clock and no random number enters a name, so every rank finds the same folder without talking. Only rank 0 writes.
"""

import hashlib
import importlib.metadata
import json
import math
import os
import platform
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from genai_hf import secrets
from genai_hf.errors import ConfigError

# Settings that cannot change the result: neither in a run's name nor compared on resume.
INDIFFERENT = re.compile(
    r"(recipe|overrides|run|root|overwrite)$"
    r"|trainer\.(logging_|save_|report_to$|hub_|push_to_hub$|disable_tqdm$|log_level|run_name$|project$)"
    r"|trainer\.dataloader_(num_workers|prefetch_factor|pin_memory|persistent_workers)$"
)
LIBRARIES = ("torch", "transformers", "tokenizers", "datasets", "accelerate", "peft", "trl", "bitsandbytes", "numpy")
FINISHED = "metrics.json"  # written last


@dataclass(frozen=True)
class Run:
    """A run's folder and how far it got: `metrics` are there once it is finished."""

    folder: Path
    metrics: dict[str, float] | None = None


def rank() -> int:
    """This process's place among the launcher's, 0 without one."""
    return int(os.environ.get("RANK", "0"))


def folder(cfg: DictConfig) -> Path:
    """Where the run of this config writes: ``<root>/<recipe>/<name>``."""
    return Path(cfg.root) / Path(cfg.recipe).stem / (_safe(str(cfg.run)) if cfg.run is not None else _name(cfg))


def open_run(cfg: DictConfig) -> Run:
    """Find the run of this config, or make its folder.

    Raises:
        ConfigError: The folder holds a run with other settings, data or library versions.
    """
    path = folder(cfg)
    if rank() == 0:  # the others take what they find: the first may still be writing
        if cfg.overwrite:
            shutil.rmtree(path, ignore_errors=True)
        elif (path / "config.yaml").is_file():
            _compare(path, cfg)
        elif path.is_dir() and any(path.iterdir()):
            raise ConfigError(f"{path} exists and is not a run; choose another name with run=…")
        _begin(path, cfg)
    if not cfg.overwrite and (path / FINISHED).is_file():
        return Run(path, json.loads((path / FINISHED).read_text(encoding="utf-8")))
    return Run(path)


def finish(path: Path, metrics: Mapping[str, float]) -> None:
    """Write the final numbers: from here on the run counts as finished."""
    write_json(path / FINISHED, {key: value if math.isfinite(value) else None for key, value in metrics.items()})


def write_json(path: Path, content: Any) -> None:
    """Write JSON as a whole or not at all."""
    write_text(path, json.dumps(content, indent=2, allow_nan=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write redacted text as a whole or not at all."""
    staged = path.with_name(f".{path.name}.{os.getpid()}")
    staged.write_text(secrets.redact(text), encoding="utf-8")
    staged.replace(path)


def fingerprint(cfg: DictConfig) -> dict[str, dict[str, str]]:
    """What determines the result beside the settings: library versions, and the content of every file that is named."""
    versions = {"python": platform.python_version(), "genai-hf": importlib.metadata.version("genai-hf")}
    versions |= {name: importlib.metadata.version(name) for name in LIBRARIES}
    return {"versions": versions, "files": _files(cfg)}


def note_hardware(path: Path, hardware: Mapping[str, str]) -> None:
    """Write down on what a run runs: for its report, never compared."""
    known = json.loads((path / "fingerprint.json").read_text(encoding="utf-8"))
    write_json(path / "fingerprint.json", known | {"hardware": dict(hardware)})


def settings(cfg: DictConfig) -> dict[str, Any]:
    """The settings that determine the result, flat: dotted key to value, secrets redacted."""
    flat = _flatten(OmegaConf.to_container(cfg, resolve=True))
    return {key: secrets.hide(key, value) for key, value in flat.items() if not INDIFFERENT.match(key)}


def _name(cfg: DictConfig) -> str:
    """A readable part from the overrides, and a hash of every setting: an edited YAML is another run."""
    digest = hashlib.sha256(json.dumps(settings(cfg), sort_keys=True, default=str).encode()).hexdigest()
    return f"{readable(cfg.overrides)}-{digest[:8]}"


def readable(overrides: Sequence[str]) -> str:
    """Overrides as a part of a folder's name: without what cannot change the result, paths and secrets."""
    shown = [line.lstrip("+~") for line in overrides]
    shown = [line for line in shown if not INDIFFERENT.match(line.partition("=")[0]) and not secrets.is_secret(line)]
    return ",".join(_readable(line) for line in shown)[:100] or "default"


def _readable(override: str) -> str:
    """``data.path=/home/me/novels.jsonl.gz`` as ``data.path=novels``: no path enters a name."""
    key, _, value = override.partition("=")
    if "/" in value or "\\" in value:
        value = Path(value.strip("'\"").replace("\\", "/")).name.partition(".")[0]
    return _safe(f"{key}={value}")


def _safe(text: str) -> str:
    return re.sub(r"[^\w.,=+-]", "_", text).replace("..", "_") or "_"


def _flatten(node: Any, prefix: str = "") -> dict[str, Any]:
    if isinstance(node, dict) and node:
        return {key: value for name in node for key, value in _flatten(node[name], f"{prefix}{name}.").items()}
    return {prefix[:-1]: node}


def _files(cfg: DictConfig) -> dict[str, str]:
    """SHA-256 of every file or folder that a setting called `path` or `name` points at."""
    named = {key: Path(value) for key, value in settings(cfg).items() if _names_a_file(key, value)}
    return {key: _digest(path) for key, path in named.items()}


def _names_a_file(key: str, value: Any) -> bool:
    return key.rpartition(".")[2] in {"path", "name"} and isinstance(value, str) and Path(value).exists()


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
        if file.is_file():
            digest.update(file.relative_to(path).as_posix().encode())
            with file.open("rb") as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()


def _begin(path: Path, cfg: DictConfig) -> None:
    path.mkdir(parents=True, exist_ok=True)
    if not (path / "config.yaml").is_file():
        write_json(path / "fingerprint.json", fingerprint(cfg))
        write_json(path / "settings.json", settings(cfg))
        write_text(
            path / "command.txt", " ".join(["genai-hf", cfg.recipe, *map(secrets.hide_override, cfg.overrides)]) + "\n"
        )
        write_text(path / "config.yaml", secrets.to_yaml(cfg))


def _compare(path: Path, cfg: DictConfig) -> None:
    recorded = json.loads((path / "settings.json").read_text(encoding="utf-8"))
    known = json.loads((path / "fingerprint.json").read_text(encoding="utf-8"))
    before = recorded | _flatten({name: known[name] for name in ("versions", "files")})
    now = json.loads(json.dumps(settings(cfg), default=str)) | _flatten(fingerprint(cfg))
    changed = [key for key in sorted({*before, *now}) if before.get(key) != now.get(key)]
    if changed:
        listed = "; ".join(f"{key}: {_short(before.get(key))} → {_short(now.get(key))}" for key in changed)
        raise ConfigError(
            f"{path} was made with other settings ({listed}); name another with run=… or add overwrite=true"
        )


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:12]}…"
