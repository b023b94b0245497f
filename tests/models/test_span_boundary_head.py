"""The head's formula, and its way through the model's own output embedding within the model's one forward pass."""

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor
from transformers import BertConfig, BertForMaskedLM, PreTrainedModel, RobertaConfig, RobertaForMaskedLM

from genai_hf.models.attached import attached
from genai_hf.models.head import head_rows
from genai_hf.models.span_boundary import NAME, SpanBoundaryHead, attach_span_boundary

SIZES = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8, "vocab_size": 30}


@pytest.fixture(params=[(BertForMaskedLM, BertConfig), (RobertaForMaskedLM, RobertaConfig)], ids=["bert", "roberta"])
def model(request: pytest.FixtureRequest) -> PreTrainedModel:
    kind, config = request.param
    torch.manual_seed(0)
    model = kind(config(**SIZES)).eval()
    attach_span_boundary(model, positions=4, seed=1)
    return model


def layer(head: SpanBoundaryHead, number: int, vectors: Tensor) -> Tensor:
    linear, norm = head.layers[3 * number], head.layers[3 * number + 2]
    hidden = F.gelu(vectors @ linear.weight.T + linear.bias)
    return F.layer_norm(hidden, hidden.shape[-1:], norm.weight, norm.bias)


def test_the_head_is_two_layers_over_both_boundaries_and_the_place() -> None:
    torch.manual_seed(0)
    head, states = SpanBoundaryHead(8, 6, positions=4, deviation=0.5), torch.randn(2, 5, 8)
    found = head(states, torch.tensor([1, 7]), torch.tensor([4, 9]), torch.tensor([0, 3]))
    for vector, left, right, place in (
        (found[0], states[0, 1], states[0, 4], 0),
        (found[1], states[1, 2], states[1, 4], 3),
    ):
        inputs = torch.cat([left, right, head.positions.weight[place]])
        torch.testing.assert_close(vector, layer(head, 1, layer(head, 0, inputs)))
    assert found.shape == (2, 6)


def test_its_vectors_pass_through_the_models_own_output_embedding(model: PreTrainedModel) -> None:
    ids, positions = torch.tensor([[5, 6, 7, 8], [9, 10, 11, 12]]), torch.tensor([2, 5])
    place = (torch.tensor([1]), torch.tensor([3]), torch.tensor([0]))
    plain = model(input_ids=ids, output_hidden_states=True)
    with (
        attached(model, NAME, lambda head, states: head(states, *place)) as vectors,
        head_rows(model, positions, vectors),
    ):
        logits = model(input_ids=ids).logits
    torch.testing.assert_close(logits[:2], plain.logits.flatten(0, 1)[positions])
    vector = model.span_boundary(plain.hidden_states[-1], *place)
    torch.testing.assert_close(logits[2:], model.get_output_embeddings()(vector))


def test_without_a_target_its_gradient_is_zero_and_not_missing(model: PreTrainedModel) -> None:
    none = torch.zeros(0, dtype=torch.int64)
    with (
        attached(model, NAME, lambda head, states: head(states, none, none, none)) as vectors,
        head_rows(model, torch.tensor([1]), vectors),
    ):
        model(input_ids=torch.tensor([[5, 6, 7]])).logits.sum().backward()
    assert all(float(weight.grad.abs().max()) == 0 for weight in model.span_boundary.parameters())


def test_the_same_seed_gives_the_same_head(model: PreTrainedModel) -> None:
    for seed in (1, 2):
        other = type(model)(model.config)
        attach_span_boundary(other, positions=4, seed=seed)
        pairs = zip(model.span_boundary.parameters(), other.span_boundary.parameters(), strict=True)
        assert all(torch.equal(*pair) for pair in pairs) == (seed == 1)


def test_a_model_without_weights_gets_a_head_without_weights() -> None:
    with torch.device("meta"):
        model = BertForMaskedLM(BertConfig(**SIZES))
    attach_span_boundary(model, positions=4)
    assert all(weight.is_meta for weight in model.parameters())


def test_no_positions_are_refused(model: PreTrainedModel) -> None:
    with pytest.raises(ValueError, match="positions must be at least 1, got 0"):
        attach_span_boundary(model, positions=0)
