"""Text files written as a whole or not at all, without secrets."""

import json
import os
from pathlib import Path
from typing import Any

from genai_hf import secrets


def write_json(path: Path, content: Any) -> None:
    """Write JSON as a whole or not at all."""
    write_text(path, json.dumps(content, indent=2, allow_nan=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write redacted text as a whole or not at all."""
    staged = path.with_name(f".{path.name}.{os.getpid()}")
    with staged.open("w", encoding="utf-8") as stream:
        stream.write(secrets.redact(text))
        stream.flush()
        os.fsync(stream.fileno())
    staged.replace(path)
