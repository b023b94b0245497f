"""A tokenizer of T5's kind, a tiny T5 of either version, and rows of text for it."""

import functools
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from genai_hf import models
from genai_hf.tokenization import train

VERSIONS = {
    "1.0": {"feed_forward_proj": "relu"},
    "1.1": {"feed_forward_proj": "gated-gelu", "tie_word_embeddings": False},
}


@functools.cache
def make_t5_tokenizer() -> PreTrainedTokenizerFast:
    """Padding, end of text and unknown (ids 0, 1, 2), pieces from 3 on, and a hundred sentinels at the end."""
    text = ["the cat sat on the mat and a dog ran off"] * 5
    return train(text, algorithm="unigram", family="t5", vocab_size=140, lowercase=False)


def make_t5(version: str = "1.1", dtype: torch.dtype = torch.float32, dropout: float = 0.0) -> PreTrainedModel:
    """One layer of 16 in each half."""
    sizes = {"d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 1, "num_heads": 2, "dropout_rate": dropout}
    model = models.load(
        head="text_to_text",
        tokenizer=make_t5_tokenizer(),
        sequence_length=64,
        architecture="t5",
        config=sizes | VERSIONS[version],
    )
    return model.to(dtype)


class Texts(Dataset[dict[str, Any]]):
    """`size` rows of `lengths` (in turn) random pieces."""

    def __init__(self, size: int, lengths: tuple[int, ...] = (16,), evaluation: bool = False) -> None:
        random = np.random.default_rng(0)
        self.rows = [random.integers(3, 15, lengths[number % len(lengths)]) for number in range(size)]
        self.evaluation = evaluation

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, key: int | tuple[int, int]) -> dict[str, Any]:
        epoch, index = key if isinstance(key, tuple) else (0, key)
        return {"input_ids": self.rows[index], "example_id": index, "epoch": -1 if self.evaluation else epoch}
