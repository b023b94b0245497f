"""The SHA-256 of each file of a folder, in a manifest, by which damage is seen before it is used."""

import hashlib
import json
from pathlib import Path

from genai_hf import files, places
from genai_hf.errors import ConfigError

MANIFEST = "manifest.json"
CARD = "README.md"  # for readers, and written again with other figures
WEIGHTS = ".safetensors"


def write(folder: Path) -> None:
    """List a folder's files as they are now, but for its model card."""
    names = sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())
    digests = {name: digest(folder / name) for name in names if name not in {CARD, MANIFEST}}
    files.write_text(folder / MANIFEST, _text(digests))


def problem(folder: Path, *, weights: bool = True) -> str | None:
    """What is wrong with a folder: None where every file has the content that was written.

    Args:
        folder: With a manifest.
        weights: Whether its tensors are read too.
    """
    if not (folder / MANIFEST).is_file():
        return f"{MANIFEST} is missing"
    try:
        text = (folder / MANIFEST).read_text(encoding="utf-8")
        manifest = json.loads(text)
    except (OSError, ValueError):
        return f"{MANIFEST} is damaged"
    if not manifest or not isinstance(manifest, dict) or text != _text(manifest):
        return f"{MANIFEST} is damaged"
    wrong = (
        (name, _wrong(folder / name, expected))
        for name, expected in manifest.items()
        if weights or not name.endswith(WEIGHTS)
    )
    return next((f"{name} {found}" for name, found in wrong if found), None)


def require_whole(model: Path, *, weights: bool = True) -> None:
    """Refuse what a run left and is not as it was written; what comes from elsewhere has no manifest of ours.

    Raises:
        ConfigError: A file of it is missing or damaged.
    """
    if not ((model.parent / places.RUN).is_file() and (model / MANIFEST).is_file()):
        return
    if wrong := problem(model, weights=weights):
        remedy = f"run it again with overwrite=true, or delete its {MANIFEST} if the change is yours"
        raise ConfigError(f"{model}: {wrong}; {remedy}")


def digest(file: Path) -> str:
    """SHA-256 of a file's content."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _wrong(file: Path, expected: str) -> str | None:
    """What is wrong with a file that should have this digest."""
    if not file.is_file():
        return "is missing"
    try:
        return None if digest(file) == expected else "is damaged"
    except OSError as error:
        return f"cannot be read ({error.strerror})"


def _text(digests: dict[str, str]) -> str:
    return json.dumps(digests, indent=1) + "\n"
