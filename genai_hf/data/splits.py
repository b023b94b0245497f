"""One split of a labelled task: its examples, and how they are read from files and checked."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from genai_hf.data import choices, labels, tables
from genai_hf.data.files import lines
from genai_hf.data.problems import Problems, clean, fault
from genai_hf.data.remarks import repeated
from genai_hf.data.task import Task
from genai_hf.errors import DataError
from genai_hf.settings.task_files import TRAIN, kind

Rows = list[tuple[Path, int, dict[str, Any]]]


@dataclass(frozen=True)
class Split:
    """Examples of one split.

    Attributes:
        texts: The first texts.
        pairs: The second ones, as many; None where the task has single texts.
        labels: As many numbers of labels or, in a regression, values; None where they are not given.
        left_out: Rows that were left out as faulty.
        choices: What each text offers to choose from; None where nothing does.
    """

    texts: list[str]
    pairs: list[str] | None
    labels: list[float] | None
    left_out: int = 0
    choices: list[list[str]] | None = None

    def __len__(self) -> int:
        return len(self.texts)

    def keys(self) -> list[tuple[str, str]]:
        """First and second text of each example; the second is empty where there is none, or all of its choices."""
        offered = [""] * len(self) if self.choices is None else ["\n".join(offer) for offer in self.choices]
        return list(zip(self.texts, self.pairs or offered, strict=True))

    def repeated(self) -> str:
        """How many examples have the texts of an earlier one, as a remark; empty where none has."""
        keys = self.keys()
        different = len(set(keys))
        return repeated(len(keys), different, len(set(zip(keys, self.labels or keys, strict=True))) - different)

    def digest(self, place: int) -> bytes:
        """SHA-256 of one example with its label."""
        pair: Any = None if self.pairs is None else self.pairs[place]
        pair = pair if self.choices is None else self.choices[place]
        label = None if self.labels is None else self.labels[place]
        return hashlib.sha256(repr((self.texts[place], pair, label)).encode()).digest()

    def fingerprint(self) -> str:
        """SHA-256, in hex, of all that is in it, in order."""
        digest = hashlib.sha256()
        for place in range(len(self)):
            digest.update(self.digest(place))
        return digest.hexdigest()

    def __add__(self, other: "Split") -> "Split":
        """Both, this one's examples first."""
        pairs = None if self.pairs is None or other.pairs is None else [*self.pairs, *other.pairs]
        known = None if self.labels is None or other.labels is None else [*self.labels, *other.labels]
        offered = None if self.choices is None or other.choices is None else [*self.choices, *other.choices]
        return Split([*self.texts, *other.texts], pairs, known, self.left_out + other.left_out, offered)

    def take(self, places: Iterable[int]) -> "Split":
        """The examples at these places."""
        chosen = list(places)
        pairs = None if self.pairs is None else [self.pairs[place] for place in chosen]
        known = None if self.labels is None else [self.labels[place] for place in chosen]
        offered = None if self.choices is None else [self.choices[place] for place in chosen]
        texts = [self.texts[place] for place in chosen]
        return replace(self, texts=texts, pairs=pairs, labels=known, choices=offered)

    def smallest(self, count: int) -> set[int]:
        """Places of the `count` examples with the smallest SHA-256: the same ones every time."""
        return set(sorted(range(len(self)), key=self.digest)[:count])


def read_rows(
    task: Task, split: str, files: Iterable[Path], rename: Mapping[str, str], problems: Problems
) -> tuple[Rows, int, set[str]]:
    """The rows of a split, how many were broken and left out, and the names of the files' columns."""
    columns = tables.Columns(
        texts=task.columns_of_text,
        others=[task.label, *([task.choices] if isinstance(task.choices, str) else [])],
        optional=[task.label] if _is_test(task, split) else [],
        aliases={**task.columns, **rename},
        header=task.header,
        remedy="name another with task.text, task.text_pair, task.label, or data.rename={theirs:ours}",
        quotes=task.folder is None,
    )
    skips = task.faulty_rows == "skip" and not _is_test(task, split)
    found, broken = list[tuple[Path, int, dict[str, Any]]](), 0
    for file in files:
        own = Problems() if skips else problems
        before = own.count
        good = [(file, number, row) for number, row in tables.rows(file, columns, own)]
        if not good and own.count == before:
            own.add(file, None, "holds no row; fill it, or leave it out")
        if skips and (own.whole_files or not good):
            own.raise_any()
        found += good
        broken += own.count if skips else 0
    return found, broken, columns.seen


def checked(task: Task, split: str, rows: Rows, broken: int, problems: Problems) -> Split:
    """The examples of rows whose values are right; of a test set, which is predicted whole, no row is left out."""
    is_test, skips = _is_test(task, split), task.faulty_rows == "skip"
    has_labels = not (is_test and all(labels.is_unknown(row.get(task.label)) for _, _, row in rows))
    columns = [task.text, *([task.text_pair] if task.text_pair else [])]
    numbers, left_out = labels.numbering(task), broken
    texts, pairs, known, offered = list[str](), list[str](), list[float](), list[list[str]]()
    for file, number, row in rows:
        wrong = {
            column: None if is_test and skips and _is_blank(row[column]) else fault(row[column]) for column in columns
        }
        offer = choices.read(task, row, wrong)
        given = row.get(task.label)
        means = labels.value(task, numbers, given) if task.choices is None else choices.place(offer, given)
        label, wrong[task.label] = means if has_labels else (0.0, None)
        named = [f"'{column}' {what}" for column, what in wrong.items() if what]
        if named and skips and not is_test:
            left_out += 1
            continue
        if named:
            problems.add(file, number, named[0])
        texts.append(clean(str(row[task.text] or "")))
        pairs.append(clean(str(row[task.text_pair] or "")) if task.text_pair else "")
        known.append(label or 0)
        offered.append(offer)
    return Split(
        texts,
        pairs if task.text_pair else None,
        known if has_labels else None,
        left_out,
        None if task.choices is None else offered,
    )


def _is_test(task: Task, split: str) -> bool:
    return split != TRAIN and split not in task.validation


def _is_blank(value: Any) -> bool:
    return value is None or not str(value).strip()


def read_texts(file: Path, task: Task, rename: Mapping[str, str] | None = None) -> Split:
    """The texts of a file without labels: a table with the task's columns, or a text file with one a line.

    Raises:
        DataError: A row is wrong; the message has a line a problem.
    """
    problems = Problems()
    if kind(file) == ".txt":
        if task.text_pair or task.choices is not None:
            more, columns = ("pairs", "both columns") if task.text_pair else ("choices", "their columns")
            raise DataError(f"{file}: a line is one text, and {task.name} has {more}; give a table with {columns}")
        found = Split([line.strip() for _, line in lines(file, problems) if line.strip()], None, None)
    else:
        asked = replace(task, faulty_rows="refuse")
        rows, broken, _ = read_rows(asked, "", [file], rename or {}, problems)
        unlabelled = [(place, number, row | {task.label: None}) for place, number, row in rows]
        found = checked(asked, "", unlabelled, broken, problems)
    problems.raise_any()
    if not found:
        raise DataError(f"{file}: holds no text; fill it")
    return found
