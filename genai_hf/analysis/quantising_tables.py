"""What was measured of quantised models, as tables and figures of the run's report; and one of them saved."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from genai_hf.analysis.quantising import Measured
from genai_hf.models.affine_linear import AffineConfig
from genai_hf.models.configuration import positions
from genai_hf.models.quantising import AFFINE, BITSANDBYTES
from genai_hf.reports.sections import Figure, Table

Row: TypeAlias = list[str | int | float | None]
MEGABYTE = 1e6
TRIED = 64  # tokens, at most, on which a saved model is compared
WIDE_RANGE = 20  # perplexities that span more than this factor have a logarithmic axis
COLUMNS = [
    "method",
    "bits a weight",
    "weights, MB",
    "model, MB",
    "mean error",
    "largest error",
    "output error",
    "perplexity",
    "tokens a second",
    "times the original's",
]
NOTE = (
    "Bits and sizes are of the tensors as they are stored, scales and tables included; weights are those of the "
    "quantised layers, and the original is counted in float32. Errors are of single weights; the output error is the "
    "size of the difference of the logits over that of the original's, their mean over the vocabulary taken off. "
    "Speeds are medians of rounds in which each model and the original took turns; the original's own row, against "
    "itself, shows how far they can be trusted."
)


def sections(measured: Mapping[str, Measured]) -> Iterator[Table | Figure]:
    """The table of methods, and what they cost in perplexity and in error over the bits that they store."""
    rows: list[Row] = [
        [
            name,
            found.bits,
            found.weight_bytes / MEGABYTE,
            found.model_bytes / MEGABYTE,
            found.mean_error,
            found.largest_error,
            found.output_error,
            found.perplexity,
            found.tokens_per_second,
            found.speed,
        ]
        for name, found in measured.items()
    ]
    yield Table("Methods", COLUMNS, rows, NOTE)
    points = {name: (found.bits, found.perplexity) for name, found in measured.items()}
    levels = [perplexity for _, perplexity in points.values()]
    wide = max(levels) > WIDE_RANGE * min(levels)
    label = "perplexity" + ", logarithmic scale" * wide
    yield Figure("Perplexity over bits", "bits a weight", label, _families(points), log_y=wide, kind="scatter")
    points = {name: (found.bits, found.mean_error) for name, found in measured.items()}
    label = "mean error of a weight, logarithmic scale"
    yield Figure("Error over bits", "bits a weight", label, _families(points), log_y=True, kind="scatter")


def _families(points: Mapping[str, tuple[float, float]]) -> dict[str, list[tuple[float, float]]]:
    """Methods that differ in their bits alone as one series, those of bitsandbytes as another."""
    series: dict[str, list[tuple[float, float]]] = {}
    for name, point in points.items():
        spelt = AFFINE.fullmatch(name)
        family = f"{spelt['scheme']}, {name.rpartition('_')[2]}" if spelt else name
        series.setdefault("bitsandbytes" if name in BITSANDBYTES else family, []).append(point)
    return series


@torch.no_grad()
def save(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, folder: Path) -> Table:
    """Save a quantised model with its tokenizer, and see that it loads again.

    Returns:
        Its size on the disk, how far the outputs of what was loaded are from its own, and how to load it.
    """
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    again = type(model).from_pretrained(folder, use_safetensors=True, dtype=torch.float32).eval()
    ids = torch.arange(min(len(tokenizer), TRIED, positions(model.config) or TRIED), device=model.device)[None]
    apart = float((again(input_ids=ids).logits - model(input_ids=ids).logits).abs().max())
    size = sum(file.stat().st_size for file in folder.glob("*.safetensors")) / MEGABYTE
    # Its own packing is known to transformers once the module that reads it is imported.
    known = "import genai_hf.models; " if isinstance(model.config.quantization_config, AffineConfig) else ""
    load = f'{known}transformers.{type(model).__name__}.from_pretrained("{folder.name}")'
    columns = ["MB on the disk", "largest difference of an output, loaded again", "to load it"]
    return Table("The saved model", columns, [[size, apart, load]])
