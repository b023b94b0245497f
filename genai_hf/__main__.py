"""`python -m genai_hf` is the same as `genai-hf`: it takes no module from the working directory either."""

import os
import sys

OWN = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120 - pathlib may be a file there
if sys.path[0] == os.getcwd() != OWN:  # noqa: PTH109
    del sys.path[0]  # which Python has put there, so that a user's torch.py would be taken for torch

from genai_hf.cli import command  # noqa: E402

command()
