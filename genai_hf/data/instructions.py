"""Instructions with their answers: from files, the Hub or Python's own documentation, and held out by category.

A model that follows instructions is tried on kinds of tasks that it was not tuned on: whole categories are held out,
not instances (Wang et al. 2022, arXiv:2204.07705, section 5.1, whose tasks have 100 instances each at most).
"""

import hashlib
import sys
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from genai_hf import ranks
from genai_hf.data import docs_instructions, files, hub
from genai_hf.data.corpus import Corpus
from genai_hf.data.instruction_files import Example, Format, Reader
from genai_hf.data.problems import Problems, require_seen
from genai_hf.data.remarks import shared, tell
from genai_hf.errors import ConfigError, DataError
from genai_hf.settings import pair_files
from genai_hf.settings.task_files import TRAIN

VALIDATION = "validation"
NAMED = 5  # rows named on the terminal


@dataclass(frozen=True)
class Instructions:
    """Examples of both splits.

    Attributes:
        name: For reports.
        splits: ``train`` and ``validation``.
        left_out: Places of the rows that were left out as faulty.
    """

    name: str
    splits: Mapping[str, Sequence[Example]]
    left_out: Sequence[str] = ()

    def corpus(self) -> Corpus:
        """The training texts as documents, on which a tokenizer can be trained."""
        told = {example.instruction.fields.get("definition", ""): None for example in self.splits[TRAIN]}
        texts = [text for one in self.splits[TRAIN] for text in (one.input, *one.references) if text]
        texts = [*filter(None, told), *texts]
        digest = hashlib.sha256(repr(texts).encode()).hexdigest()
        return Corpus(f"{self.name}-train", digest, lambda: iter(texts), {"documents": len(texts)})


def instructions(
    *,
    format: Literal["alpaca", "natural_instructions", "messages", "python_docs"],
    path: str | None = None,
    files: Mapping[str, str | Sequence[str] | None] | None = None,
    name: str | None = None,
    config: str | None = None,
    revision: str | None = None,
    rename: Mapping[str, str] | None = None,
    roles: Mapping[str, str] | None = None,
    categories: Mapping[str, str] | None = None,
    faulty_rows: Literal["refuse", "skip"] = "refuse",
    validation_categories: Sequence[str] | None = None,
    validation_share: float = 0.1,
    max_per_task: int | None = None,
    max_validation_per_task: int | None = None,
    max_train_rows: int | None = None,
) -> Instructions:
    """Read and check both splits.

    Args:
        format: Rows of an instruction, an input and an output; tasks, a file each; conversations; or what is made of
            Python's own documentation.
        path: A training file, a glob, or a folder: of tasks, or with a file for each split.
        files: Files for single splits, before those of `path`.
        name: Of a data set on the Hub, instead of files.
        config: Its configuration.
        revision: Its commit, branch or tag.
        rename: The files' own names of columns to ours.
        roles: Their own names of a conversation's roles to ours.
        categories: Of tasks that name none, see `Reader`.
        faulty_rows: Whether a row that is wrong is refused or left out.
        validation_categories: Those held out, where no file is for validation.
        validation_share: Where none are named the share of categories to hold out, in (0, 1): those with the smallest
            SHA-256; of rows without categories the share of instructions, or of the rows of a single one.
        max_per_task: Take so many rows of a task, at least 1: those with the smallest SHA-256; None takes all.
        max_validation_per_task: The same of the tasks held out.
        max_train_rows: Train on so many rows in all.

    Raises:
        ConfigError: Nothing says where the data is, or no category is called as one that is to be held out.
        DataError: Files are missing or wrong; the message has a line a problem.
        ValueError: A range is wrong.
    """
    if not 0 < validation_share < 1:
        raise ValueError(f"validation_share must lie between 0 and 1, got {validation_share}")
    limits = {"max_per_task": max_per_task, "max_validation_per_task": max_validation_per_task}
    for key, limit in (limits | {"max_train_rows": max_train_rows}).items():
        if limit is not None and limit < 1:
            raise ValueError(f"{key} must be at least 1, or null for all, got {limit}")
    reader = Reader(
        format=format, rename=rename or {}, roles=roles or {}, categories=categories or {}, faulty_rows=faulty_rows
    )
    if format == "python_docs":
        splits: dict[str, Sequence[Example]] = {TRAIN: docs_instructions.examples()}
    else:
        splits = _read(reader, _found(format, path, files or {}, (name, config, revision)))
    if VALIDATION in splits and validation_categories is not None:
        raise ConfigError("'data.validation_categories': files are given to validate on; leave one of the two out")
    if VALIDATION not in splits:
        splits = hold_out(splits[TRAIN], validation_categories, validation_share)
    splits = {
        TRAIN: smallest(each_task(splits[TRAIN], max_per_task), max_train_rows),
        VALIDATION: each_task(splits[VALIDATION], max_validation_per_task),
    }
    tell(VALIDATION, shared(map(row_of, splits[VALIDATION]), map(row_of, splits[TRAIN])))
    named(reader.left_out, "left out as faulty")
    return Instructions(name or format, splits, reader.left_out)


