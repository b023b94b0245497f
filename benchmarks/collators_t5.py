"""Span corruption: tokens a second of ours and of the way it is commonly written, interleaved in one process.

    python benchmarks/collators_t5.py [--lengths 128,568] [--rows 16,128,1024] [--seconds 2]

row by row   a mask drawn for one text after the other, by shuffling which tokens begin a span; then the batch's
             sentinels and what is left, by masks over all of it (the algorithm of the example scripts for Flax)
ours         genai_hf.collators.span_corruption

Both are given the same rows, arrays as a data set gives them, and return tensors. Lengths are those of the texts; time
is that of one core. That they do the same is asserted first: shapes, numbers of hidden tokens and spans, and where
hidden spans begin. What a batch costs whatever its size, about 0.2 ms, is most of the cost of a small one.
"""

import argparse
import json
import platform
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from row_by_row import RowByRow
from scipy.stats import chi2_contingency

from genai_hf.collators.sentinels import sentinels
from genai_hf.collators.span_corruption import SpanCorruptionCollator
from genai_hf.models import hardware
from genai_hf.tokenization import train

Rows = list[dict[str, Any]]
Collate = Callable[[Rows], dict[str, torch.Tensor]]


def rows_of(length: int, number: int) -> Rows:
    """Random texts."""
    ids = np.random.default_rng(0).integers(3, 12, (number, length))
    return [{"input_ids": ids[row], "example_id": row, "epoch": 0} for row in range(number)]


def require_the_same(collators: dict[str, Collate], names: NDArray[np.int64], length: int) -> float:
    """See that both hide as much in as many spans that begin alike; the probability of so different beginnings."""
    rows, seen, begins = rows_of(length, 4000), [], []
    for collate in collators.values():
        batch = {name: tensor.numpy() for name, tensor in collate(rows).items()}
        marks = [np.isin(batch[name], names) for name in ("input_ids", "labels")]
        shapes = [batch[name].shape for name in ("input_ids", "attention_mask", "decoder_input_ids", "labels")]
        seen.append((shapes, *(np.unique(mark.sum(1)).tolist() for mark in marks)))
        begins.append(np.bincount(np.nonzero(marks[0])[1] * 16 // batch["input_ids"].shape[1], minlength=16))
    assert seen[0] == seen[1], seen
    table = np.array(begins)
    probability = float(chi2_contingency(table[:, table.sum(0) > 0]).pvalue)
    assert probability > 1e-4, begins
    return probability


def measure(collators: dict[str, Collate], length: int, number: int, seconds: float) -> dict[str, float]:
    """Median million tokens a second of each, in turns."""
    rows, rates = rows_of(length, number), {name: list[float]() for name in collators}
    until = time.thread_time() + seconds
    while time.thread_time() < until or len(rates["ours"]) < 5:
        for name, collate in collators.items():
            began = time.thread_time()
            collate(rows)
            rates[name].append(number * length / (time.thread_time() - began) / 1e6)
    return {name: statistics.median(found) for name, found in rates.items()}


def main() -> None:
    """Print a line for each size and, as the last line, JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lengths", default="128,568")
    parser.add_argument("--rows", default="16,128,1024")
    parser.add_argument("--seconds", type=float, default=2.0)
    asked = parser.parse_args()
    tokenizer = train(["the cat sat on a mat and a dog ran off"] * 5, algorithm="unigram", family="t5", vocab_size=140)
    collators: dict[str, Collate] = {
        "row by row": RowByRow(tokenizer),
        "ours": SpanCorruptionCollator(tokenizer=tokenizer),
    }
    results = []
    for length in map(int, asked.lengths.split(",")):
        alike = require_the_same(collators, sentinels(tokenizer), length)
        for number in map(int, asked.rows.split(",")):
            rates = measure(collators, length, number, asked.seconds)
            ratio = rates["ours"] / rates["row by row"]
            shown = "  ".join(f"{name} {rate:.2f}" for name, rate in rates.items())
            print(f"{number:5} rows of {length}: {shown} million tokens a second, {ratio:.1f} x", flush=True)
            results.append({"length": length, "rows": number, "alike": alike, "ratio": ratio, "rates": rates})
    print(json.dumps({"arguments": vars(asked), "hardware": hardware.hardware(), "results": results}))


if __name__ == "__main__":
    print(f"{platform.platform()}, numpy {np.__version__}, {torch.get_num_threads()} threads")
    main()
