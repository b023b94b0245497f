"""Texts and their labels as they lie in files, on the Hub or in Python itself: read and checked, without torch."""

from genai_hf.data.cache import cache_folder
from genai_hf.data.corpus import Corpus, documents, together
from genai_hf.data.instructions import Instructions, instructions
from genai_hf.data.labelled import Labelled, labelled
from genai_hf.data.task import Task
from genai_hf.data.text_pairs import TextPairs, text_pairs
from genai_hf.data.wording import Wording

__all__ = [
    "Corpus",
    "Instructions",
    "Labelled",
    "Task",
    "TextPairs",
    "Wording",
    "cache_folder",
    "documents",
    "instructions",
    "labelled",
    "text_pairs",
    "together",
]
