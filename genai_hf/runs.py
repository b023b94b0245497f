"""A run is a folder named by its command: what it is called, what may be in it, whether it goes on or is finished.

No clock and no random number enters a name, so every rank finds the same folder without talking. Only rank 0 writes.
"""

import hashlib
import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig

from genai_hf import changes, files, final_numbers, fingerprints, locks, places, secrets
from genai_hf.errors import ConfigError
from genai_hf.ranks import rank

if TYPE_CHECKING:
    from transformers import TrainerState

# What a run has written down before its config.yaml.
BEGINNING = {fingerprints.FILE, "settings.json", "command.txt", locks.REPLACED}
LONGEST_NAME = 100  # characters of its readable part


@dataclass(frozen=True)
class Run:
    """A run's folder and how far it got.

    Attributes:
        folder: Where it is.
        metrics: The final numbers, once it is finished.
        is_new: Nothing has happened in it yet.
        changed: Keys of what it goes on with that is not as it began.
        stamps: Of the files that its settings name, taken before anything of them was read.
    """

    folder: Path
    metrics: dict[str, float] | None = None
    is_new: bool = False
    changed: tuple[str, ...] = ()
    stamps: Mapping[Path, places.Stamp] = field(default_factory=dict)


def folder(cfg: DictConfig) -> Path:
    """Where the run of this config writes: ``<root>/<recipe>/<name>``.

    Raises:
        ConfigError: A name that was given is none of a folder; with another letter in its place it might be another's.
    """
    name = _name(cfg) if cfg.run is None else str(cfg.run)
    if _safe(name) != name:
        raise ConfigError(f"'run': '{name}' cannot name a folder; run={_safe(name)} can")
    if name.startswith(".") or name == "sweeps":
        raise ConfigError(f"'run': {name} cannot name a run; choose another")
    return within(cfg.root, Path(cfg.recipe).stem, name)


def within(root: str, *names: str) -> Path:
    """A folder below the root of all runs.

    Raises:
        ConfigError: It has no name, or a link leads out of it.
    """
    if not root:
        raise ConfigError("'root' is empty; name a folder, such as root=outputs, or leave GENAI_HF_ROOT unset")
    path = Path(root, *names).expanduser()
    if not path.resolve().is_relative_to(Path(root).expanduser().resolve()):
        raise ConfigError(f"{path} is a link that leads out of {root}; remove it, or choose another place with root=…")
    return path


def open_run(cfg: DictConfig) -> Run:
    """Find the run of this config, or make its folder.

    Raises:
        ConfigError: The folder holds a run with other settings, data or library versions.
    """
    run = find(cfg)
    begin(run, cfg)
    return run


def find(cfg: DictConfig) -> Run:
    """Look for the run of this config; nothing is written.

    Raises:
        ConfigError: The folder holds a run with other settings, data or library versions, or something else.
    """
    path, stamps = folder(cfg), fingerprints.stamps(cfg)
    # Every rank looks, and finds the same: nothing is written to a run that exists before all of them train.
    has_begun = (path / "config.yaml").is_file() and not cfg.overwrite
    changed = _changed(path, cfg) if has_begun else ()
    if allowed(cfg) and not has_begun:
        raise ConfigError(f"resume.allow is for a run that has begun, and {path} has not; name it with run=…")
    if has_begun and not changed and (path / final_numbers.FILE).is_file():
        return Run(path, final_numbers.read(path))
    if rank() == 0 and not has_begun:
        _require_free(path, overwrite=cfg.overwrite)
    if rank() == 0 and path.is_dir():
        locks.require_free(path)
    return Run(path, is_new=not has_begun, changed=changed, stamps=stamps)


def begin(run: Run, cfg: DictConfig) -> None:
    """Take the run's folder for this process; make it, and write down what the run is of, where it is new.

    Raises:
        ConfigError: It cannot be made, or another process is at it.
    """
    if rank() > 0 or run.metrics is not None:
        return
    facts = fingerprints.of(cfg) if run.is_new else {}  # before there is a folder that a file refused would leave
    try:
        run.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        place = "choose another place with root=…"
        raise ConfigError(f"{run.folder} cannot be made ({error.strerror}); {place}") from error
    locks.hold(run.folder)
    if run.is_new:
        locks.put_back(run.folder)  # what one set aside that was killed before it could begin
        locks.set_aside(run.folder)
        _write_down(run.folder, cfg, facts)


