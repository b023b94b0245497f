"""Show the first examples as the model will see them: what is hidden, predicted, ignored (--json, --n N).

genai-hf inspect RECIPE [key=value …]      tokens in colour, with the measured rates beneath
--n N                                      so many examples, in the order of training; 4 if not given
--json                                     one JSON object a line, with all that the model receives
"""

import argparse
import json
import sys
from collections.abc import Iterator
from typing import Any

from genai_hf import arguments
from genai_hf.errors import ConfigError
from genai_hf.looking import first_rows, looked_at
from genai_hf.settings import composing


def main(words: list[str]) -> int:
    """Print `n` examples of a recipe, and the rates measured over them."""
    parser = argparse.ArgumentParser(prog="genai-hf inspect", add_help=False)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--n", "-n", type=int, default=4)
    parser.error = arguments.refuse  # type: ignore[method-assign]
    own, rest = parser.parse_known_args(words)
    if own.n < 1:
        raise ConfigError(f"--n must be at least 1, got {own.n}")
    recipe, flags = arguments.parse(rest)
    with looked_at(composing.compose(recipe, flags.overrides)) as trainer:
        if own.json:
            for example in examples(trainer, own.n):
                sys.stdout.write(json.dumps(example) + "\n")
        else:
            from genai_hf.reports import examples as page

            page.show(trainer, own.n)
    return 0


def examples(trainer: Any, number: int) -> Iterator[dict[str, Any]]:
    """The first `number` examples in training order, unpadded: tokens, ids, labels, all that the model receives."""
    spelt = trainer.processing_class.convert_ids_to_tokens
    for row in first_rows(trainer, number):
        batch = {key: value.tolist() for key, value in trainer.data_collator([row]).items()}
        tokens = [spelt(ids) for ids in batch["input_ids"]]
        single = {
            key: value[0] if len(value) == 1 and isinstance(value[0], list) else value for key, value in batch.items()
        }
        yield {
            "example_id": int(row["example_id"]),
            "tokens": tokens[0] if len(tokens) == 1 else tokens,  # an example may be several sequences
            "original_ids": row["input_ids"].tolist(),
            **single,
        }
