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
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
import transformers
from numpy.typing import NDArray
from scipy.stats import binom
from tokenizers import Tokenizer, models, pre_tokenizers
from torch import Tensor
from transformers import DataCollatorForLanguageModeling, PreTrainedTokenizerFast

from genai_hf.collators.masking import IGNORE, MaskedLMCollator
from genai_hf.models import hardware

SPECIAL = {"pad": "[PAD]", "unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]"}
MASK, VOCABULARY = 4, 8192
SHARE = 0.15
TURN = 5  # batches
PIECES = (0.7, 0.18, 0.08, 0.04)  # share of words of one piece, two, …
BAND = 0.999999  # a rate outside has one chance in a million

Batch = Mapping[str, Tensor]


@dataclass(frozen=True)
class Rows:
    """The same rows as every collator takes them."""

    ours: list[dict[str, Any]]
    stock: list[dict[str, Any]]
    stock_words: list[dict[str, Any]]  # with offsets
    ids: NDArray[np.int64]  # (B, T)
    starts: NDArray[np.bool_]  # (B, T), where words begin


Check = Callable[[Batch, Rows], None]


@dataclass(frozen=True)
class Task:
    """Two collators for the same rows, each with what it must show first; stock may be missing."""

    ours: Callable[[Rows], Batch]
    shows: Sequence[Check]
    stock: Callable[[Rows], Batch] | None = None
    stock_shows: Sequence[Check] = ()


def make_tokenizer() -> PreTrainedTokenizerFast:
    """A vocabulary of numbers after the five special tokens."""
    words = [*SPECIAL.values(), *map(str, range(VOCABULARY - len(SPECIAL)))]
    backend = Tokenizer(models.WordLevel({word: number for number, word in enumerate(words)}, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, **{f"{role}_token": token for role, token in SPECIAL.items()}
    )


def make_rows(size: int, length: int, seed: int = 0) -> Rows:
    """Random words between [CLS] and [SEP]."""
    random = np.random.default_rng(seed)
    ids = random.integers(len(SPECIAL), VOCABULARY, (size, length))
    ids[:, 0], ids[:, -1] = 2, 3
    starts = np.zeros((size, length), dtype=bool)
    for row in starts:
        ends = np.cumsum(random.choice(len(PIECES), length, p=PIECES) + 1)
        row[[0, 1, length - 1, *(ends[ends < length - 2] + 1)]] = True
    ours, stock, stock_words = [], [], []
    for number in range(size):
        ours.append({"input_ids": ids[number], "word_starts": starts[number], "example_id": number, "epoch": 0})
        first = 4 * np.arange(length) + np.cumsum(starts[number])  # a gap of one character before each word
        offsets = [(0, 0), *zip(first[1:-1].tolist(), (first[1:-1] + 4).tolist(), strict=True), (0, 0)]
        row = {"input_ids": ids[number].tolist(), "special_tokens_mask": [1, *[0] * (length - 2), 1]}
        stock.append(row)
        stock_words.append(row | {"offset_mapping": offsets})
    return Rows(ours, stock, stock_words, ids, starts)


def require(name: str, hits: int, trials: int, share: float) -> None:
    """See that a rate is what it should be.

    Raises:
        SystemExit: It is not.
    """
    low, high = binom.interval(BAND, trials, share)
    if not low <= hits <= high:
        raise SystemExit(f"{name}: {hits:,} of {trials:,} lie outside {low:,.0f} to {high:,.0f}")


def labelled(batch: Batch, rows: Rows) -> NDArray[np.bool_]:
    """Which tokens have a label, (B, T).

    Raises:
        SystemExit: Another than what they were, or special ones.
    """
    labels = batch["labels"].numpy()
    chosen: NDArray[np.bool_] = labels != IGNORE
    if not (labels[chosen] == rows.ids[chosen]).all() or chosen[:, [0, -1]].any():
        raise SystemExit("labels are not the ordinary tokens that were hidden")
    return chosen


def tokens_by_themselves(batch: Batch, rows: Rows) -> None:
    """15 % of the ordinary tokens are labelled."""
    require("tokens", int(labelled(batch, rows).sum()), rows.ids[:, 1:-1].size, SHARE)


def words_by_themselves(batch: Batch, rows: Rows) -> None:
    """15 % of the words are labelled."""
    words = rows.starts[:, 1:-1]
    require("words", int((labelled(batch, rows)[:, 1:-1] & words).sum()), int(words.sum()), SHARE)


def words_are_whole(batch: Batch, rows: Rows) -> None:
    """Words are labelled whole or not at all."""
    chosen, first = labelled(batch, rows).ravel(), np.flatnonzero(rows.starts)
    if (np.logical_and.reduceat(chosen, first) != np.logical_or.reduceat(chosen, first)).any():
        raise SystemExit("a word is hidden in part")


def budget_is(count: int, *, at_most: bool = False) -> Check:
    """So many labels a row."""

    def check(batch: Batch, rows: Rows) -> None:
        counts = labelled(batch, rows).sum(axis=1)
        if counts.max() > count or (counts.min() < count and not at_most):
            raise SystemExit(f"rows have {counts.min()} to {counts.max()} labels, not {count}")

    return check


def fates_are(mask_share: float, random_share: float) -> Check:
    """Of the labelled tokens so many are masked, and so many stay."""

    def check(batch: Batch, rows: Rows) -> None:
        chosen, seen = labelled(batch, rows), batch["input_ids"].numpy()
        total, same = int(chosen.sum()), 1 - mask_share - random_share
        require("[MASK]", int((seen[chosen] == MASK).sum()), total, mask_share)
        require("unchanged", int((seen == rows.ids)[chosen].sum()), total, same + random_share / VOCABULARY)

    return check


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
