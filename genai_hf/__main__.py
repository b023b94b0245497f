"""`python -m genai_hf` is the same as `genai-hf`."""

from genai_hf.cli import command

command()
