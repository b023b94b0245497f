"""Models: loaded or made from sizes, and what is done to them before training."""

from genai_hf.models.loading import load
from genai_hf.weightless import weightless

__all__ = ["load", "weightless"]
