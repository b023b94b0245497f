"""Nested settings as short lists of dotted names and values."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

LONGEST = 400


@dataclass(frozen=True)
class Entry:
    """One setting; `changed` where the command line set it."""

    name: str
    value: str
    changed: bool = False


def groups(values: dict[str, Any], overrides: Sequence[str] = ()) -> dict[str, list[Entry]]:
    """Entries by top-level key, single values gathered first under ``general``.

    Args:
        values: Nested settings.
        overrides: What the command line set, as ``key=value``; a group so chosen marks none of its entries.
    """
    asked = {override.lstrip("+~").partition("=")[0] for override in overrides}
    gathered: dict[str, list[Entry]] = {"general": []}
    for key, value in values.items():
        nested = isinstance(value, dict)
        leaves = _leaves(value) if nested else [("", value)]
        for path, leaf in leaves:
            dotted = f"{key}.{path}" if path else key
            gathered.setdefault(key if nested else "general", []).append(
                Entry(path or str(key), plain(leaf), dotted in asked)
            )
    return {name: entries for name, entries in gathered.items() if entries}


def plain(value: Any) -> str:
    """A value as YAML would write it on one line, cut after 400 characters."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(text):,} characters)"


def _leaves(node: dict[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in node.items():
        path = f"{above}.{key}" if above else str(key)
        if isinstance(value, dict) and value:
            yield from _leaves(value, path)
        else:
            yield path, value
