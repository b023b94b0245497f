"""Multiple choice: what a row offers to choose from, and which of it its label means."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from genai_hf.data.problems import clean, fault, shown
from genai_hf.data.task import Task, plain


class Offering(Protocol):
    """A split, as far as it is asked here."""

    @property
    def choices(self) -> Sequence[Sequence[str]] | None:
        """What each text offers."""


def read(task: Task, row: Mapping[str, Any], wrong: dict[str, str | None]) -> list[str]:
    """The texts that a row offers, in order; none where the task is no choice.

    Of choices in columns of their own the last ones may be empty, so that their number may vary by row.

    Args:
        task: Whose `choices` say where they stand.
        row: Columns by name.
        wrong: Takes what is wrong, by column.
    """
    if task.choices is None:
        return []
    if isinstance(task.choices, str):
        named = [task.choices]
        given = row[task.choices]
        if not isinstance(given, list):
            remedy = "write a list of texts, or name a column for each: task.choices=[a,b]"
            wrong[task.choices] = f"is {shown(given)}; {remedy}"
            return []
    else:
        named = list(task.choices)
        given = [row[column] for column in named]
        while given and not str(given[-1] or "").strip():
            given.pop()
    if len(given) < 2:
        wrong[named[0]] = f"offers {len(given)} to choose from; give two or more, or leave the row out"
    for number, choice in enumerate(given):
        if what := fault(choice):
            wrong[named[min(number, len(named) - 1)]] = f"holds a choice that {what}"
    texts = [clean(str(choice)).strip() for choice in given]
    if len(set(texts)) < len(texts):
        wrong[named[0]] = "offers the same twice; leave the row out"
    return texts


def place(offer: Sequence[str], given: Any) -> tuple[float | None, str | None]:
    """Which of the texts a label means, from 0, or what is wrong with it.

    Args:
        offer: The texts.
        given: One of the texts, or its place, counted from 0; where it could be both it is the text.
    """
    if isinstance(given, str) and given.strip() in offer:
        return float(offer.index(given.strip())), None
    number = plain(given)
    if number.isdecimal() and int(number) < len(offer) and not isinstance(given, bool):
        return float(number), None
    remedy = f"write one of them, or its place from 0 to {len(offer) - 1}"
    return None, f"is {shown(given)}, none of the {len(offer)} choices; {remedy}"


def named(task: Task, splits: Mapping[str, Offering]) -> Task:
    """The task with its labels, where it is a choice: the places, as many as any row has choices."""
    if task.choices is None:
        return task
    most = max(len(offer) for split in splits.values() for offer in split.choices or [])
    return replace(task, labels=[str(number) for number in range(most)])
