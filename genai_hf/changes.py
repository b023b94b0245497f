"""A changed mind: what differs between how a run began and how it is asked for now."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from genai_hf import config
from genai_hf.errors import ConfigError
from genai_hf.ranks import rank

LENGTHS = {"trainer.max_steps", "trainer.num_train_epochs"}  # more of which is all that a finished run can go on with


def agree(path: Path, before: Mapping[str, Any], now: Mapping[str, Any], allowed: Sequence[str]) -> list[str]:
    """Compare two nested mappings of facts.

    Args:
        path: The run's folder, for messages.
        before: What the run began with.
        now: What it would go on with.
        allowed: Dotted keys that may differ, each with all keys below it.

    Returns:
        The keys that differ, all of them allowed; that is said, too.

    Raises:
        ConfigError: Something else differs; the message lists old and new.
    """
    changed = differences(before, now)
    refused = [key for key in changed if not any(key == name or key.startswith(f"{name}.") for name in allowed)]
    listed = "; ".join(f"{key}: {changed[key]}" for key in refused or changed)
    if refused:
        anyway = f"go on all the same with resume.allow=[{','.join([*allowed, *refused])}], "
        goes_on = LENGTHS & {*refused, *allowed} or not _has_taken_all(path)
        remedy = f"name another with run=…, {anyway if goes_on else ''}or begin anew with overwrite=true"
        raise ConfigError(f"{path} was made with other settings ({listed}); {remedy}")
    if changed and rank() == 0:
        print(f"{path} goes on with {listed}", file=sys.stderr)
    return list(changed)


def _has_taken_all(run: Path) -> bool:
    """Whether a run's newest checkpoint is of its last step."""
    found = {file.parent.name.partition("-")[2]: file for file in run.glob("checkpoint-*/trainer_state.json")}
    newest = max((int(step) for step in found if step.isdigit()), default=None)
    if newest is None:
        return False
    try:
        state = json.loads(found[str(newest)].read_text("utf-8"))
    except (OSError, ValueError):  # which is said when it is read to go on with
        return False
    most = state.get("max_steps") if isinstance(state, dict) else None
    return isinstance(most, int) and newest >= most


def refuse_unknown(allowed: Sequence[str], *facts: Mapping[str, Any]) -> None:
    """Refuse a key that is in none of the facts that could change.

    Raises:
        ConfigError: With the nearest right one.
    """
    keys = {key for one in facts for key in flatten(one)}
    for name in allowed:
        if not any(key == name or key.startswith(f"{name}.") for key in keys):
            raise ConfigError(f"resume.allow: no key '{name}'{config.hint(name, keys)}")


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, str]:
    """What differs between two nested mappings: the dotted key to ``old → new``."""
    old, new = flatten(before), flatten(now)
    changed = [key for key in sorted({*old, *new}) if old.get(key) != new.get(key)]
    return {key: f"{_short(old.get(key))} → {_short(new.get(key))}" for key in changed}


def flatten(node: Any, prefix: str = "") -> dict[str, Any]:
    """A nested mapping as one of dotted keys."""
    if isinstance(node, dict) and node:
        return {key: value for name in node for key, value in flatten(node[name], f"{prefix}{name}.").items()}
    return {prefix[:-1]: node}


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:12]}…"
