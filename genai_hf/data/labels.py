"""What a file says a row's label is, to the number or the value that it means."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from genai_hf.data.problems import fault, shown
from genai_hf.data.task import Task, plain
from genai_hf.errors import DataError

MOST = 200  # different labels that are taken from a training file
NAMED = 5  # labels in a remedy
UNKNOWN = {"-1", "-1.0", "-100", "-100.0", "nan", ""}  # how a label is said not to be given
LARGEST = 3.4028e38  # of float32, in which values are learnt


def is_unknown(value: Any) -> bool:
    """Whether the value stands for a label that is not given."""
    return value is None or str(value).strip().lower() in UNKNOWN


def occurring(values: Iterable[Any], task: Task, file: Path) -> list[str]:
    """The names of all labels that occur in a training file, sorted; numbers by their size.

    Raises:
        DataError: They are too many or too few for a classification.
    """
    names = {plain(value) for value in values if not is_unknown(value) and _unfit(value) is None}
    if not 2 <= len(names) <= MOST:
        some = ", ".join([*(f"{name!r:.20}" for name in sorted(names)[:3]), *(["…"] if len(names) > 3 else [])])
        remedy = "task=local_regression predicts numbers" if len(names) > MOST else "see that task.label names them"
        raise DataError(f"{file}: '{task.label}' has {len(names):,} different labels ({some or 'none'}); {remedy}")
    spelt = dict[float | None, str]()
    for name in names:
        other = spelt.setdefault(_number(name), name)
        if other != name and _number(name) is not None:
            one, two = sorted([name, other])
            raise DataError(f"{file}: '{task.label}' has {one} and {two}, which are one number; write it one way")
    return sorted(names, key=_order)


def value(task: Task, numbers: Mapping[str, int], given: Any) -> tuple[float | None, str | None]:
    """The number or value of a label, or what is wrong with it.

    Args:
        task: Whose label it is.
        numbers: Of the label names; see `numbering`.
        given: As the file has it.
    """
    if wrong := _unfit(given):
        return None, wrong
    if task.problem == "regression":
        return _measure(task, given)
    number = numbers.get(plain(given))
    if number is not None:
        return number, None
    if is_unknown(given):
        return None, f"is {plain(given)}, which stands for no label; leave the row out, or list it in task.labels"
    return None, f"is {shown(given)}, none of {_listed(task)}; write one of them, or leave the row out"


def numbering(task: Task) -> dict[str, int]:
    """The numbers of label names; a number itself is known too, where no name is one."""
    names = {name: number for number, name in enumerate(task.names)}
    if any(_number(name) is not None for name in names):
        return names
    return names | {str(number): number for number in names.values()}


def require_places(values: Iterable[Any], task: Task, file: Path) -> None:
    """See that numbers in place of names are places, but for slips: what counts from elsewhere means other labels.

    Raises:
        DataError: Most are none, or none is the first place.
    """
    given = Counter(plain(value) for value in values if not is_unknown(value))
    strange = {name: count for name, count in given.items() if name not in task.names and _number(name) is not None}
    places = {name: count for name, count in strange.items() if name in numbering(task)}
    stray = sorted(strange.keys() - places.keys(), key=_order)
    if stray and places and ("0" not in places or sum(strange.values()) >= 2 * sum(places.values())):
        shown = sorted(strange, key=_order)
        listed = ",".join(shown[:NAMED]) + (",…" if len(shown) > NAMED else "")
        remedy = f"name its labels as it does: task.labels=[{listed}]"
        raise DataError(f"{file}: '{task.label}' has {stray[0]}, which is no place among {_listed(task)}; {remedy}")


def require_several(known: Sequence[float], task: Task, file: Path) -> None:
    """See that there is something to learn.

    Raises:
        DataError: All rows have one label.
    """
    if len(set(known)) == 1:
        only = task.names[int(known[0])] if task.names else f"{known[0]:g}"
        raise DataError(f"{file}: '{task.label}' is {only} in every row that is used; give rows of another, too")


def _measure(task: Task, given: Any) -> tuple[float | None, str | None]:
    number = None if isinstance(given, bool) else _number(str(given))
    if number is None:
        return None, f"is {shown(given)}, not a number; write one, or classify by names with task=local"
    if abs(number) > LARGEST:
        return None, f"is {given!s:.40}; write a {'finite' if math.isinf(number) else 'smaller'} number"
    if task.scale is not None and not task.scale[0] <= number <= task.scale[1]:
        low, high = task.scale
        return None, f"is {given}, beyond the scale from {low:g} to {high:g}; correct it, or leave the row out"
    return number, None


def kind_fault(value: Any) -> str | None:
    """What is wrong with a value that is neither text nor a number nor left out, such as a list or a date."""
    if value is None or isinstance(value, (str, int, float, Decimal)):
        return None
    return f"is {shown(value)}; write it as a string or a number"


def _unfit(value: Any) -> str | None:
    """What is wrong with a value that can be no label of any task."""
    return kind_fault(value) or (fault(value) if value is None or isinstance(value, str) else None)


def _order(name: str) -> tuple[bool, float, str]:
    """Numbers by their size, then words."""
    return _number(name) is None, _number(name) or 0.0, name


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return None if math.isnan(number) or "_" in text else number  # 1_000 is a number to Python alone


def _listed(task: Task) -> str:
    names = task.names
    return ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
