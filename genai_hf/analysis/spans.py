"""What a text-to-text model writes where spans of a text are hidden, before and after training."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from accelerate.utils import extract_model_from_parallel
from torch import nn
from transformers import (
    PreTrainedModel,
    PreTrainedTokenizerBase,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from genai_hf.collators.sentinels import sentinels
from genai_hf.reports import sections

TITLE = "Fill in the spans"
HIDDEN = re.compile(r"\{([^{}]*)\}")  # a span that is hidden stands in braces
BLANK = "___"


class FillSpans(TrainerCallback):
    """Leaves a table in the run's report: each text, what was hidden of it, and what the model writes there.

    Args:
        tokenizer: With sentinels.
        texts: Each with one span or more in braces, such as ``Thank you {for inviting} me``.
        max_new_tokens: Tokens that the model writes for a text at most, sentinels included, at least 1.

    Raises:
        ValueError: A text has no span, or more than there are sentinels; or `max_new_tokens` is below 1.
    """

    def __init__(self, *, tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], max_new_tokens: int = 40) -> None:
        for text in texts:
            if not 0 < len(HIDDEN.findall(text)) <= len(sentinels(tokenizer)):
                raise ValueError(f"each text needs a span in braces, and a sentinel for each, got {text!r}")
        if max_new_tokens < 1:
            raise ValueError(f"max_new_tokens must be at least 1, got {max_new_tokens}")
        self.tokenizer, self.texts, self.max_new_tokens = tokenizer, list(texts), max_new_tokens

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, model: nn.Module, **kwargs: Any
    ) -> None:
        """Fill the spans with the model as it came; a resumed run has done so before."""
        if state.is_world_process_zero and state.global_step == 0:
            self._save(Path(args.output_dir), [[*row, None] for row in self._rows(model)])

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, model: nn.Module, **kwargs: Any
    ) -> None:
        """Fill them again."""
        if state.is_world_process_zero:
            folder = Path(args.output_dir)
            tables = [found for found in sections.load(folder) if isinstance(found, sections.Table)]
            before = {row[0]: row[2] for found in tables if found.title == TITLE for row in found.rows}
            rows = self._rows(model)
            self._save(folder, [[text, hidden, before.get(text), guess] for text, hidden, guess in rows])

    def _rows(self, model: nn.Module) -> list[list[Any]]:
        rows = list[list[Any]]()
        for text in self.texts:
            guesses = fill(model, self.tokenizer, text, self.max_new_tokens)
            rows.append([HIDDEN.sub(BLANK, text), *(" | ".join(spans) for spans in (HIDDEN.findall(text), guesses))])
        return rows

    @staticmethod
    def _save(folder: Path, rows: list[list[Any]]) -> None:
        columns = ["text", "hidden", "before training", "after training"]
        note = (
            f"What the model writes for each {BLANK}, always the most probable token; nothing where it names no span."
        )
        sections.save(folder, sections.Table(TITLE, columns, rows, note))


@torch.no_grad()
def fill(model: nn.Module, tokenizer: PreTrainedTokenizerBase, text: str, max_new_tokens: int) -> list[str]:
    """What the model writes for each span in braces of `text`, by greedy search; empty where it names no such span."""
    bare: PreTrainedModel = extract_model_from_parallel(model)
    names = iter(tokenizer.convert_ids_to_tokens(sentinels(tokenizer).tolist()))
    batch = tokenizer(HIDDEN.sub(lambda _: next(names), text), return_tensors="pt").to(bare.device)
    was_training = bare.training
    bare.eval()
    written = bare.generate(
        input_ids=batch["input_ids"],
        attention_mask=batch["attention_mask"],
        max_new_tokens=max_new_tokens,
        do_sample=False,
        num_beams=1,
    )
    bare.train(was_training)
    return spans(written[0].tolist(), tokenizer, len(HIDDEN.findall(text)))


def spans(written: Sequence[int], tokenizer: PreTrainedTokenizerBase, number: int) -> list[str]:
    """The text behind each of the first `number` sentinels in `written`, up to the next sentinel or the end of text."""
    places = {token: place for place, token in enumerate(sentinels(tokenizer).tolist())}
    found: dict[int, list[int]] = {}
    newest: list[int] | None = None
    for token in written:
        if token == tokenizer.eos_token_id:
            break
        if token in places:
            newest = found.setdefault(places[token], [])
        elif newest is not None:
            newest.append(token)
    return [tokenizer.decode(found.get(place, []), skip_special_tokens=True).strip() for place in range(number)]
