"""What a file says a row's label is, to the number or the value that it means."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from genai_hf.data.task import Task
from genai_hf.errors import DataError

MOST = 200  # different labels that are taken from a training file
UNKNOWN = {"-1", ""}  # how test sets say that the label is not given


def is_unknown(value: Any) -> bool:
    """Whether the value stands for a label that is not given."""
    return value is None or str(value).strip() in UNKNOWN


def plain(value: Any) -> str:
    """A label as its name would be written."""
    return str(value).lower() if isinstance(value, bool) else str(value).strip()


def occurring(values: Iterable[Any], task: Task) -> list[str]:
    """The names of all labels that occur, sorted; numbers by their size.

    Raises:
        DataError: They are too many or too few for a classification.
    """
    names = {plain(value) for value in values if not is_unknown(value)}
    if not 2 <= len(names) <= MOST:
        some = ", ".join(sorted(names)[:3])
        remedy = "task=local_regression predicts numbers" if len(names) > MOST else "see that task.label names them"
        raise DataError(f"'{task.label}' has {len(names):,} different labels in the training file ({some} …); {remedy}")
    return sorted(names, key=lambda name: (not _is_number(name), float(name) if _is_number(name) else 0.0, name))


def value(task: Task, numbers: Mapping[str, int], given: Any) -> tuple[float | None, str | None]:
    """The number or value of a label, or what is wrong with it.

    Args:
        task: Whose label it is.
        numbers: Of the label names; see `numbering`.
        given: As the file has it.
    """
    if is_unknown(given):
        shown = "is -1, which stands for no label" if given is not None and str(given).strip() else "is empty"
        return None, f"{shown}; leave the row out"
    if task.problem == "classification":
        number = numbers.get(plain(given))
        return number, None if number is not None else f"is {given!r:.40}, none of {_listed(task)}"
    return _measure(task, given)


def numbering(task: Task) -> dict[str, int]:
    """The numbers of label names; a number itself is known too, where no name is one."""
    names = {name: number for number, name in enumerate(task.names)}
    if any(map(_is_number, names)):
        return names
    return names | {str(number): number for number in names.values()}


def _measure(task: Task, given: Any) -> tuple[float | None, str | None]:
    text = str(given)
    if isinstance(given, bool) or not _is_number(text):
        return None, f"is {given!r:.40}, not a number; task=local classifies by names"
    number = float(text)
    if not math.isfinite(number):
        return None, f"is {text}; write a finite number"
    if task.scale is not None and not task.scale[0] <= number <= task.scale[1]:
        return None, f"is {text}, beyond the scale from {task.scale[0]:g} to {task.scale[1]:g}"
    return number, None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _listed(task: Task) -> str:
    names = task.names
    return ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
