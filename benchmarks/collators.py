"""Batches by the collators: the time that ours take for the work of the stock ones, interleaved in one process.

    python benchmarks/collators.py [--rows 256] [--length 128] [--rounds 8]

For each task the collators make batches of the same rows, in turns of five (A B, A B …); the median batch counts:

tokens           each token by itself with 15 %, 80/10/10, against DataCollatorForLanguageModeling
tokens, exact    as bert_mlm has it: round(0.15 x length) tokens of a row, against the same
words            each word by itself with 15 %, all [MASK], against the same with whole_word_mask=True
words, exact     as bert_mlm has it: words that fit into the budget, each piece by 80/10/10, against the same
spans            as spanbert has it; transformers has none

Rows are made from a seed: words of one to four pieces between [CLS] and [SEP]. Stock gets lists, with the mask of
special tokens and for words the offsets by which it tells them; ours get arrays, as the blocks give them. Before
anything is timed all show that they do what they are said to do: rates lie in their exact bands, and words are hidden
whole. What is measured is this process's own time on the processor, on one thread: other work on the machine does not
count.
"""

import argparse
import json
import math
import platform
import statistics
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
import transformers
from collator_rows import (
    SHARE,
    Batch,
    Check,
    Rows,
    budget_is,
    fates_are,
    make_rows,
    make_tokenizer,
    tokens_by_themselves,
    words_are_whole,
    words_by_themselves,
)
from transformers import DataCollatorForLanguageModeling, PreTrainedTokenizerFast

from genai_hf.collators.masking import MaskedLMCollator
from genai_hf.models import hardware

TURN = 5  # batches


@dataclass(frozen=True)
class Task:
    """Two collators for the same rows, each with what it must show first; stock may be missing."""

    ours: Callable[[Rows], Batch]
    shows: Sequence[Check]
    stock: Callable[[Rows], Batch] | None = None
    stock_shows: Sequence[Check] = ()


def tasks(tokenizer: PreTrainedTokenizerFast, length: int) -> dict[str, Task]:
    """What is compared; another collator is one entry more."""
    arms = {
        "tokens": MaskedLMCollator(tokenizer=tokenizer, selection="bernoulli"),
        "tokens, exact": MaskedLMCollator(tokenizer=tokenizer),
        "words": MaskedLMCollator(
            tokenizer=tokenizer, unit="word", selection="bernoulli", mask_share=1.0, random_share=0.0
        ),
        "words, exact": MaskedLMCollator(tokenizer=tokenizer, unit="word"),
        "spans": MaskedLMCollator(tokenizer=tokenizer, unit="span"),
    }
    ours = {name: partial(_ours, collator) for name, collator in arms.items()}
    stock = DataCollatorForLanguageModeling(tokenizer, seed=0)
    with warnings.catch_warnings(action="ignore"):  # it says that it replaces nothing at random
        stock_words = DataCollatorForLanguageModeling(tokenizer, whole_word_mask=True, seed=0)

    def tokens(rows: Rows) -> Batch:
        return stock(rows.stock)  # type: ignore[no-any-return]

    def words(rows: Rows) -> Batch:
        return stock_words(rows.stock_words)  # type: ignore[no-any-return]

    usual, google, spans = fates_are(0.8, 0.1), round(SHARE * length), math.ceil(round(SHARE * (length - 2), 9))
    freely, wholly = [tokens_by_themselves, usual], [words_by_themselves, words_are_whole, fates_are(1.0, 0.0)]
    return {
        "tokens": Task(ours["tokens"], freely, tokens, freely),
        "tokens, exact": Task(ours["tokens, exact"], [budget_is(google), usual], tokens, freely),
        "words": Task(ours["words"], wholly, words, wholly),
        "words, exact": Task(
            ours["words, exact"], [budget_is(google, at_most=True), words_are_whole, usual], words, wholly
        ),
        "spans": Task(ours["spans"], [budget_is(spans)]),
    }


def _ours(collator: MaskedLMCollator, rows: Rows) -> Batch:
    return collator(rows.ours)


def measure(task: Task, rows: Rows, rounds: int) -> dict[str, float]:
    """Tokens a second of both arms, and the ratio, after they have shown what they do."""
    arms = {"ours": (task.ours, task.shows)} | ({"stock": (task.stock, task.stock_shows)} if task.stock else {})
    for collate, shows in arms.values():
        for check in shows:
            check(collate(rows), rows)
    seconds: dict[str, list[float]] = {arm: [] for arm in arms}
    for _ in range(rounds):
        for arm, (collate, _) in arms.items():
            for _ in range(TURN):
                began = time.process_time()
                collate(rows)
                seconds[arm].append(time.process_time() - began)
    found = {arm: rows.ids.size / statistics.median(times) for arm, times in seconds.items()}
    return found | ({"ratio": found["ours"] / found["stock"]} if "stock" in found else {})


def main() -> None:
    """Print a table and, as the last line, JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=256)
    parser.add_argument("--length", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=8)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    transformers.utils.logging.set_verbosity_error()
    rows, results = make_rows(asked.rows, asked.length), dict[str, dict[str, float]]()
    print(f"{'':16}{'ours':>14}{'stock':>14}{'ratio':>9}   (tokens a second)")
    for name, task in tasks(make_tokenizer(), asked.length).items():
        results[name] = found = measure(task, rows, asked.rounds)
        compared = f"{found['stock']:14,.0f}{found['ratio']:8.1f}x" if "stock" in found else f"{'none':>14}"
        print(f"{name:16}{found['ours']:14,.0f}{compared}", flush=True)
    print(json.dumps({"arguments": vars(asked), "hardware": hardware.hardware(), "tasks": results}))


if __name__ == "__main__":
    print(f"{platform.platform()}, torch {torch.__version__}, transformers {transformers.__version__}")
    main()
