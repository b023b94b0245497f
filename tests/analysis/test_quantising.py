"""What is measured of a quantised model is what it says: against the original, from storage, in the same text."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from conftest import Rows, make_tokenizer, tiny_bert

from genai_hf.analysis.quantising import Measured, Yardstick, compare, metrics
from genai_hf.analysis.quantising_tables import sections
from genai_hf.collators.masking import MaskedLMCollator
from genai_hf.models import linear_layers
from genai_hf.models.affine_linear import matrix
from genai_hf.models.quantising import methods
from genai_hf.objectives.language import TextTally

WEIGHTS = 4 * 16 * 16 + 2 * 16 * 32


def yardstick(**settings):
    given = {"precision": "fp32", "rows": 10, "batch_size": 4, "rounds": 1} | settings
    collator = MaskedLMCollator(tokenizer=make_tokenizer(), seed=0)
    return Yardstick(blocks=Rows(12, evaluation=True), collator=collator, text=TextTally(np.ones(64, int)), **given)


@pytest.fixture(scope="module")
def model():
    return tiny_bert().eval()


@torch.no_grad()
def logits(model, rows):
    batch = yardstick().collator([Rows(12, evaluation=True)[row] for row in rows])
    found = model(input_ids=batch["input_ids"]).logits.flatten(0, 1)[batch["label_positions"]]
    return found, batch["labels"].flatten()[batch["label_positions"]]


def test_perplexity_and_output_error_are_those_of_the_formulas(model):
    names = ["affine2_channel", "affine8_channel"]
    found = compare(model, methods(names), linear_layers(model), yardstick())
    assert list(found) == ["original", *names]
    loss = F.cross_entropy(*logits(model, range(10))).item()
    assert found["original"].loss == pytest.approx(loss, rel=1e-6)
    assert found["original"].perplexity == pytest.approx(math.exp(loss), rel=1e-6)
    assert found["original"].output_error == found["original"].mean_error == found["original"].largest_error == 0
    twin = methods("affine2_channel")["affine2_channel"](model, linear_layers(model))
    ours, theirs = (
        some - some.mean(-1, keepdim=True) for some in (logits(model, range(4))[0], logits(twin, range(4))[0])
    )
    assert found["affine2_channel"].output_error == pytest.approx(((theirs - ours).norm() / ours.norm()).item())
    assert 0 < found["affine8_channel"].output_error < found["affine2_channel"].output_error / 10


def test_sizes_and_errors_are_of_the_quantised_layers(model):
    name, layers = "affine4_group8", linear_layers(model)
    found = compare(model, methods(name), layers, yardstick())
    assert found["original"].weight_bytes == 4 * WEIGHTS
    assert found["original"].model_bytes == 4 * sum(parameter.numel() for parameter in model.parameters())
    assert found[name].weight_bytes == WEIGHTS // 2 + 4 * WEIGHTS // 8
    assert found[name].model_bytes == found["original"].model_bytes - 4 * WEIGHTS + found[name].weight_bytes
    assert (found["original"].bits, found[name].bits) == (32, 8)
    twin = methods(name)[name](model, layers)
    errors = torch.cat([
        (matrix(twin.get_submodule(layer)) - matrix(model.get_submodule(layer))).abs().flatten() for layer in layers
    ])  # fmt: skip
    assert found[name].mean_error == pytest.approx(errors.mean().item(), rel=1e-5)
    assert found[name].largest_error == errors.max().item()


def test_precision_is_that_of_the_forward_pass(model):
    exact, rounded = (
        compare(model, {}, linear_layers(model), yardstick(precision=precision)) for precision in ("fp32", "bf16")
    )
    assert exact["original"].loss != rounded["original"].loss
    assert exact["original"].loss == pytest.approx(rounded["original"].loss, rel=0.01)


@pytest.mark.parametrize("name", ["rows", "batch_size", "rounds"])
def test_a_number_below_one_is_refused(name):
    with pytest.raises(ValueError, match=f"{name} must be at least 1, got 0"):
        yardstick(**{name: 0})


def some(bits, perplexity, error):
    sizes = {"weight_bytes": 2_000_000, "model_bytes": 3_000_000}
    rest = {"largest_error": 0.5, "output_error": 0.25, "loss": 1.0, "tokens_per_second": 100.0, "speed": 0.75}
    return Measured(bits=bits, perplexity=perplexity, mean_error=error, **sizes, **rest)


FOUND = {
    "original": some(32, 20.0, 0.0),
    "affine4_group64": some(4.5, 21.0, 0.01),
    "affine2_group64": some(2.5, 900.0, 0.1),
    "symmetric4_channel": some(4.1, 30.0, 0.02),
    "nf4": some(4.5, 21.5, 0.009),
    "int8": some(8.1, 20.1, 0.001),
}


def test_the_table_and_the_figures_say_what_was_found():
    table, perplexities, errors = sections(FOUND)
    assert table.rows[1] == ["affine4_group64", 4.5, 2.0, 3.0, 0.01, 0.5, 0.25, 21.0, 100.0, 0.75]
    assert perplexities.series == {
        "original": [(32, 20.0)],
        "affine, group64": [(4.5, 21.0), (2.5, 900.0)],
        "symmetric, channel": [(4.1, 30.0)],
        "bitsandbytes": [(4.5, 21.5), (8.1, 20.1)],
    }
    assert perplexities.log_y
    assert errors.series["bitsandbytes"] == [(4.5, 0.009), (8.1, 0.001)]
    without = {name: found for name, found in FOUND.items() if found.perplexity < 100}
    assert not list(sections(without))[1].log_y


def test_the_metrics_begin_with_the_perplexities():
    named = metrics(FOUND)
    assert list(named)[:6] == [f"{name}_perplexity" for name in FOUND]
    assert named["nf4_model_bytes"] == 3_000_000
    assert len(named) == 5 * len(FOUND)
