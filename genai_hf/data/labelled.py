"""A task with its examples: splits read from files or from the Hub, or made from Python's own documentation."""

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from genai_hf.data import choices, docs_choice, docs_task, hub, labels
from genai_hf.data.corpus import Corpus
from genai_hf.data.problems import Problems, require_seen
from genai_hf.data.remarks import alike, left_out, rare, shared, tell
from genai_hf.data.splits import Split, checked, read_rows
from genai_hf.data.task import Task
from genai_hf.errors import ConfigError, DataError
from genai_hf.settings.task_files import TRAIN, find, in_folder, require


@dataclass(frozen=True)
class Labelled:
    """A task with its examples.

    Attributes:
        task: With the names of its labels.
        splits: ``train``, those of `task.validation`, and of the others those that are there.
    """

    task: Task
    splits: Mapping[str, Split]

    @property
    def validation(self) -> dict[str, Split]:
        """The splits to evaluate on; the one that decides comes first."""
        return {name: self.splits[name] for name in self.task.validation}

    @property
    def sets(self) -> dict[str, int]:
        """Sizes of the splits to evaluate on, by their names in figures: ``mismatched`` of validation_mismatched."""
        return {name.removeprefix("validation_"): len(split) for name, split in self.validation.items()}

    @property
    def test(self) -> dict[str, Split]:
        """What is to be predicted, by the name of the file that takes the predictions."""
        found = {file: self.splits[split] for file, split in self.task.test.items() if split in self.splits}
        if self.task.diagnostic and "diagnostic" in self.splits:
            found[next(iter(self.task.diagnostic["test"]))] = self.splits["diagnostic"]
        return found

    def shares(self) -> dict[str, float]:
        """Share of each label among the training rows, by its name; empty in a regression."""
        counts = Counter(self.splits[TRAIN].labels)
        return {name: counts[number] / counts.total() for number, name in enumerate(self.task.names)}

    def corpus(self) -> Corpus:
        """The training texts as documents, on which a tokenizer can be trained."""
        split = self.splits[TRAIN]
        texts = [*split.texts, *(split.pairs or []), *(text for offer in split.choices or [] for text in offer)]
        return Corpus(f"{self.task.name}-train", split.fingerprint(), lambda: iter(texts), {"documents": len(texts)})


def labelled(
    *,
    task: Task,
    path: str | None = None,
    files: Mapping[str, str | None] | None = None,
    rename: Mapping[str, str] | None = None,
    validation_share: float = 0.1,
    max_train_rows: int | None = None,
) -> Labelled:
    """Read and check all splits of a task.

    Args:
        task: What to read.
        path: GLUE's own folder, a folder with a file for each split, or the training file; None reads the Hub.
        files: Single files for splits, before those of `path`.
        rename: A file's own names of columns, to those of the task.
        validation_share: Share of the training rows, in (0, 1), to hold out where a local task has no validation file:
            those whose text (of a symmetric task: whose pair) has the smallest SHA-256, so that it is on one side only.
        max_train_rows: Train on so many rows, at least 1: those with the smallest SHA-256, the same ones every time.

    Raises:
        ConfigError: Nothing says where the data is, or the task has no training set.
        DataError: Files are missing or wrong; the message has a line a problem.
        ValueError: A range is wrong.
    """
    if not 0 < validation_share < 1:
        raise ValueError(f"validation_share must lie between 0 and 1, got {validation_share}")
    if max_train_rows is not None and max_train_rows < 1:
        raise ValueError(f"max_train_rows must be at least 1, or null for all, got {max_train_rows}")
    found = find(vars(task), {"path": path, "files": files})
    if task.source == "python_docs" and task.choices is not None:
        named, splits = task, docs_choice.splits(task.choices, validation_share)
    elif task.source == "python_docs":
        made = docs_task.splits(task.names, validation_share)
        named, splits = task, {name: Split(texts, None, numbers) for name, (texts, numbers) in made.items()}
    else:
        named, splits = _read(task, found, rename or {})
    if task.validation[0] not in splits and task.folder is None:
        splits |= _held_out(splits[TRAIN], task, validation_share)
    if max_train_rows is not None:
        splits[TRAIN] = splits[TRAIN].take(sorted(splits[TRAIN].smallest(max_train_rows)))
    for split in (TRAIN, *task.validation):
        if not splits.get(split):
            raise DataError(
                f"task={task.name}: there is no row for {split}; fill its file, or name it: data.files.{split}=…"
            )
    for split in task.validation:
        tell(split, shared(splits[split].keys(), splits[TRAIN].keys()))
    return Labelled(choices.named(named, splits), splits)


