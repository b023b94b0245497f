"""What is there instead of a file that is not: light enough to be asked before any library is loaded."""

import difflib
import glob
import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from genai_hf.errors import ConfigError, DataError

PAGE = re.compile(r"https?://(?:www\.)?(?:huggingface|hf)\.co/([\w.-]+(?:/[\w.-]+)?)")  # of a model on the Hub
SECTIONS = re.compile(r"/(tree|blob|resolve|discussions)$")  # behind an id without an owner
LISTED = 5  # names shown of a folder
RUN = "fingerprint.json"  # the file by which the folder of a run is known
MERGED = "merged"  # in it, the model that the verb merge makes of its adapter

# A file's number, its size in bytes, and when it was changed, in ns: as it says, and as the system noted.
Stamp: TypeAlias = tuple[int, int, int, int]


def existing(path: str) -> list[Path]:
    """The files and folders that a path or a glob stands for.

    Raises:
        DataError: There is none, with what the nearest folder holds; or it cannot be read.
    """
    place = Path(path).expanduser()
    if "://" in path:
        raise DataError(f"{path}: nothing is downloaded from an address; fetch it, and name the file")
    try:
        if place.exists():
            return [place]
        found = [Path(name) for name in glob.glob(str(place), recursive=True)]  # noqa: PTH207 - Path.glob takes no absolute one
        found = [path for path in found if path.exists()]  # no links to what is gone
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); allow it, or name another") from error
    if not found:
        problem = "no file matches" if glob.has_magic(path) else "no such file"
        problem += " (braces are no pattern here)" if "{" in path else ""
        raise DataError(f"{path}: {problem}; {surroundings(place)}")
    return found


def require_model(name: str) -> None:
    """See that what looks like a folder of a model is one; what looks like a Hub id is left to the Hub.

    Raises:
        ConfigError: It is not.
    """
    if Path(name).expanduser().is_file():
        raise ConfigError(f"{name} is a file; give the folder in which it lies")
    if (adapter := Path(name).expanduser() / "adapter_config.json").is_file():
        merges = any(f'"peft_type": "{method}"' in adapter.read_text("utf-8") for method in ("LORA", "IA3"))
        remedy = (
            "genai-hf merge writes a model of its run, RUN/merged" if merges else "name its base, and train another"
        )
        raise ConfigError(f"{name} is an adapter; {remedy}")
    if is_path(name) and not Path(name).expanduser().joinpath("config.json").is_file():
        remedy = "give a folder made by save_pretrained, or a Hub id"
        if Path(name, "model", "adapter_config.json").is_file():
            remedy = "this is a run of an adapter, and genai-hf merge makes a model of it"
        elif Path(name, "model", "config.json").is_file():
            remedy = f"this is a run's folder, and its model is {Path(name, 'model')}"
        there = "holds no config.json" if Path(name).expanduser().exists() else "does not exist"
        raise ConfigError(f"{name} {there}; {remedy}")


def refuse_page(key: str, name: str) -> None:
    """Refuse the address of a model's page where its id is wanted.

    Raises:
        ConfigError: It is one, with the id.
    """
    if page := PAGE.match(name):
        raise ConfigError(f"'{key}': {name} is a page of the Hub; give its id alone: {SECTIONS.sub('', page[1])}")


def is_path(name: str) -> bool:
    """Whether a name is of a folder, or looks like one, rather than an id of the Hub."""
    return name.startswith((".", "/", "~")) or name.count("/") > 1 or Path(name).is_dir()


def below(folder: Path) -> Iterator[Path]:
    """Files in a folder and below it, but for hidden ones and those of runs, which may lie there too."""
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".") and not Path(place, name, RUN).is_file()]
        yield from (Path(place, name) for name in names if not name.startswith("."))


def require_paths(key: str, *values: Any) -> None:
    """See that a setting holds paths or globs.

    Raises:
        ConfigError: One is something else, such as a number.
    """
    for value in values:
        if not isinstance(value, str | Path):
            raise ConfigError(f"'{key}' must be a path, got {value!r}; name a file")


def surroundings(place: Path) -> str:
    """The contents of the nearest folder above, what is most like `place` first."""
    folder = next(path for path in (place, *place.parents) if path.is_dir())
    names = sorted(name for name in os.listdir(folder) if not name.startswith("."))  # noqa: PTH208 - names are asked for
    near = difflib.get_close_matches(place.name, names, n=LISTED, cutoff=0.6)
    ordered = [*near, *(name for name in names if name not in near)]
    shown = [_marked(folder / name) for name in ordered[:LISTED]]
    more = f" and {len(ordered) - LISTED:,} more" if len(ordered) > LISTED else ""
    return f"{folder}/ holds {', '.join(shown) or 'nothing'}{more}"


def _marked(entry: Path) -> str:
    """A name in a folder: that of a folder ends in a slash, and of a link that leads nowhere it is said."""
    if entry.is_symlink() and not entry.exists():
        return f"{entry.name} (a link to nothing)"
    return entry.name + "/" * entry.is_dir()


def digest(file: Path) -> bytes:
    """SHA-256 of a file's bytes.

    Raises:
        DataError: It cannot be read.
    """
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").digest()
    except OSError as error:
        raise DataError(f"{file}: cannot be read ({error.strerror}); allow it, or leave the file out") from error


def stamps(files: Iterable[Path]) -> dict[Path, Stamp]:
    """By what a change of each file is noticed without reading it again; those that are not there are left out."""
    found = ((file, file.stat()) for file in files if file.is_file())
    return {file: (at.st_ino, at.st_size, at.st_mtime_ns, at.st_ctime_ns) for file, at in found}


def require_unchanged(before: Mapping[Path, Stamp], now: Mapping[Path, Stamp] | None = None) -> None:
    """See that files are still what they were when their stamps were taken.

    Args:
        before: Those stamps.
        now: Those of all files that would be read; None takes them of the same ones.

    Raises:
        DataError: One is not, so what was read of it is not what its fingerprint is of; or there is another.
    """
    now = stamps(before) if now is None else now
    for file, stamp in before.items():
        if now.get(file) != stamp:
            raise DataError(f"{file}: changed while it was read; wait until it is written, then repeat the command")
    kinds = {file.suffix for file in before}  # in a folder of texts somebody may save a picture
    if came := sorted(file for file in now.keys() - before.keys() if file.suffix in kinds):
        raise DataError(f"{came[0]}: came while others were read; wait until all are there, then repeat the command")
