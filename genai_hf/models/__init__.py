"""Models: loaded or made from sizes, and what is done to them before training."""

from genai_hf.models.loading import is_weightless, load, weightless

__all__ = ["is_weightless", "load", "weightless"]
