"""Settings that only a library can judge: which ways a tokenizer's family has, which texts a task, how much a model."""

from collections.abc import Sequence

from asking import Case
from settings_parts import case

CASES: Sequence[Case] = (
    # The table of families is made of objects, which nothing light can read.
    case(
        "An algorithm that the tokenizer's family has not",
        "train_tokenizer tokenizer.family=gpt2",
        "tokenizer: algorithm wordpiece does not suit family gpt2; take byte_bpe",
    ),
    # What a task asks for is known when it is built.
    case(
        "Pairs of a task of single texts",
        "inspect gpt_extract input=similarity task=python_docs_choice",
        "input: similarity does not suit task=python_docs_choice; take multiple_choice",
    ),
)
