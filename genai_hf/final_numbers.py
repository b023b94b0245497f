"""The final numbers of a run, in metrics.json: the last that is written, so that with it a run counts as finished."""

import json
import math
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from genai_hf import files, manifests
from genai_hf.errors import UserError

FILE = "metrics.json"


def write(folder: Path, numbers: Mapping[str, float]) -> None:
    """Write them after a manifest of theirs; what is no finite number is null, as JSON has no other."""
    staged = folder / f".{FILE}"
    files.write_json(staged, {key: value if math.isfinite(value) else None for key, value in numbers.items()})
    manifests.note(folder, {FILE: manifests.digest(staged)})
    staged.replace(folder / FILE)


def read(folder: Path) -> dict[str, float]:
    """What `write` wrote, with NaN for null.

    Raises:
        UserError: The file is missing, or holds something else.
    """
    try:
        found = json.loads((folder / FILE).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise _wrong(folder, "is missing") from error
    except (OSError, ValueError, RecursionError) as error:
        raise _wrong(folder, f"is no JSON ({' '.join(str(error).split())[:100]})") from error
    if not isinstance(found, dict):
        raise _wrong(folder, "holds no names and numbers")
    for name, value in found.items():
        if value is not None and not _is_finite(value):
            raise _wrong(folder, f"holds no finite number as {name!r:.40}, but {value!r:.40}")
    return {name: math.nan if value is None else value for name, value in found.items()}


def _is_finite(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def _wrong(folder: Path, what: str) -> UserError:
    return UserError(f"{folder / FILE} {what}; run it again with overwrite=true")
