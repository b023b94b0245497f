"""A last layer that is computed at first tokens alone gives the classes and the gradients of a whole one."""

import copy

import pytest
import torch
from test_unpadded import IDS, KIN, MASK, encoder, numbers, require_alike, shapes
from tiny_models import CLASSIFIES, METHODS, QUANTIZATIONS, adapted, model_of, require_learning, stored

from genai_hf.models import on_cpu
from genai_hf.models.last_layer import shorten
from genai_hf.models.unpadded import unpad


@pytest.mark.parametrize("architecture", KIN)
@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize("way", ["sdpa", "matrices", "unpadded"])
def test_the_numbers_are_those_of_the_whole_layer(architecture, checkpointing, way, monkeypatch):
    model = encoder(architecture).train()
    if checkpointing:
        model.activation_checkpointing_enable({"use_reentrant": False})
    if way == "matrices":
        monkeypatch.setattr(on_cpu, "_pays", lambda query, key, dropout, *, causal: True)
        on_cpu.quicken(model)
    expected = numbers(model)
    if way == "unpadded":
        unpad(model, "always")
    shorten(model)
    seen = shapes(model)
    require_alike(numbers(model), expected, rtol=1e-9, atol=1e-12)
    assert (3, 1) in seen
    assert seen.count((3, 1)) == 4  # a query, the output, and two wide products


def test_the_layers_below_are_computed_at_every_token():
    model = encoder("bert").eval()
    shorten(model)
    seen = shapes(model)
    model(input_ids=IDS, attention_mask=MASK)
    assert seen == [(3, 5)] * 6 + [(3, 1), (3, 5), (3, 5), (3, 1), (3, 1), (3, 1)]


def test_rows_without_padding_and_without_a_mask_are_read_as_well():
    model = encoder("roberta").eval()
    expected = [model(input_ids=IDS).logits, model(input_ids=IDS, attention_mask=torch.ones_like(MASK)).logits]
    shorten(model)
    found = [model(input_ids=IDS).logits, model(input_ids=IDS, attention_mask=torch.ones_like(MASK)).logits]
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("unpadded", [False, True])
def test_an_adapter_notices_nothing(method, unpadded):
    models = [adapted(model_of("bert", CLASSIFIES), method).double() for _ in range(2)]
    models[1].load_state_dict(models[0].state_dict())
    unpad(models[1], "always" if unpadded else "library")
    shorten(models[1])
    seen = shapes(models[1])
    torch.manual_seed(0)
    expected = numbers(models[0].eval())
    torch.manual_seed(0)
    require_alike(numbers(models[1].eval()), expected, rtol=1e-9, atol=1e-12)
    assert ((3, 1) in seen) != method.startswith("p")  # virtual tokens


@pytest.mark.parametrize("method", ["lora", "dora", "ia3", "bottleneck"])
def test_every_part_of_an_adapter_still_learns(method):
    model = adapted(model_of("bert", CLASSIFIES), method)
    shorten(model)
    require_learning(model)


def test_weights_of_few_bits_are_read_as_ever(tmp_path):
    model = stored("bert", CLASSIFIES, next(iter(QUANTIZATIONS)), tmp_path).eval()
    expected = model(input_ids=IDS, attention_mask=MASK).logits
    shorten(model)
    torch.testing.assert_close(model(input_ids=IDS, attention_mask=MASK).logits, expected, rtol=1e-5, atol=1e-5)


def test_a_copy_computes_with_its_own_weights():
    model = encoder("bert").eval()
    shorten(model)
    other = copy.deepcopy(model)
    with torch.no_grad():
        for weight in model.parameters():
            weight.zero_()
    assert other(input_ids=IDS, attention_mask=MASK).logits.abs().min() > 0


def test_dropout_of_the_last_layer_drops(monkeypatch):
    model = encoder("bert", attention_probs_dropout_prob=0.5, hidden_dropout_prob=0.0).train()
    for layer in model.bert.encoder.layer[:-1]:
        layer.eval()
    shorten(model)
    first, second = (model(input_ids=IDS, attention_mask=MASK).logits for _ in range(2))
    assert not torch.equal(first, second)
    model.eval()
    first, second = (model(input_ids=IDS, attention_mask=MASK).logits for _ in range(2))
    assert torch.equal(first, second)


def test_who_asks_for_the_states_of_all_layers_gets_them_of_all_tokens():
    model = encoder("bert").eval()
    given = {"input_ids": IDS, "attention_mask": MASK, "output_hidden_states": True}
    expected = model(**given).hidden_states[-1]
    shorten(model)
    torch.testing.assert_close(model(**given).hidden_states[-1], expected)


@pytest.mark.parametrize(
    ("architecture", "task"),
    [("bert", "MaskedLM"), ("modernbert", CLASSIFIES), ("gpt2", CLASSIFIES), ("t5", "Seq2SeqLM"), ("bert", "eager")],
)
def test_a_model_whose_head_reads_elsewhere_or_that_attends_otherwise_is_left_as_it_is(architecture, task):
    model = model_of(architecture, CLASSIFIES if task == "eager" else task).eval()
    if task == "eager":
        model.set_attn_implementation("eager")
    before = {name: module.forward for name, module in model.named_modules()}
    shorten(model)
    assert {name: module.forward for name, module in model.named_modules()} == before
