"""Training: the Trainer and what it promises."""

from genai_hf.training.run import train
from genai_hf.training.trainer import Trainer

__all__ = ["Trainer", "train"]