def _held_out(train: Split, task: Task, share: float) -> dict[str, Split]:
    texts = [repr(sorted(pair) if task.symmetric else pair[0]) for pair in train.keys()]  # noqa: SIM118 - it is no dict
    digests = [hashlib.sha256(text.encode()).digest() for text in texts]
    chosen = set(sorted(digests)[: max(round(len(train) * share), 1)])
    kept = [place for place, digest in enumerate(digests) if digest not in chosen]
    if not kept:
        raise DataError(
            f"task={task.name}: no other text would be left to train on; name a file: data.files.{task.validation[0]}=…"
        )
    out = train.take(place for place, digest in enumerate(digests) if digest in chosen)
    return {TRAIN: train.take(kept), task.validation[0]: replace(out, left_out=0)}


def _read(
    task: Task, found: Mapping[str, list[Path]] | None, rename: Mapping[str, str]
) -> tuple[Task, dict[str, Split]]:
    columns = [*task.columns_of_text, task.label, *([task.choices] if isinstance(task.choices, str) else [])]
    if unknown := set(rename.values()) - set(columns):
        own = ", ".join(columns)
        raise ConfigError(f"'data.rename': {task.name} has no column '{min(map(str, unknown))}'; rename to {own}")
    found = found or _downloaded(task)
    problems = Problems()
    raw = {split: read_rows(_of(task, split), split, files, rename, problems) for split, files in found.items()}
    if not problems.count:
        require_seen(rename, [name for *_, seen in raw.values() for name in seen])
    named = task
    if task.labels is None and task.problem == "classification":
        given = [row[task.label] for _, _, row in raw[TRAIN][0]]
        try:
            named = replace(task, labels=labels.occurring(given, task, found[TRAIN][0]))
        except DataError:
            for file, number, row in raw[TRAIN][0]:
                if wrong := labels.kind_fault(row[task.label]):
                    problems.add(file, number, f"'{task.label}' {wrong}")
            problems.raise_any()  # which may be why
            raise
    if task.labels is not None and task.faulty_rows == "skip":
        for name in (name for name in raw if name in {TRAIN, *task.validation}):
            labels.require_places([row[task.label] for _, _, row in raw[name][0]], task, found[name][0])
    splits = {
        split: checked(_of(named, split), split, rows, broken, problems) for split, (rows, broken, _) in raw.items()
    }
    problems.raise_any()
    for name, split in splits.items():
        tell(name, left_out(split.left_out, len(split)))
    if task.labels is None:
        tell(str(found[TRAIN][0]), rare(named.names, splits[TRAIN].labels or []), alike(named.names))
    if task.problem != "choice":
        labels.require_several(splits[TRAIN].labels or [], named, found[TRAIN][0])
    return named, splits


def _of(task: Task, split: str) -> Task:
    return Task(**task.diagnostic) if split == "diagnostic" and task.diagnostic else task


def _downloaded(task: Task) -> dict[str, list[Path]]:
    folder = hub.parquet_folder(**(task.hub or {}), splits=[TRAIN, *task.validation, *task.test.values()])
    found = in_folder(folder, vars(task))
    if task.diagnostic:
        beside = Task(**task.diagnostic)
        of_it = in_folder(hub.parquet_folder(**(beside.hub or {}), splits=list(beside.test.values())), vars(beside))
        found |= {"diagnostic": next(iter(of_it.values()))} if of_it else {}
    require(found, vars(task), str(folder))
    return found
