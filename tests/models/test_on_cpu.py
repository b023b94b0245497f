"""What is quicker on a processor gives the same numbers, and dropout drops what it should."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from scipy.stats import binom
from tiny_models import MODELS, ROWS, model_of
from torch import nn
from torch.utils.checkpoint import checkpoint

from genai_hf.models import on_cpu

ONES = torch.ones(3, 333, 7)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32, torch.float64])
@pytest.mark.parametrize("probability", [0.1, 0.5, 0.9])
def test_numbers_are_dropped_with_their_probability_and_the_others_are_made_greater(dtype, probability):
    torch.manual_seed(0)
    found = on_cpu.dropped(ONES.to(dtype), probability)
    kept = found != 0
    assert found[kept].unique().tolist() == [torch.tensor(1 / (1 - probability), dtype=dtype).item()]
    low, high = binom.interval(0.9999, ONES.numel(), 1 - probability)
    assert low <= int(kept.sum()) <= high


def test_neighbours_are_dropped_independently_of_each_other():
    torch.manual_seed(0)
    kept = (on_cpu.dropped(torch.ones(100_000, dtype=torch.bfloat16), 0.3) != 0).numpy().astype(float)
    for apart in (1, 2, 3, 4, 8):
        assert abs(np.corrcoef(kept[:-apart], kept[apart:])[0, 1]) < 4 / math.sqrt(len(kept))


def test_the_same_seed_drops_the_same_and_the_next_call_another():
    torch.manual_seed(3)
    first, second = on_cpu.dropped(ONES, 0.4), on_cpu.dropped(ONES, 0.4)
    torch.manual_seed(3)
    assert torch.equal(on_cpu.dropped(ONES, 0.4), first)
    assert not torch.equal(first, second)


def test_ranks_whose_streams_are_alike_drop_different_numbers(monkeypatch):
    found = []
    for number in ("0", "1"):
        monkeypatch.setenv("RANK", number)
        torch.manual_seed(3)
        found.append(on_cpu.dropped(ONES, 0.4))
    both = float(((found[0] == 0) & (found[1] == 0)).double().mean())
    low, high = (size / ONES.numel() for size in binom.interval(0.9999, ONES.numel(), 0.16))
    assert low <= both <= high


def test_in_16_bits_attention_is_within_rounding_of_the_library(monkeypatch):
    torch.manual_seed(0)
    module = nn.Module().train()
    query, key, value = (torch.randn(2, 3, 64, 16) for _ in range(3))
    exact = F.scaled_dot_product_attention(query.double(), key.double(), value.double()).transpose(1, 2)
    low = [states.bfloat16() for states in (query, key, value)]
    found, _ = on_cpu.attend(module, *low, None, is_causal=False)
    theirs = F.scaled_dot_product_attention(*low).transpose(1, 2)
    error, usual = (float((states - exact).norm() / exact.norm()) for states in (found, theirs))
    assert error < min(3 * usual, 0.01)


def test_the_gradient_is_dropped_as_the_numbers_are():
    numbers = torch.randn(5, 4, 3).transpose(0, 2).requires_grad_()  # not contiguous
    found = on_cpu.dropped(numbers, 0.25)
    found.sum().backward()
    assert torch.equal(found, numbers * numbers.grad)


@pytest.mark.parametrize("probability", [0.0, 1.0])
def test_nothing_and_everything_are_dropped_as_torch_drops_them(probability):
    assert torch.equal(on_cpu.dropped(ONES, probability), F.dropout(ONES, probability))


def test_an_array_without_numbers_has_none_dropped():
    assert on_cpu.dropped(torch.ones(0, 4), 0.1).shape == (0, 4)


def test_activations_computed_again_find_the_same_dropout():
    layer = nn.Sequential(nn.Linear(8, 8), nn.Dropout(0.5))
    on_cpu.quicken(layer)
    numbers, gradients = torch.ones(4, 8), []
    for again in (False, True):
        torch.manual_seed(1)
        layer.zero_grad()
        (checkpoint(layer, numbers, use_reentrant=False) if again else layer(numbers)).sum().backward()
        gradients.append(layer[0].weight.grad.clone())
    assert torch.equal(*gradients)


def gradients(model):
    """Loss over real tokens and gradients in training, of rows of different lengths."""
    longest = max(map(len, ROWS))
    ids = torch.tensor([row + [0] * (longest - len(row)) for row in ROWS])
    seen = (torch.arange(longest) < torch.tensor([[len(row)] for row in ROWS])).long()
    model.train().zero_grad()
    given = {"decoder_input_ids": ids} if model.config.is_encoder_decoder else {}
    logits = model(input_ids=ids, attention_mask=seen, **given).logits
    real = logits if logits.dim() == 2 else logits[seen.bool()]
    loss = real.square().mean()
    loss.backward()
    return loss.detach(), {name: weight.grad for name, weight in model.named_parameters() if weight.grad is not None}


@pytest.mark.parametrize(("architecture", "task"), MODELS)
def test_the_numbers_are_those_of_the_library(architecture, task, monkeypatch):
    model = model_of(architecture, task).double()
    loss, expected = gradients(model)
    taken = []
    monkeypatch.setattr(on_cpu, "_pays", lambda *given, **named: taken.append(given) or True)
    on_cpu.quicken(model)
    quick, found = gradients(model)
    assert len(taken) >= model.config.num_hidden_layers
    assert torch.allclose(quick, loss, rtol=1e-12, atol=0)
    for name, gradient in expected.items():
        assert torch.allclose(found[name], gradient, rtol=1e-9, atol=1e-12), name


def test_packed_texts_stay_apart(monkeypatch):
    model = model_of("llama", "CausalLM").double().train()
    ids, places = torch.tensor([[7, 8, 9, 10, 11]]), torch.tensor([[0, 1, 2, 0, 1]])
    expected = model(input_ids=ids, position_ids=places, use_cache=False).logits
    monkeypatch.setattr(on_cpu, "_pays", lambda *given, **named: True)
    on_cpu.quicken(model)
    assert torch.allclose(model(input_ids=ids, position_ids=places, use_cache=False).logits, expected, rtol=1e-10)


def test_attention_weights_are_dropped_in_training_only():
    model = model_of("bert", "MaskedLM")
    layers = [layer.attention.self.dropout for layer in model.bert.encoder.layer]
    for layer in layers:
        layer.p = 0.5
    on_cpu.quicken(model)
    ids = torch.tensor(ROWS[:1])
    in_training = [model.train()(input_ids=ids).logits for _ in range(2)]
    without = [model.eval()(input_ids=ids).logits for _ in range(2)]
    assert not torch.allclose(*in_training)
    assert torch.equal(*without)


def test_what_the_library_has_may_be_kept():
    model = model_of("bert", "MaskedLM")
    on_cpu.quicken(model, attention="library", dropout="library")
    assert model.config._attn_implementation == "sdpa"
    assert not any(isinstance(module, on_cpu.Dropout) for module in model.modules())


def test_a_model_that_attends_in_its_own_way_goes_on_to():
    model = model_of("bert", "MaskedLM")
    model.set_attn_implementation("eager")
    on_cpu.quicken(model)
    assert model.config._attn_implementation == "eager"


@pytest.mark.parametrize(
    ("dtype", "dropout", "length", "causal", "pays"),
    [
        (torch.bfloat16, 0.0, 64, False, True),
        (torch.float32, 0.1, 64, False, True),
        (torch.float32, 0.0, 64, False, False),
        (torch.bfloat16, 0.1, 2048, False, False),
    ],
)
def test_it_is_taken_where_it_is_quicker(dtype, dropout, length, causal, pays):
    states = torch.zeros(1, 1, length, 8, dtype=dtype)
    assert on_cpu._pays(states, states, dropout, causal=causal) is pays
