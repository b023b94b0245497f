"""What a model answers to fixed texts before its training and after, as a table of the run's report."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from torch import nn
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from genai_hf.reports import sections


class BeforeAndAfter(TrainerCallback):
    """Leaves the table; every rank asks, as a sharded model needs it, and rank 0 writes.

    Args:
        title: Of the table.
        heading: Of its first column.
        texts: What the model is asked, one a row.
        answer: Gives the model's answer to each text; it must leave the model and every random stream as they were.
        note: A sentence below the table.
    """

    def __init__(
        self, *, title: str, heading: str, texts: Sequence[str], answer: Callable[[Any], list[str]], note: str
    ) -> None:
        self.title, self.heading, self.texts, self.answer, self.note = title, heading, list(texts), answer, note

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, model: nn.Module, **kwargs: Any
    ) -> None:
        """Ask the model as it came; a resumed run has done so before."""
        if state.global_step > 0:
            return
        answers = self.answer(model)
        if state.is_world_process_zero:
            self._save(args, [[text, answer, None] for text, answer in zip(self.texts, answers, strict=True)])

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, model: nn.Module, **kwargs: Any
    ) -> None:
        """Ask it again."""
        answers = self.answer(model)
        if state.is_world_process_zero:
            before = {row[0]: row[1] for row in self._saved(args)}
            pairs = zip(self.texts, answers, strict=True)
            self._save(args, [[text, before.get(text), answer] for text, answer in pairs])

    def _saved(self, args: TrainingArguments) -> list[list[Any]]:
        found = [section for section in sections.load(Path(str(args.output_dir))) if section.title == self.title]
        return found[0].rows if found and isinstance(found[0], sections.Table) else []

    def _save(self, args: TrainingArguments, rows: list[list[Any]]) -> None:
        columns = [self.heading, "before training", "after training"]
        sections.save(Path(str(args.output_dir)), sections.Table(self.title, columns, rows, self.note))
