"""What a masked language model puts into a blank, before and after training."""

from collections.abc import Sequence

import torch
from torch import nn
from transformers import PreTrainedTokenizerBase

from genai_hf.analysis.before_after import BeforeAndAfter

BLANK = "___"


def fill_blanks(*, tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], top: int = 5) -> BeforeAndAfter:
    """A table for the run's report: each text, the model's guesses before training, and after.

    Args:
        tokenizer: Its mask token stands for the blank.
        texts: Each with one ``___``.
        top: Guesses a blank, at least 1.

    Raises:
        ValueError: A text has no blank or more than one, or `top` is below 1.
    """
    for text in texts:
        if text.count(BLANK) != 1:
            raise ValueError(f"each text needs one blank ({BLANK}), got {text!r}")
        if len(tokenizer(text)["input_ids"]) > tokenizer.model_max_length:
            raise ValueError(f"a text has more tokens than the {tokenizer.model_max_length} of the model: {text!r:.60}")
    if top < 1:
        raise ValueError(f"top must be at least 1, got {top}")
    return BeforeAndAfter(
        title="Fill in the blank",
        heading="text",
        texts=texts,
        answer=lambda model: [", ".join(fill(model, tokenizer, text, top)) for text in texts],
        note=f"The {top} most probable tokens for the blank, the most probable first.",
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
