"""Documents packed into blocks attend as apart as by a mask, by a kernel that is told only where they begin."""

import pytest
import torch
from tiny_models import ARCHITECTURES, model_of
from transformers import AutoConfig, AutoModelForCausalLM

from genai_hf.errors import ConfigError
from genai_hf.models import documents
from genai_hf.models.attention import four_dimensional, prefix_mask
from genai_hf.objectives.language import inputs_of

PLACES = torch.tensor([[0, 1, 2, 0, 1, 0], [3, 4, 0, 1, 2, 3]])  # the second row begins within a document
IDS = torch.tensor([[7, 8, 9, 10, 11, 12], [13, 14, 15, 16, 17, 18]])


def of_each_document(query, key, value, starts, same, longest, same_longest, *, scale, window_size, enable_gqa):
    """What `varlen_attn` computes, a document at a time."""
    assert torch.equal(starts, same)
    assert starts.dtype == torch.int32
    assert longest == same_longest >= starts.diff().max()
    back = window_size[0]
    pieces = []
    for first, last in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True):
        states = [tensor[first:last].transpose(0, 1)[None] for tensor in (query, key, value)]
        seen = torch.ones(last - first, last - first, dtype=torch.bool).tril()
        seen = seen if back < 0 else seen.triu(-back)
        attended = torch.nn.functional.scaled_dot_product_attention(
            *states, attn_mask=seen, scale=scale, enable_gqa=enable_gqa
        )
        pieces.append(attended[0].transpose(0, 1))
    return torch.cat(pieces)


def decoder(architecture):
    """One of the tiny models, or Mistral's with a window of two tokens."""
    if architecture != "mistral":
        return model_of(architecture, "CausalLM")
    torch.manual_seed(0)
    sizes = ARCHITECTURES["llama"] | {"sliding_window": 2}
    return AutoModelForCausalLM.from_config(AutoConfig.for_model("mistral", **sizes))


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


def test_a_window_is_looked_back_through_and_no_farther():
    starts = torch.tensor([0, 1, 5], dtype=torch.int32)
    mask = documents.apart(starts, rows=1, length=5, window=2)
    assert mask[0, 0].int().tolist() == [
        [1, 0, 0, 0, 0],
        [0, 1, 0, 0, 0],
        [0, 1, 1, 0, 0],
        [0, 0, 1, 1, 0],
        [0, 0, 0, 1, 1],
    ]


@pytest.mark.parametrize("architecture", ["gpt2", "llama", "mistral"])
@pytest.mark.parametrize("kernel", [True, False])
@pytest.mark.parametrize("checkpointing", [True, False])
def test_the_numbers_are_those_of_a_mask(architecture, kernel, checkpointing, monkeypatch):
    model = decoder(architecture).double().train()
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


def test_a_mask_of_ones_own_is_taken_as_it_is():
    model = model_of("llama", "CausalLM").eval()
    allowed = prefix_mask(torch.tensor([2, 3]), 6)
    before = model(input_ids=IDS, attention_mask=four_dimensional(model, allowed)).logits
    documents.by_documents(model)
    assert torch.equal(model(input_ids=IDS, attention_mask=four_dimensional(model, allowed)).logits, before)


def test_a_model_that_attends_in_its_own_way_is_refused():
    model = model_of("llama", "CausalLM")
    model.set_attn_implementation("eager")
    with pytest.raises(ConfigError, match=r"'speed\.documents': LlamaForCausalLM attends in a way of its own"):
        documents.by_documents(model)


def test_a_text_by_itself_is_attended_as_ever():
    model = model_of("llama", "CausalLM").eval()
    seen = torch.tensor([[1, 1, 1, 1, 0, 0], [1, 1, 1, 1, 1, 1]])
    before = model(input_ids=IDS, attention_mask=seen).logits
    documents.by_documents(model)
    assert torch.equal(model(input_ids=IDS, attention_mask=seen).logits, before)
