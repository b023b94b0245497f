"""How training scales over ranks: measured with gloo as far as this machine has cores, and reckoned for GPUs.

    python benchmarks/scaling.py bert_mlm model=bert_mini trainer.max_steps=60 … [--ranks 1,2]

Measured: real tokens a second of the same command with one process and with more (one thread each, torchrun), the batch
of each rank the same (weak scaling), and what a gloo all-reduce of the gradients takes by itself.

Reckoned, for data parallelism with gradients in `--bytes` bytes: a ring over the g GPUs of a machine and, between m
machines, one over what each GPU holds of the sum (reduce-scatter, all-reduce, all-gather):

    seconds = 2 (g - 1) / g * B / inside + 2 (m - 1) / m * (B / g) / between

It runs beside the backward pass, two thirds of a step, but for the last bucket of 25 MB; what does not fit shows:

    efficiency = compute / (compute + max(communication - 2/3 compute, last bucket))

A step's compute is 6 operations a parameter and token over what the GPUs reach, `--rate`. FSDP gathers the weights once
more in the forward pass: half as much again.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import torch.distributed
import torch.multiprocessing

BUCKET = 25e6  # bytes that DDP reduces at a time
INSIDE, BETWEEN = 450e9, 50e9  # bytes a second and GPU: NVLink of an H100 one way; 400 Gbit/s InfiniBand for each GPU
RATE = 0.5 * 989e12  # operations a second: half of an H100's dense bfloat16
MODELS = {"BERT-base": 110e6, "BERT-large": 340e6, "T5-base": 220e6, "GPT-2 XL": 1.5e9, "Llama 8B": 8e9}  # parameters


def communication(size: float, gpus: int, machines: int, inside: float, between: float) -> float:
    """Seconds of an all-reduce of `size` bytes over `gpus` in each of `machines`."""
    shared = 2 * (gpus - 1) / gpus * size / inside
    return shared + 2 * (machines - 1) / machines * (size / gpus) / between


def efficiency(parameters: float, tokens: float, gpus: int, machines: int, asked: argparse.Namespace) -> float:
    """Share of the speed of as many GPUs by themselves, for `tokens` a GPU and step."""
    compute = 6 * parameters * tokens / asked.rate
    needed = communication(parameters * asked.bytes, gpus, machines, INSIDE, BETWEEN)
    shown = max(needed - 2 / 3 * compute, min(communication(BUCKET, gpus, machines, INSIDE, BETWEEN), needed))
    return compute / (compute + shown)


def speed(settings: list[str], ranks: int) -> float:
    """Real tokens a second of a run with so many ranks."""
    with tempfile.TemporaryDirectory() as root:
        words = [
            *settings,
            f"root={root}",
            "run=scaling",
            *(["launch=cpu2", f"launch.processes={ranks}"] * (ranks > 1)),
        ]
        command = [sys.executable, "-m", "genai_hf", *words]
        subprocess.run(command, check=True, env=os.environ | {"OMP_NUM_THREADS": "1"}, stderr=subprocess.DEVNULL)
        metrics = next(Path(root).glob("*/scaling/metrics.json"))
        return float(json.loads(metrics.read_text(encoding="utf-8"))["tokens_per_second"])


def gloo(rank: int, ranks: int, size: int, place: str) -> None:
    """Print what an all-reduce of `size` float32 takes, the median of seven."""
    torch.distributed.init_process_group("gloo", init_method=f"file://{place}", rank=rank, world_size=ranks)
    numbers, times = torch.ones(size), []
    for _ in range(7):
        began = perf_counter()
        torch.distributed.all_reduce(numbers)
        times.append(perf_counter() - began)
    if rank == 0:
        print(f"all-reduce of {4 * size / 1e6:,.0f} MB over {ranks} ranks: {sorted(times)[3] * 1e3:.1f} ms")
    torch.distributed.destroy_process_group()


def main() -> None:
    """Print what was measured and what is reckoned."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("settings", nargs="*")
    parser.add_argument("--ranks", default="1,2")
    parser.add_argument("--numbers", type=int, default=11_000_000, help="float32 in the all-reduce by itself")
    parser.add_argument("--bytes", type=int, default=4, help="of a gradient")
    parser.add_argument("--rate", type=float, default=RATE)
    parser.add_argument("--tokens", type=int, default=32 * 512, help="a GPU and step")
    asked = parser.parse_args()
    if asked.settings:
        counts = [int(count) for count in asked.ranks.split(",")]
        found = {count: speed(asked.settings, count) for count in counts}
        for count, rate in found.items():
            print(f"{count} ranks: {rate:,.0f} tokens/s, {rate / count / (found[counts[0]] / counts[0]):.0%} efficient")
        with tempfile.TemporaryDirectory() as folder:
            torch.multiprocessing.spawn(gloo, (max(counts), asked.numbers, f"{folder}/meet"), max(counts))
    print("| model | 8 GPUs | 64 GPUs |\n| --- | ---: | ---: |")
    for name, parameters in MODELS.items():
        shares = [efficiency(parameters, asked.tokens, 8, machines, asked) for machines in (1, 8)]
        print(f"| {name} | " + " | ".join(f"{share:.1%}" for share in shares) + " |")


if __name__ == "__main__":
    main()
