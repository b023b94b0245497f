"""What a masked language model puts into a blank, before and after training."""

from collections.abc import Sequence

import torch
from torch import nn
from transformers import PreTrainedTokenizerBase

from genai_hf.analysis.before_after import BeforeAndAfter

BLANK = "___"


def fill_blanks(
    *, tokenizer: PreTrainedTokenizerBase, positions: int | None, texts: Sequence[str], top: int = 5
) -> BeforeAndAfter:
    """A table for the run's report: each text, the model's guesses before training, and after.

    Args:
        tokenizer: Its mask token stands for the blank.
        positions: Tokens of a text that the model has room for; a longer text is left out. None is no limit.
        texts: Each with one ``___``.
        top: Guesses a blank, from 1 to as many as there are tokens.

    Raises:
        ValueError: A text has no blank or more than one, or `top` lies outside its range.
    """
    for text in texts:
        if text.count(BLANK) != 1:
            raise ValueError(f"each text needs one blank ({BLANK}), got {text!r}")
    if not 1 <= top <= len(tokenizer):
        raise ValueError(f"top must be from 1 to {len(tokenizer)}, got {top}")
    room = tokenizer.model_max_length if positions is None else positions
    short = [text for text in texts if len(tokenizer(text)["input_ids"]) <= room]
    missing = len(texts) - len(short)
    left_out = f" Longer than the {room} tokens that the model takes, so left out: {missing}." if missing else ""
    return BeforeAndAfter(
        title="Fill in the blank",
        heading="text",
        texts=short,
        answer=lambda model: [", ".join(fill(model, tokenizer, text, top)) for text in short],
        note=f"The {top} most probable tokens for the blank, the most probable first.{left_out}",
    )


@torch.no_grad()
def fill(model: nn.Module, tokenizer: PreTrainedTokenizerBase, text: str, top: int) -> list[str]:
    """The `top` most probable tokens for the blank ``___`` of `text`, the most probable first."""
    batch = tokenizer(text.replace(BLANK, tokenizer.mask_token), return_tensors="pt")
    place = (batch["input_ids"][0] == tokenizer.mask_token_id).nonzero()[0, 0]
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    inputs = {name: batch[name].to(device) for name in ("input_ids", "attention_mask")}
    logits = model(**inputs)[0]  # the first output of every masked language model, whatever other heads it has
    model.train(was_training)
    guesses: list[str] = tokenizer.convert_ids_to_tokens(logits[0, place, : len(tokenizer)].topk(top).indices.tolist())
    return guesses