def take_over(path: Path, cfg: DictConfig, decided: DictConfig, data: Mapping[str, str], state: "TrainerState") -> None:
    """Write down what a run that has begun goes on with, and after which step it does.

    Args:
        path: The run's folder.
        cfg: Its present settings, as they were asked for: it is these that the next command is compared with.
        decided: The same with what the hardware and the Hub decide.
        data: Fingerprint of each split.
        state: Where the checkpoint has put its training.

    Raises:
        ConfigError: It has taken all its steps, so other settings would change nothing.
    """
    if state.global_step >= state.max_steps:
        more = "other settings change nothing; name another run with run=…, or let it take more: trainer.max_steps"
        raise ConfigError(f"{path} has taken all its {state.max_steps} steps: {more}")
    if rank() == 0:
        known, today = fingerprints.read(path), fingerprints.of(cfg) | {"data": dict(data)}
        asked = fingerprints.settings(cfg)
        before, now = fingerprints.began_with(path, asked), asked | today
        changed = changes.differences(before | {name: known.get(name) for name in today}, now)
        listed = "; ".join(f"{key}: {change}" for key, change in changed.items())
        history = known.get("changed", {}) | {f"after step {state.global_step}": listed}
        _write_down(path, cfg, known | today | {"changed": history})
        files.write_text(path / "config.yaml", secrets.to_yaml(decided))
        (path / final_numbers.FILE).unlink(missing_ok=True)


def allowed(cfg: DictConfig) -> list[str]:
    """Keys whose change is agreed to."""
    asked = cfg.resume.allow
    return [asked] if isinstance(asked, str) else list(asked or [])


def _name(cfg: DictConfig) -> str:
    """A readable part from the overrides, and a hash of every setting: an edited YAML is another run."""
    digest = hashlib.sha256(json.dumps(fingerprints.settings(cfg), sort_keys=True).encode()).hexdigest()
    return f"{readable(cfg.overrides)}-{digest[:8]}"


def readable(overrides: Sequence[str]) -> str:
    """Overrides as a part of a folder's name: without what cannot change the result, paths and secrets."""
    shown = [line.lstrip("+~") for line in overrides]
    shown = [
        line
        for line in shown
        if not fingerprints.INDIFFERENT.match(line.partition("=")[0]) and not secrets.is_secret(line)
    ]
    # A name that is too long has its keys shortened first: the values tell the runs of a sweep apart.
    names = [",".join(_readable(line, longest) for line in shown) for longest in (LONGEST_NAME, 28, 12, 6)]
    return next((name for name in names if len(name) <= LONGEST_NAME), names[-1])[:LONGEST_NAME] or "default"


def _readable(override: str, longest: int) -> str:
    """``data.path=/home/me/novels.jsonl.gz`` as ``data.path=novels``: no path enters a name."""
    key, _, value = override.partition("=")
    value = value.lower() if value in {"True", "False"} else value  # as Hydra's sweeper writes them
    key = key if len(key) <= longest else key.rpartition(".")[2][:longest]
    if "/" in value or "\\" in value:
        path = Path(value.strip("'\"").replace("\\", "/"))
        path = path.parent if path.name == "model" else path  # a run's, which all are called so
        value = path.name.partition(".")[0]
    return _safe(f"{key}={value}")


def _safe(text: str) -> str:
    return re.sub(r"[^\w.,=+-]", "_", text).replace("..", "_") or "_"


def _require_free(path: Path, *, overwrite: bool) -> None:
    """See that where a run begins nothing else is, or only what such a beginning left."""
    others = {file.name for file in path.iterdir()} - {locks.LOCK} if path.is_dir() else set()
    if path.is_file() or (others and not {fingerprints.FILE, locks.REPLACED} & others):
        raise ConfigError(f"{path} exists and is not a run; choose another name with run=…")
    if others - BEGINNING and locks.REPLACED not in others and not overwrite:
        remedy = "bring it back, choose another name with run=…, or begin anew with overwrite=true"
        raise ConfigError(f"{path} holds a run without its config.yaml; {remedy}")


def _write_down(path: Path, cfg: DictConfig, facts: Mapping[str, Any]) -> None:
    files.write_json(path / fingerprints.FILE, facts)
    files.write_json(path / "settings.json", fingerprints.settings(cfg))
    asked = [line for line in cfg.overrides if not line.startswith("resume.")]
    command = ["genai-hf", cfg.recipe, *map(secrets.hide_override, asked)]
    files.write_text(path / "command.txt", shlex.join(command) + "\n")
    files.write_text(path / "config.yaml", secrets.to_yaml(cfg))


def _changed(path: Path, cfg: DictConfig) -> tuple[str, ...]:
    """What differs from the settings, files and versions that the run began with; refused unless it was allowed."""
    known, today, asked = fingerprints.read(path), fingerprints.of(cfg), fingerprints.settings(cfg)
    recorded, now = fingerprints.began_with(path, asked), asked | today
    changes.refuse_unknown(allowed(cfg), recorded, known, now)
    return tuple(changes.agree(path, recorded | {name: known[name] for name in today}, now, allowed(cfg)))
