"""What a model that answers in free text leaves in its report: its data, best epoch, and answers good and bad."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genai_hf.analysis.asking import READABLE, offer
from genai_hf.analysis.labelling_tables import epochs
from genai_hf.data import TextPairs
from genai_hf.data.text_pairs import TEST, VALIDATION
from genai_hf.encoding import EncodedPairs
from genai_hf.errors import ConfigError
from genai_hf.metrics.answers import each
from genai_hf.reports import sections
from genai_hf.reports.sections import Table
from genai_hf.reports.words import metric_name, shown
from genai_hf.settings.task_files import TRAIN

LONGEST = 300  # characters of a text in a table


@dataclass(frozen=True, kw_only=True)
class AnsweringReport:
    """Called with the Trainer once its model is final; returns the figures of a test set, where there is one.

    Args:
        examples: Of all splits.
        rows: The same as token ids.
        samples: So many of the best and of the worst answers are shown; 0 shows none.

    Raises:
        ConfigError: `samples` is below 0.
    """

    examples: TextPairs
    rows: Mapping[str, EncodedPairs]
    samples: int = 10

    def __post_init__(self) -> None:
        if self.samples < 0:
            raise ConfigError(f"'samples' must be at least 0, got {self.samples}")

    def __call__(self, trainer: Any, folder: Path) -> dict[str, float]:
        """Answer once more, on every rank, and write, on rank 0."""
        answers = trainer.objective.texts(trainer.gathered(trainer.eval_dataset)["answers"])
        figures = dict[str, float]()
        if TEST in self.rows:
            found = trainer.gathered(self.rows[TEST])
            figures = trainer.objective.figures(found, self.examples.splits[TEST].answers)
        if trainer.is_world_process_zero():
            for section in self.sections(trainer, answers):
                sections.save(folder, section)
            offer(folder, self.question(folder))
        return {f"test_{name}": value for name, value in figures.items()}

    def sections(self, trainer: Any, answers: Sequence[str]) -> list[Table]:
        """What the report shows, in order."""
        found = [data_table(self.examples, self.rows), epochs(trainer, trainer.objective.scores)]
        if self.samples:
            split, prefix = self.examples.splits[VALIDATION], self.examples.prefix
            asked = Asked([text.removeprefix(prefix) for text in split.inputs], split.answers)
            found += samples(asked, answers, trainer.objective.scores, self.samples)
        return [section for section in found if section is not None]

    def question(self, folder: Path) -> str:
        """A command that has the model answer."""
        texts = [text.removeprefix(self.examples.prefix) for text in self.examples.splits[VALIDATION].inputs]
        text = min(texts, key=lambda text: abs(len(text) - READABLE)).strip()
        options_end = ["--"] if text.startswith("-") else []
        return shlex.join(["genai-hf", "predict", str(folder), *options_end, text])


def data_table(examples: TextPairs, rows: Mapping[str, EncodedPairs]) -> Table:
    """What was read: how many examples and references, how long, how many cut, in training too, or left out."""
    known, table = set(examples.splits[TRAIN].inputs), list[list[Any]]()
    for name, split in examples.splits.items():
        row = rows[name]
        references = sum(map(len, split.answers)) / len(split)
        lengths = [round(float(mean), 1) for mean in (row.input_lengths.mean(), row.target_lengths.mean())]
        shared = None if name == TRAIN else sum(text in known for text in split.inputs)
        table.append(
            [name, len(split), round(references, 2), *lengths, *map(int, row.cut.sum(0)), shared, split.left_out]
        )
    columns = ["split", "examples", "references each", "mean input tokens", "mean answer tokens", "inputs cut"]
    return Table("The data", [*columns, "answers cut", "in the training set", "left out as faulty"], table)


@dataclass(frozen=True)
class Asked:
    """What a model was asked, a text each, and the texts of which each is right."""

    texts: Sequence[str]
    references: Sequence[Sequence[str]]


def samples(asked: Asked, answers: Sequence[str], scores: Sequence[str], count: int) -> list[Table]:
    """Tables of the best and of the worst answers to the validation set."""
    rated = each(scores, answers, asked.references)
    order = sorted(range(len(answers)), key=lambda place: tuple(-rated[place][name] for name in scores))
    columns = ["text", "answer", "references", *map(metric_name, scores)]

    def rows(places: Sequence[int]) -> list[list[Any]]:
        return [
            [
                asked.texts[place][:LONGEST],
                answers[place][:LONGEST],
                " | ".join(asked.references[place])[:LONGEST],
                *(shown(name, rated[place][name]) for name in scores),
            ]
            for place in places
        ]

    note = "Of the validation set; where several are as good, those that come first in it."
    worst = sorted(order, key=lambda place: tuple(rated[place][name] for name in scores))
    return [
        Table("Best answers", columns, rows(order[:count]), note),
        Table("Worst answers", columns, rows(worst[:count]), note),
    ]
