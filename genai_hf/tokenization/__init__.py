"""Tokenizers: trained on text or loaded by name, measured, and shown step by step."""

from genai_hf.tokenization.lengths import byte_lengths
from genai_hf.tokenization.loading import load, load_or_train
from genai_hf.tokenization.marks import Marks, append_marks
from genai_hf.tokenization.merges import Merge, first_merges, tokens_over_merges
from genai_hf.tokenization.pictures import (
    merges_figure,
    merges_table,
    ranks_figure,
    samples_table,
    special_tokens_table,
)
from genai_hf.tokenization.special import end_of_text
from genai_hf.tokenization.texts import held_out
from genai_hf.tokenization.training import train
from genai_hf.tokenization.usage import Usage, measure

__all__ = [
    "Marks",
    "Merge",
    "Usage",
    "append_marks",
    "byte_lengths",
    "end_of_text",
    "first_merges",
    "held_out",
    "load",
    "load_or_train",
    "measure",
    "merges_figure",
    "merges_table",
    "ranks_figure",
    "samples_table",
    "special_tokens_table",
    "tokens_over_merges",
    "train",
]
