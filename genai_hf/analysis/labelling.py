"""What a model that labels texts leaves in its report: its data, best epoch, confusions and hardest examples."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genai_hf import files
from genai_hf.analysis.asking import READABLE, offer
from genai_hf.analysis.labelling_tables import confusion, data_table, epochs, hardest, scatter
from genai_hf.data import Labelled, Task
from genai_hf.encoding import Encoded, LaidOut
from genai_hf.errors import ConfigError
from genai_hf.reports import sections
from genai_hf.reports.sections import Figure, Table

Array = NDArray[np.float64]
PREDICTIONS = "predictions"  # folder of the files that a leaderboard takes


@dataclass(frozen=True, kw_only=True)
class LabellingReport:
    """Called with the Trainer once its model is final; returns the figures of test sets whose labels are known.

    Args:
        examples: The task with its examples.
        rows: The same as token ids, see `genai_hf.encoding.encode` and `genai_hf.encoding.lay_out`.
        hardest: So many validation examples with the largest loss are shown; 0 shows none.
        predict: Whether to write predictions for the test sets.

    Raises:
        ConfigError: Predictions are asked for and there is no test set.
    """

    examples: Labelled
    rows: Mapping[str, Encoded | LaidOut]
    hardest: int = 10
    predict: bool = False

    def __post_init__(self) -> None:
        if self.predict and not self.examples.test:
            raise ConfigError(f"'predict': task={self.examples.task.name} has no test file here; leave it out")
        if self.hardest < 0:
            raise ConfigError(f"'hardest' must be at least 0, got {self.hardest}")

    def __call__(self, trainer: Any, folder: Path) -> dict[str, float]:
        """Predict what has to be, on every rank, and write, on rank 0."""
        outputs = trainer.gathered(trainer.eval_dataset)["outputs"]
        tests = {name: trainer.gathered(self.rows[name]) for name in self.examples.test if name in self.rows}
        if trainer.is_world_process_zero():
            for section in self.sections(trainer, outputs):
                sections.save(folder, section)
            offer(folder, self.question(folder))
            for name in tests if self.predict else ():
                text = answers(self._task(name), trainer.objective.predicted(tests[name]["outputs"]))
                (folder / PREDICTIONS).mkdir(exist_ok=True)
                files.write_text(folder / PREDICTIONS / f"{name}.tsv", text)
        known = [self._figures(trainer, name, found) for name, found in tests.items() if "labels" in found]
        return {key: value for figures in known for key, value in figures.items()}

    def sections(self, trainer: Any, outputs: Array) -> list[Table | Figure]:
        """What the report shows, in order."""
        name, split = next(iter(self.examples.validation.items()))
        outputs, labels = outputs[: len(split)], np.array(split.labels)
        predicted, task = trainer.objective.predicted(outputs), self.examples.task
        shape = confusion(task.names, labels, predicted) if task.names else scatter(labels, predicted)
        found = [data_table(self.examples, self.rows), epochs(trainer, task.scores), shape]
        if self.hardest:
            found.append(hardest(task, split, outputs, self.hardest, name))
        return [section for section in found if section is not None]

    def question(self, folder: Path) -> str:
        """A command that has the model answer."""
        split = next(iter(self.examples.validation.values()))
        place = min(range(len(split)), key=lambda number: abs(len(split.texts[number]) - READABLE))
        texts = [split.texts[place].strip(), *([split.pairs[place].strip()] if split.pairs else [])]
        texts += split.choices[place] if split.choices else []
        options_end = ["--"] if any(text.startswith("-") for text in texts) else []
        return shlex.join(["genai-hf", "predict", str(folder), *options_end, *texts])

    def _figures(self, trainer: Any, name: str, found: Mapping[str, Array]) -> dict[str, float]:
        """Figures of a test set whose labels are known; those of all but the task's first have the set's name."""
        prefix = "test_" if name == next(iter(self.examples.task.test), None) else f"test_{name.lower()}_"
        figures = trainer.objective.figures(found["outputs"], found["labels"], self._task(name).scores)
        return {f"{prefix}{key}": value for key, value in figures.items()}

    def _task(self, name: str) -> Task:
        task = self.examples.task
        return task if name in task.test or not task.diagnostic else Task(**task.diagnostic)


def answers(task: Task, predicted: Array) -> str:
    """A file of predictions as GLUE's leaderboard takes it: ``index`` and ``prediction``, a tab between.

    Args:
        task: Its `answers` are what the leaderboard calls the labels; a regression is cut to its scale.
        predicted: Numbers of labels, or values (N,), in the order of the test file.
    """
    if task.names:
        names = [str(answer) for answer in task.answers or task.names]
        said = [names[int(number)] for number in predicted]
    else:
        low, high = task.scale or (-np.inf, np.inf)
        said = [f"{value:.3f}" for value in predicted.clip(low, high)]
    return "".join(f"{index}\t{answer}\n" for index, answer in [("index", "prediction"), *enumerate(said)])
