"""Where the files of texts with their answers lie: light enough to be asked before any library is loaded."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from genai_hf.errors import ConfigError, DataError
from genai_hf.places import existing, require_paths, surroundings
from genai_hf.settings.task_files import KINDS, TRAIN, in_folder, kind, require_apart

SPLITS = {"validation": ["validation"], "test": {"test": "test"}}  # beside training


def find(path: str | None, files: Mapping[str, str | Sequence[str] | None], key: str = "data") -> dict[str, list[Path]]:
    """Files of each split.

    Args:
        path: A folder with a file for each split, or the training file, or a glob of training files.
        files: For single splits a path, a glob or several, before those of `path`.
        key: Of the settings that these are, for messages.

    Returns:
        For ``train``, and for ``validation`` and ``test`` where there are some, at least one file each.

    Raises:
        ConfigError: Nothing says where the training data is, or a setting is no path.
        DataError: A file is not there, or of no kind that is read.
    """
    found: dict[str, list[Path]] = {}
    for split, where in files.items():
        if where:
            paths = where if isinstance(where, Sequence) and not isinstance(where, str) else [where]
            require_paths(f"{key}.files.{split}", *paths)
            found[split] = _files(paths)
    if path is not None:
        require_paths(f"{key}.path", path)
        place = Path(path).expanduser()
        there = in_folder(place, SPLITS, found, key) if place.is_dir() else {TRAIN: _files([path])}
        if TRAIN not in {**there, **found}:
            raise DataError(f"{place}: no file for train (train.jsonl or the like); {surroundings(place / TRAIN)}")
        found = there | found
    if TRAIN not in found:
        raise ConfigError(f"'{key}.path' must be given: the training file, or a folder with a file for each split")
    require_apart(found, key)
    return found


def _files(paths: Sequence[str]) -> list[Path]:
    """The files that paths and globs stand for, each once."""
    found = [file for path in paths for file in sorted(existing(path))]
    for file in found:
        if not file.is_file():
            raise DataError(f"{file}: is no file; name one, or several by a glob")
        if kind(file) not in KINDS:
            raise DataError(f"{file}: pairs are read from {', '.join(KINDS)} (also .gz); rename it, or convert it")
    return list(dict.fromkeys(found))
