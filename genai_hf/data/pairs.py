"""One split of texts with their answers: its examples, and how they are read from files and checked."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

from genai_hf.data import tables
from genai_hf.data.files import lines
from genai_hf.data.problems import Problems, clean, fault, shown
from genai_hf.errors import DataError
from genai_hf.metrics.answers import normalised
from genai_hf.settings.task_files import kind

LIST = re.compile(r"""\[\s*(?:['"].*['"])?\s*\]""", re.DOTALL)  # of texts, as Python or JSON writes it
Faulty: TypeAlias = Literal["refuse", "skip"]


@dataclass(frozen=True)
class Pairs:
    """Examples of one split.

    Attributes:
        inputs: What the model reads, prefix included.
        answers: As many references, one or more for each; the first is the one that is learned.
        left_out: Rows that were left out as faulty.
    """

    inputs: list[str]
    answers: list[list[str]]
    left_out: int = 0

    def __len__(self) -> int:
        return len(self.inputs)

    def fingerprint(self) -> str:
        """SHA-256, in hex, of all that is in it, in order."""
        return hashlib.sha256(repr((self.inputs, self.answers)).encode()).hexdigest()

    def take(self, places: Iterable[int]) -> "Pairs":
        """The examples at these places."""
        chosen = list(places)
        return replace(self, inputs=[self.inputs[i] for i in chosen], answers=[self.answers[i] for i in chosen])

    def smallest(self, count: int) -> set[int]:
        """Places of the `count` examples whose inputs have the smallest SHA-256: the same ones every time."""
        digests = [hashlib.sha256(text.encode()).digest() for text in self.inputs]
        return set(sorted(range(len(self)), key=lambda place: digests[place])[:count])

    def commonest(self) -> str:
        """The answer that is right most often, normalised answers being one; the first to appear where several are."""
        spelt, counts = dict[str, str](), Counter[str]()
        for known in self.answers:
            counts.update(dict.fromkeys(map(normalised, known), 1))
            for answer in known:
                spelt.setdefault(normalised(answer), answer)
        return spelt[counts.most_common(1)[0][0]]


@dataclass(frozen=True)
class Reader:
    """How rows of files are read.

    Attributes:
        input: Column of the text.
        answers: Column of its answers; None where they are not wanted.
        prefix: Of every input.
        faulty_rows: What becomes of a row that is wrong.
        key: Of the settings that name the columns, for messages.
    """

    input: str
    answers: str | None
    prefix: str = ""
    faulty_rows: Faulty = "refuse"
    key: str = "data"

    def __call__(self, files: Sequence[Path], problems: Problems) -> Pairs:
        """The examples of a split's files; what is wrong and not to be left out goes into `problems`."""
        others = [] if self.answers is None else [self.answers]
        remedy = f"name others: {self.key}.input=… {self.key}.answers=…" if others else f"call one {self.input}"
        columns = tables.Columns(texts=[self.input], others=others, remedy=remedy)
        skips = self.faulty_rows == "skip"
        inputs, answers, left_out, written = list[str](), list[list[str]](), 0, list[str]()
        for file in files:
            own = Problems() if skips else problems
            before, known = own.count, len(inputs)
            for number, row in tables.rows(file, columns, own):
                found, wrong = self._checked(row)
                if wrong:
                    own.add(file, number, wrong)
                else:
                    inputs.append(self.prefix + clean(row[self.input]))
                    answers.append(found)
                    if isinstance(text := row.get(self.answers or ""), str) and LIST.fullmatch(text.strip()):
                        written.append(text)
            if len(inputs) == known and own.count == before:
                own.add(file, None, "holds no row; fill it, or leave it out")
            if skips and (own.whole_files or len(inputs) == known):
                own.raise_any()
            if len(written) == len(inputs) - known and any(text.strip("[ ]") for text in written):
                remedy = "write real lists, in jsonl or Parquet (where brackets are meant, a list of that one text)"
                example = shown(written[0])
                problems.add(file, None, f"all '{self.answers}' are lists written as text, {example}; {remedy}")
            written.clear()
            left_out += own.count if skips else 0
        return Pairs(inputs, answers, left_out)

    def _checked(self, row: Mapping[str, Any]) -> tuple[list[str], str | None]:
        """A row's references, and what is wrong with the row."""
        if wrong := fault(row[self.input]):
            return [], f"'{self.input}' {wrong}"
        if self.answers is None:
            return [], None
        given = row[self.answers]
        given = (
            given["text"] if isinstance(given, Mapping) and isinstance(given.get("text"), list) else given
        )  # of SQuAD
        known = given if isinstance(given, list) else [given]
        if not known:
            return [], f"'{self.answers}' is an empty list; write an answer, or leave the row out"
        if wrong := next(filter(None, map(fault, known)), None):
            return [], f"'{self.answers}' {'has an answer that ' if isinstance(given, list) else ''}{wrong}"
        return [clean(answer).strip() for answer in known], None


def read_inputs(file: Path, column: str) -> list[str]:
    """The inputs of a file without answers: a table with the column, or a text file with one a line.

    Raises:
        DataError: A row is wrong; the message has a line a problem.
    """
    problems = Problems()
    if kind(file) == ".txt":
        found = [line.strip() for _, line in lines(file, problems) if line.strip()]
    else:
        found = Reader(column, None)([file], problems).inputs
    problems.raise_any()
    if not found:
        raise DataError(f"{file}: holds no text; fill it")
    return found
