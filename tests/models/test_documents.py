"""Documents packed into blocks attend as apart as by a mask, by a kernel that is told only where they begin."""

import pytest
import torch
from tiny_models import model_of

from genai_hf.models import documents
from genai_hf.objectives.language import inputs_of

PLACES = torch.tensor([[0, 1, 2, 0, 1, 0], [3, 4, 0, 1, 2, 3]])  # the second row begins within a document
IDS = torch.tensor([[7, 8, 9, 10, 11, 12], [13, 14, 15, 16, 17, 18]])


def of_each_document(query, key, value, starts, same, longest, same_longest, *, scale, window_size, enable_gqa):
    """What `varlen_attn` computes, a document at a time."""
    assert torch.equal(starts, same)
    assert starts.dtype == torch.int32
    assert longest == same_longest >= starts.diff().max()
    assert window_size == (-1, 0)
    pieces = []
    for first, last in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True):
        states = [tensor[first:last].transpose(0, 1)[None] for tensor in (query, key, value)]
        attended = torch.nn.functional.scaled_dot_product_attention(
            *states, is_causal=True, scale=scale, enable_gqa=enable_gqa
        )
        pieces.append(attended[0].transpose(0, 1))
    return torch.cat(pieces)


def gradients(model):
    model.zero_grad()
    logits = model(**inputs_of(model, {"input_ids": IDS, "position_ids": PLACES, "attention_mask": None})).logits
    logits.square().mean().backward()
    return {name: weight.grad for name, weight in model.named_parameters()} | {"logits": logits.detach()}


def test_the_places_where_documents_begin_are_counted_over_all_rows():
    assert documents.boundaries(PLACES).tolist() == [[[[0, 3, 5, 6, 8, 12]]]]
    assert documents.boundaries(PLACES).dtype == torch.int32
    assert PLACES[1, 0] == 3  # what was given is left as it was


def test_a_token_looks_at_those_up_to_it_in_its_document():
    mask = documents.apart(torch.tensor([0, 2, 3, 5], dtype=torch.int32), rows=1, length=5)
    assert mask[0, 0].int().tolist() == [
        [1, 0, 0, 0, 0],
        [1, 1, 0, 0, 0],
        [0, 0, 1, 0, 0],
        [0, 0, 0, 1, 0],
        [0, 0, 0, 1, 1],
    ]


@pytest.mark.parametrize("architecture", ["gpt2", "llama"])
@pytest.mark.parametrize("kernel", [True, False])
@pytest.mark.parametrize("checkpointing", [True, False])
def test_the_numbers_are_those_of_a_mask(architecture, kernel, checkpointing, monkeypatch):
    model = model_of(architecture, "CausalLM").double().train()
    if checkpointing:
        model.activation_checkpointing_enable({"use_reentrant": False})
    expected = gradients(model)
    used = []

    def kernel_of_this(*given, **named):
        used.append(1)
        return of_each_document(*given, **named)

    monkeypatch.setattr(documents, "_has_kernel", lambda query, dropout: kernel)
    monkeypatch.setattr(documents, "varlen_attn", kernel_of_this)
    documents.by_documents(model)
    found = gradients(model)
    assert len(used) == kernel * 2 * (1 + checkpointing)  # of two layers, computed again or not
    for name, tensor in expected.items():
        assert torch.allclose(found[name], tensor, rtol=1e-9, atol=1e-12), name


def test_a_text_by_itself_is_attended_as_ever():
    model = model_of("llama", "CausalLM").eval()
    seen = torch.tensor([[1, 1, 1, 1, 0, 0], [1, 1, 1, 1, 1, 1]])
    before = model(input_ids=IDS, attention_mask=seen).logits
    documents.by_documents(model)
    assert torch.equal(model(input_ids=IDS, attention_mask=seen).logits, before)
