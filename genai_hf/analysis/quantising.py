"""What quantisation takes from a model and what it gives: error, size, perplexity and speed, method by method."""

import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch
from torch import Tensor
from transformers import PreTrainedModel

from genai_hf.data.progress import slow_work
from genai_hf.encoding.blocks import Blocks
from genai_hf.metrics.language import language_metrics
from genai_hf.models.affine_linear import matrix
from genai_hf.models.few_bits import stored_bytes
from genai_hf.models.quantising import Method, weight_tensors
from genai_hf.objectives.language import TextTally, forward, scored

ORIGINAL = "original"
FIGURES = ("perplexity", "bits", "model_bytes", "output_error", "speed")  # of a run's metrics


@dataclass(frozen=True, kw_only=True)
class Yardstick:
    """Asks every model the same.

    Args:
        blocks: Evaluation rows, all of one length.
        collator: Makes batches of them.
        text: Scores the predictions of text.
        precision: Of the forward pass; the weights come in what they are kept in.
        rows: So many of the blocks at most, at least 1.
        batch_size: Rows at a time, at least 1.
        rounds: Times that each of two models reads the first batch to see which is faster, at least 1.

    Raises:
        ValueError: A number is below 1.
    """

    blocks: Blocks
    collator: Callable[[list[dict[str, Any]]], dict[str, Tensor]]
    text: TextTally
    precision: Literal["fp32", "bf16", "fp16"]
    rows: int
    batch_size: int
    rounds: int

    def __post_init__(self) -> None:
        for name in ("rows", "batch_size", "rounds"):
            if vars(self)[name] < 1:
                raise ValueError(f"{name} must be at least 1, got {vars(self)[name]}")

    def read(self, model: PreTrainedModel) -> tuple[dict[str, float], Tensor]:
        """Figures of the model on the rows, and its logits (N, V) at the targets of the first batch.

        The logits' mean over the vocabulary, which the softmax does not see, is taken off.
        """
        totals, kept = dict[str, float](), list[Tensor]()
        for batch in self._batches(model):
            logits, targets = self._logits(model, batch)
            for name, value in self.text(*scored(logits, targets), targets).items():
                totals[name] = totals.get(name, 0.0) + float(value)
            kept = kept or [logits.float()]
        return language_metrics(totals), kept[0] - kept[0].mean(-1, keepdim=True)

    def pace(self, model: PreTrainedModel, other: PreTrainedModel) -> tuple[float, float]:
        """Tokens a second of the model's forward pass, and how many times the other's: medians of rounds in turns."""
        batch = next(self._batches(model))
        rounds = [(self._seconds(model, batch), self._seconds(other, batch)) for _ in range(self.rounds)]
        own = statistics.median(seconds for seconds, _ in rounds)
        return batch["input_ids"].numel() / own, statistics.median(theirs / seconds for seconds, theirs in rounds)

    def _batches(self, model: PreTrainedModel) -> Iterator[dict[str, Tensor]]:
        rows = range(min(self.rows, len(self.blocks)))
        for first in rows[:: self.batch_size]:
            batch = self.collator([self.blocks[row] for row in rows[first : first + self.batch_size]])
            yield {name: tensor.to(model.device) for name, tensor in batch.items()}

    @torch.no_grad()
    def _logits(self, model: PreTrainedModel, batch: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        lower = torch.float16 if self.precision == "fp16" else torch.bfloat16
        with torch.autocast(model.device.type, lower, enabled=self.precision != "fp32"):
            output, targets = forward(model, batch, head_on_labels=True)
        return output.logits, targets

    def _seconds(self, model: PreTrainedModel, batch: Mapping[str, Tensor]) -> float:
        began = time.perf_counter()
        self._logits(model, batch)[0].sum().item()  # which an accelerator has to finish first
        return time.perf_counter() - began


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What was measured of one method.

    Attributes:
        bits: Stored for each weight, scales and tables included.
        weight_bytes: Of the quantised layers' weights as they are stored.
        model_bytes: Of the whole model as it is stored, what is tied once.
        mean_error: Of a weight, without its sign.
        largest_error: Of a weight.
        output_error: Size of the difference of the logits over the size of the original's, their mean taken off.
        loss: Cross-entropy on the rows, nats a target.
        perplexity: e to that power.
        tokens_per_second: Of the forward pass.
        speed: How many times the original's in the same round.
    """

    bits: float
    weight_bytes: int
    model_bytes: int
    mean_error: float
    largest_error: float
    output_error: float
    loss: float
    perplexity: float
    tokens_per_second: float
    speed: float


def compare(
    model: PreTrainedModel, methods: Mapping[str, Method], layers: Sequence[str], yardstick: Yardstick
) -> dict[str, Measured]:
    """The original and then each method, by name; one quantised model is in memory at a time.

    Sizes and errors of weights are taken before a model has read anything: on processors with AVX512-BF16 bitsandbytes
    lays its codes out anew for the first text.
    """
    measured, reference = dict[str, Measured](), None
    model.eval()
    with slow_work("quantising", len(methods) + 1) as advance:
        for name, method in {ORIGINAL: _itself, **methods}.items():
            twin = method(model, layers)
            stored = _stored(twin, model, layers)
            read, logits = yardstick.read(twin)
            reference = logits if reference is None else reference
            pace, speed = yardstick.pace(twin, model)
            measured[name] = Measured(
                **stored,
                output_error=float((logits - reference).norm() / reference.norm()),
                loss=read["loss"],
                perplexity=read["perplexity"],
                tokens_per_second=pace,
                speed=speed,
            )
            advance(1)
    return measured


def _itself(model: PreTrainedModel, layers: Sequence[str]) -> PreTrainedModel:
    del layers
    return model


def _stored(twin: PreTrainedModel, model: PreTrainedModel, layers: Sequence[str]) -> dict[str, Any]:
    """Sizes of `twin`, and how far the weights of its layers are from the model's."""
    count, total, largest = 0, 0.0, 0.0
    for name in layers:
        error = (matrix(twin.get_submodule(name)).float() - matrix(model.get_submodule(name))).abs()
        count, total, largest = count + error.numel(), total + float(error.sum()), max(largest, float(error.max()))
    weights = stored_bytes(weight_tensors(twin, layers))
    return {
        "bits": 8 * weights / count,
        "weight_bytes": weights,
        "model_bytes": stored_bytes(twin.state_dict().values()),
        "mean_error": total / count,
        "largest_error": largest,
    }


def metrics(measured: Mapping[str, Measured]) -> dict[str, float]:
    """The figures of `FIGURES`, of every method; the others are in the report's table."""
    return {f"{name}_{figure}": asdict(found)[figure] for figure in FIGURES for name, found in measured.items()}
