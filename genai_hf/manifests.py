"""The SHA-256 of each file of a folder, in a manifest, by which damage is seen before it is used."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from genai_hf import files, places
from genai_hf.errors import ConfigError

MANIFEST = "manifest.json"
CARD = "README.md"  # for readers, and written again with other figures
WEIGHTS = ".safetensors"
READ = (WEIGHTS, ".json", ".jinja", ".txt", ".model")  # endings of what the libraries take from a model's folder
WHERE = {"", "additional_chat_templates"}  # and in which places of it they look


def write(folder: Path) -> None:
    """List a folder's files as they are now, but for its model card."""
    note(folder, {name: digest(folder / name) for name in _names(folder)})


def note(folder: Path, digests: Mapping[str, str]) -> None:
    """Make a folder's manifest of the digests of those of its files that it is to list."""
    files.write_text(folder / MANIFEST, _text(digests))


def problem(folder: Path, *, weights: bool = True) -> str | None:
    """What is wrong with a folder: None where every file has the content that was written.

    Args:
        folder: With a manifest.
        weights: Whether its tensors are read too.
    """
    if not (folder / MANIFEST).is_file():
        return f"{MANIFEST} is missing"
    manifest = _read(folder)
    if not manifest:
        return f"{MANIFEST} is damaged"
    wrong = (
        (name, _wrong(folder / name, expected))
        for name, expected in manifest.items()
        if weights or not name.endswith(WEIGHTS)
    )
    return next((f"{name} {found}" for name, found in wrong if found), None)


def others(folder: Path) -> list[str]:
    """Names of files that lie in a folder and were not written with it, but for hidden ones."""
    known = _read(folder)
    return [name for name in _names(folder) if name not in known and not f"/{name}".count("/.")]


def is_looked_at(name: str) -> bool:
    """Whether a library looks where this file of a model's folder lies: in no folder within it but one."""
    return name.rpartition("/")[0] in WHERE


def require_whole(model: Path, *, weights: bool = True) -> None:
    """Refuse what a run left and is not as it was written; what comes from elsewhere has no manifest of ours.

    Raises:
        ConfigError: A file of it is missing or damaged, or lies there and would be read though it is not the run's.
    """
    if not ((model.parent / places.RUN).is_file() and (model / MANIFEST).is_file()):
        return
    yours = f"or delete its {MANIFEST} if the change is yours"
    if wrong := problem(model, weights=weights):
        raise ConfigError(f"{model}: {wrong}; run it again with overwrite=true, {yours}")
    if strange := [name for name in others(model) if name.endswith(READ) and is_looked_at(name)]:
        raise ConfigError(f"{model}: {strange[0]} was not written by its run; take it out, {yours}")


def digest(file: Path) -> str:
    """SHA-256 of a file's content."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _names(folder: Path) -> list[str]:
    names = sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())
    return [name for name in names if name not in {CARD, MANIFEST}]


def _read(folder: Path) -> dict[str, str]:
    """A folder's manifest; nothing where it is not as it was written."""
    try:
        text = (folder / MANIFEST).read_text(encoding="utf-8")
        manifest = json.loads(text)
    except (OSError, ValueError, RecursionError):
        return {}
    return manifest if isinstance(manifest, dict) and text == _text(manifest) else {}


def _wrong(file: Path, expected: str) -> str | None:
    """What is wrong with a file that should have this digest."""
    if not file.is_file():
        return "is missing"
    try:
        return None if digest(file) == expected else "is damaged"
    except OSError as error:
        return f"cannot be read ({error.strerror})"


def _text(digests: Mapping[str, str]) -> str:
    return json.dumps(dict(digests), indent=1) + "\n"
