"""A head attached to any model is read within its forward pass, and is trained and saved with it."""

from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from torch import nn
from transformers import BertConfig, BertForMaskedLM, GPT2Config, GPT2LMHeadModel, PreTrainedModel

from genai_hf.models.attached import attach, attached, left_out

BERT = BertConfig(hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8, vocab_size=30)
GPT2 = GPT2Config(n_embd=8, n_layer=1, n_head=2, vocab_size=30, n_positions=16)


@pytest.fixture(params=[(BertForMaskedLM, BERT), (GPT2LMHeadModel, GPT2)], ids=["bert", "gpt2"])
def model(request: pytest.FixtureRequest) -> PreTrainedModel:
    kind, config = request.param
    torch.manual_seed(0)
    return kind(config).eval()


def test_the_head_reads_the_last_hidden_states_and_the_model_answers_as_before(model: PreTrainedModel) -> None:
    ids = torch.tensor([[1, 2, 3], [4, 5, 6]])
    expected = model(input_ids=ids, output_hidden_states=True)
    attach(model, "extra", nn.Linear(8, 2))
    with attached(model, "extra", lambda head, states: head(states[:, 1])) as outputs:
        logits = model(input_ids=ids).logits
    assert torch.equal(logits, expected.logits)
    assert torch.equal(outputs[0], model.extra(expected.hidden_states[-1][:, 1]))
    model(input_ids=ids)
    assert len(outputs) == 1  # not read outside its context


def test_the_head_is_one_of_the_models_parameters(model: PreTrainedModel) -> None:
    attach(model, "extra", nn.Linear(8, 2))
    assert "extra.weight" in model.state_dict()
    with attached(model, "extra", lambda head, states: head(states).sum()) as outputs:
        model(input_ids=torch.tensor([[1, 2, 3]]))
    outputs[0].backward()
    assert all(parameter.grad is not None for parameter in model.base_model.parameters())


def test_a_name_that_the_model_has_is_refused(model: PreTrainedModel) -> None:
    with pytest.raises(ValueError, match="has a config of its own"):
        attach(model, "config", nn.Linear(8, 2))


def test_a_head_that_only_training_needs_is_left_out_of_what_is_saved(model: PreTrainedModel, tmp_path: Path) -> None:
    attach(model, "extra", nn.Linear(8, 2))
    before = set(model._keys_to_ignore_on_save)
    with left_out(model, ["extra"]):
        model.save_pretrained(tmp_path / "without")
    model.save_pretrained(tmp_path / "with")
    names = {}
    for folder in ("with", "without"):
        with safe_open(tmp_path / folder / "model.safetensors", "pt") as file:
            names[folder] = set(file.keys())
    assert names["with"] - names["without"] == {"extra.weight", "extra.bias"}
    assert names["without"] < names["with"]
    assert model._keys_to_ignore_on_save == before
    assert "extra.weight" in model.state_dict()