def hold_out(
    examples: Sequence[Example], categories: Sequence[str] | None, share: float
) -> dict[str, Sequence[Example]]:
    """Examples of all categories but some to train on, and of those to validate on; see `instructions`."""
    known = sorted({example.instruction.category for example in examples} - {""})
    if categories is not None and (unknown := set(categories) - set(known)):
        raise ConfigError(f"'data.validation_categories': no task is of '{min(unknown)}'; there are {_listed(known)}")
    key: Callable[[Example], str] = category_of if known else instruction_of
    is_single = not known and len(set(map(instruction_of, examples))) == 1
    key = row_of if is_single else key
    groups = sorted({key(example) for example in examples}, key=_digest)
    if len(groups) < 2:
        what = f"all tasks are of one category, {groups[0]}" if known else "there is a single row"
        raise DataError(f"{what}, so that none can be held out; name a file: data.files.validation=…")
    count = min(max(round(len(groups) * share), 1), len(groups) - 1)
    held = set(groups[:count] if categories is None else categories)
    splits: dict[str, Sequence[Example]] = {
        TRAIN: [example for example in examples if key(example) not in held],
        VALIDATION: [example for example in examples if key(example) in held],
    }
    if not splits[TRAIN] or not splits[VALIDATION]:
        raise ConfigError("'data.validation_categories' must be some categories, and not all, or null for a share")
    if is_single:
        tell(VALIDATION, f"{len(splits[VALIDATION]):,} of {len(examples):,} rows, for there is a single instruction")
    return splits


def category_of(example: Example) -> str:
    """The category of an example's task."""
    return example.instruction.category


def instruction_of(example: Example) -> str:
    """What tells an example's task from others: of a row that names none its instruction."""
    return example.instruction.name


def row_of(example: Example) -> str:
    """What an example asks, whatever the answer."""
    return repr((example.instruction.name, example.input, example.messages[:-1]))


def each_task(examples: Sequence[Example], limit: int | None) -> list[Example]:
    """At most `limit` examples of each task, in order."""
    tasks = defaultdict[str, list[int]](list)
    for place, example in enumerate(examples):
        tasks[instruction_of(example)].append(place)
    chosen = (place for places in tasks.values() for place in _smallest(examples, places, limit))
    return [examples[place] for place in sorted(chosen)]


def smallest(examples: Sequence[Example], limit: int | None) -> list[Example]:
    """At most `limit` examples, in order."""
    return [examples[place] for place in sorted(_smallest(examples, range(len(examples)), limit))]


def named(places: Sequence[str], why: str) -> None:
    """Name on the terminal, once, the rows that are not used, if there are any."""
    if places and ranks.rank() == 0:
        more = f" and {len(places) - NAMED:,} more" if len(places) > NAMED else ""
        rows = "row is" if len(places) == 1 else "rows are"
        print(f"{len(places):,} {rows} {why}: {', '.join(places[:NAMED])}{more}", file=sys.stderr)


def _smallest(examples: Sequence[Example], places: Sequence[int], limit: int | None) -> Sequence[int]:
    """Places of the examples with the smallest SHA-256, the same ones every time."""
    if limit is None or len(places) <= limit:
        return places
    digests = {place: _digest(repr((examples[place].input, examples[place].references))) for place in places}
    return sorted(places, key=digests.__getitem__)[:limit]


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "no categories; name them in the files"


def _found(
    format: Format,
    path: str | None,
    named_files: Mapping[str, str | Sequence[str] | None],
    on_hub: tuple[str | None, str | None, str | None],
) -> dict[str, list[Path]]:
    name, config, revision = on_hub
    if name is not None and (path or any(named_files.values())):
        raise ConfigError("'data.name' is a data set of the Hub, and data.path is here; give one of them")
    if name is not None:
        return pair_files.find(str(hub.parquet_folder(name, config, revision, splits=[TRAIN])), {})
    if format == "natural_instructions" and path is not None:
        asked = {split: [where] if isinstance(where, str) else where for split, where in named_files.items() if where}
        given = {split: [file for one in some for file in files.find(one, "json")] for split, some in asked.items()}
        held = {file.resolve() for file in given.get(VALIDATION, ())}
        rest = [file for file in files.find(path, "json") if file.resolve() not in held]
        return {TRAIN: rest} | given
    return pair_files.find(path, named_files)


def _read(reader: Reader, found: Mapping[str, Sequence[Path]]) -> dict[str, Sequence[Example]]:
    problems = Problems()
    splits: dict[str, Sequence[Example]] = {split: reader(paths, problems) for split, paths in found.items()}
    problems.raise_any()
    if reader.format != "natural_instructions":
        require_seen(reader.rename, reader.seen)
    return splits
