"""Where the files of a labelled task lie: light enough to be asked before any library is loaded.

A folder is GLUE's own (``RTE/train.tsv``, ``RTE/dev.tsv``, ``RTE/test.tsv``, in it or above it), or has a file of any
kind for each split (``train.jsonl``, ``validation.csv``, ``test-00000-of-00002.parquet``).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from genai_hf.errors import ConfigError, DataError
from genai_hf.places import existing, require_paths, surroundings

KINDS = (".tsv", ".jsonl", ".ndjson", ".json", ".csv", ".parquet")
TRAIN = "train"
FOLDERS = {"CoLA", "SST-2", "MRPC", "STS-B", "QQP", "MNLI", "QNLI", "RTE", "WNLI", "diagnostic"}  # of GLUE


def find(task: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, list[Path]] | None:
    """Files of each split of a task; None where they come from the Hub or from no file.

    Args:
        task: The node `task` of a config.
        data: The node `data`: `path`, and `files`, which names single files for splits.

    Raises:
        ConfigError: Nothing says where the data is, or a setting is no path.
        DataError: A file that is needed is not there.
    """
    if not task["validation"]:
        raise ConfigError(f"'task': {task['name']} has no training set; task=mnli answers it")
    given = {split: path for split, path in (data.get("files") or {}).items() if path}
    for split, path in given.items():
        require_paths(f"data.files.{split}", path)
    named = {split: [_file(path)] for split, path in given.items()}
    unknown = named.keys() - set(splits(task))
    if unknown:
        raise ConfigError(
            f"'data.files.{min(unknown)}': {task['name']} has {', '.join(splits(task))}; name one of them"
        )
    if (place := data.get("path")) is not None:
        require_paths("data.path", place)
    if task.get("source", "files") != "files":
        if place or named:
            raise ConfigError(f"'data.path': task={task['name']} brings its own text; name your task: task=local")
        return None
    if place is None and TRAIN not in named:
        if not task.get("hub"):
            raise ConfigError(f"'data.path' must be given for task={task['name']}: a file, or a folder with its files")
        if named:
            raise ConfigError(
                f"'data.files.{min(named)}': the others would come from the Hub; name data.files.train too"
            )
        return None
    found = named if place is None else _in(Path(place).expanduser(), task, named) | named
    require(found, task, place)
    for split in task["validation"]:
        require_apart({TRAIN: found[TRAIN], split: found.get(split, ())})
    return found


def splits(task: Mapping[str, Any]) -> list[str]:
    """Names of all splits that the task may have: training first, then validation, test and its diagnostic set."""
    own = [TRAIN, *task["validation"], *(task.get("test") or {}).values()]
    return [*own, "diagnostic"] if task.get("diagnostic") else own


def in_folder(
    folder: Path, task: Mapping[str, Any], besides: Iterable[str] = (), key: str = "data"
) -> dict[str, list[Path]]:
    """Files of each split that a folder of the task's own holds.

    Args:
        folder: The folder.
        task: Its splits, and `files` by which a split goes before all others.
        besides: Splits whose files are known already.
        key: Of the settings that name single files, for messages.

    Raises:
        DataError: Several files could be of one split.
    """
    named = task.get("files") or {}
    found = {
        split: _first(folder, named.get(split, ())) or _named(folder, split, key)
        for split in splits(task)
        if split not in {"diagnostic", *besides}
    }
    return {split: files for split, files in found.items() if files}


def require_apart(found: Mapping[str, Iterable[Path]], key: str = "data") -> None:
    """See that no file is of two splits: what a model has learned says nothing of what it has not.

    Raises:
        ConfigError: One is.
    """
    seen = dict[Path, str]()
    for split, files in found.items():
        for file in files:
            if (other := seen.setdefault(file.resolve(), split)) != split:
                raise ConfigError(f"'{key}.files.{split}': {file} is of {other}, too; name it once")


def _in(place: Path, task: Mapping[str, Any], besides: Iterable[str] = ()) -> dict[str, list[Path]]:
    """Files at a path: of the task and of its diagnostic set, which lies in a folder beside the task's."""
    if not place.is_dir():
        return {TRAIN: [_file(str(place))]}
    if task.get("folder") and place.resolve().name in FOLDERS - {task["folder"]}:
        raise DataError(f"{place}: task={task['name']} is in {task['folder']}; name that folder, or the one above it")
    folder = place / str(task["folder"]) if task.get("folder") else place
    found = in_folder(folder if folder.is_dir() else place, task, besides)
    if diagnostic := task.get("diagnostic"):
        for above in (place, place.parent):
            for files in in_folder(above / diagnostic["folder"], diagnostic).values():
                found.setdefault("diagnostic", files)
    return found


def require(found: Mapping[str, Sequence[Path]], task: Mapping[str, Any], place: str | None) -> None:
    """See that there is what training needs; a task of the user's own may hold out a part of its training file."""
    needed = [TRAIN, *(task["validation"] if task.get("folder") else [])]
    missing = [split for split in needed if split not in found]
    if not missing:
        return
    wanted = " or ".join(f"{name}{kind}" for name, kind in zip(_names(missing[0])[:2], KINDS, strict=False))
    folder = Path(place or ".").expanduser()
    folder = own if task.get("folder") and (own := folder / str(task["folder"])).is_dir() else folder
    where = "no file of it was named" if place is None else f"{folder} holds none; {surroundings(folder / wanted)}"
    hint = f"name it: data.files.{missing[0]}=…"
    raise DataError(f"task={task['name']} needs a file for {missing[0]} ({wanted}): {where}; {hint}")


def _file(path: str) -> Path:
    """The one file at a path."""
    (file, *others) = existing(path)
    if others or not file.is_file():
        raise DataError(f"{path}: one file is needed; {surroundings(file)}")
    if kind(file) not in KINDS:
        raise DataError(f"{file}: a task is read from {', '.join(KINDS)} (also .gz); rename it, or convert it")
    return file


def kind(file: Path) -> str:
    """The file's ending, without .gz."""
    return Path(file.name.lower().removesuffix(".gz")).suffix


def _names(split: str) -> list[str]:
    """What the files of a split may be called: GLUE's own files say dev for validation, others cut it short."""
    short = ("dev", "validation", "valid", "val")
    return [split.replace("validation", name) for name in short] if "validation" in split else [split]


def _named(folder: Path, split: str, key: str) -> list[Path]:
    """The files in a folder that are called after a split: one, or the parts of one."""
    names, found = _names(split), list[list[Path]]()
    endings = [f"{ending}{packed}" for ending in KINDS for packed in ("", ".gz")]
    for name in names:
        found += [[file] for ending in endings if (file := folder / f"{name}{ending}").is_file()]
        if shards := sorted(folder.glob(f"{name}-[0-9]*-of-[0-9]*.parquet")):
            found.append(_whole(shards))
    if len(found) > 1:
        one, two, *_ = (files[0] for files in found)
        raise DataError(f"{one}: {two.name} could be of {split}, too; rename one, or name one: {key}.files.{split}=…")
    return found[0] if found else []


def _whole(shards: list[Path]) -> list[Path]:
    """The parts of a split, if all are there and of one set."""
    count = int(re.findall(r"\d+", shards[0].name)[-1])
    if len(shards) != count:
        raise DataError(
            f"{shards[0]}: its name says {count} files, {len(shards)} are there; bring or remove the others"
        )
    return shards


def _first(folder: Path, names: Sequence[str]) -> list[Path]:
    return [folder / name for name in names if (folder / name).is_file()][:1]
