"""What a masked language model puts into a blank, before and after training."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import (
    PreTrainedTokenizerBase,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from genai_hf.reports import sections

BLANK = "___"


class FillBlanks(TrainerCallback):
    """Leaves a table in the run's report: each text, the model's guesses before training, and after.

    Args:
        tokenizer: Its mask token stands for the blank.
        texts: Each with one ``___``.
        top: Guesses a blank, at least 1.

    Raises:
        ValueError: A text has no blank or more than one, or `top` is below 1.
    """

    def __init__(self, *, tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], top: int = 5) -> None:
        for text in texts:
            if text.count(BLANK) != 1:
                raise ValueError(f"each text needs one blank ({BLANK}), got {text!r}")
            if len(tokenizer(text)["input_ids"]) > tokenizer.model_max_length:
                raise ValueError(
                    f"a text has more tokens than the {tokenizer.model_max_length} of the model: {text!r:.60}"
                )
        if top < 1:
            raise ValueError(f"top must be at least 1, got {top}")
        self.tokenizer, self.texts, self.top = tokenizer, list(texts), top

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, model: nn.Module, **kwargs: Any
    ) -> None:
        """Fill the blanks with the model as it came; a resumed run has done so before."""
        if state.is_world_process_zero and state.global_step == 0:
            rows = [[text, guess, None] for text, guess in zip(self.texts, self._guesses(model), strict=True)]
            self._save(Path(args.output_dir), rows)

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, model: nn.Module, **kwargs: Any
    ) -> None:
        """Fill them again."""
        if state.is_world_process_zero:
            before = {row[0]: row[1] for section in sections.load(Path(args.output_dir)) for row in self._rows(section)}
            guesses = zip(self.texts, self._guesses(model), strict=True)
            self._save(Path(args.output_dir), [[text, before.get(text), guess] for text, guess in guesses])

    def _guesses(self, model: nn.Module) -> list[str]:
        return [", ".join(fill(model, self.tokenizer, text, self.top)) for text in self.texts]

    def _save(self, folder: Path, rows: list[list[Any]]) -> None:
        columns = ["text", "before training", "after training"]
        note = f"The {self.top} most probable tokens for the blank, the most probable first."
        sections.save(folder, sections.Table("Fill in the blank", columns, rows, note))

    @staticmethod
    def _rows(section: sections.Table | sections.Figure) -> list[list[Any]]:
        return section.rows if isinstance(section, sections.Table) and section.title == "Fill in the blank" else []


@torch.no_grad()
def fill(model: nn.Module, tokenizer: PreTrainedTokenizerBase, text: str, top: int) -> list[str]:
    """The `top` most probable tokens for the blank ``___`` of `text`, the most probable first."""
    batch = tokenizer(text.replace(BLANK, tokenizer.mask_token), return_tensors="pt")
    place = (batch["input_ids"][0] == tokenizer.mask_token_id).nonzero()[0, 0]
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    logits = model(input_ids=batch["input_ids"].to(device), attention_mask=batch["attention_mask"].to(device)).logits
    model.train(was_training)
    guesses: list[str] = tokenizer.convert_ids_to_tokens(logits[0, place, : len(tokenizer)].topk(top).indices.tolist())
    return guesses
