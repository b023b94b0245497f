"""How to ask a finished run's model: a command, in its report and on the terminal."""

import sys
from pathlib import Path

from genai_hf.reports import sections
from genai_hf.reports.sections import Table

READABLE = 60  # characters of a text in a command


def offer(folder: Path, command: str, note: str = "In a shell; a file of texts works as well.") -> None:
    """Say the command, and leave it in the report of the run in a folder."""
    sections.save(folder, Table("Ask it", ["command"], [[command]], note))
    print(f"ask it: {command}", file=sys.stderr)
