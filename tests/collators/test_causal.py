"""Causal language modelling: what is predicted where, and that packed documents do not see one another."""

import numpy as np
import pytest
import torch
from transformers import (
    BertConfig,
    BertLMHeadModel,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    OpenAIGPTConfig,
    OpenAIGPTLMHeadModel,
    OPTConfig,
    OPTForCausalLM,
)

from genai_hf.collators.causal import CausalLMCollator, positions_in_documents
from genai_hf.errors import ConfigError
from genai_hf.models import require_causal, require_own_mask, require_packing
from genai_hf.objectives.language import LanguageModelling, TextTally

END = 9


def row(*ids: int) -> dict:
    return {"input_ids": np.array(ids), "example_id": 0, "epoch": 0}


def gpt2() -> GPT2LMHeadModel:
    torch.manual_seed(0)
    quiet = {"resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0}
    return GPT2LMHeadModel(GPT2Config(vocab_size=10, n_embd=8, n_layer=2, n_head=2, n_positions=16, **quiet)).double()


def llama() -> LlamaForCausalLM:
    torch.manual_seed(0)
    sizes = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2}
    return LlamaForCausalLM(LlamaConfig(vocab_size=10, num_key_value_heads=2, **sizes)).double()


def objective(head_rows: int | None = None) -> LanguageModelling:
    return LanguageModelling(text=TextTally(np.arange(10), special=[END]), term="language_model", head_rows=head_rows)


def test_documents_are_predicted_from_their_second_token_on():
    batch = CausalLMCollator(end_of_text=END)([row(1, 2, END, 3, 4, 5), row(1, 2, 3, 4, 5, END)])
    assert batch["input_ids"].tolist() == [[1, 2, END, 3, 4, 5], [1, 2, 3, 4, 5, END]]
    assert batch["labels"].tolist() == [[2, END, -100, 4, 5, -100], [2, 3, 4, 5, END, -100]]
    assert batch["position_ids"].tolist() == [[0, 1, 2, 0, 1, 2], [0, 1, 2, 3, 4, 5]]
    assert batch["label_positions"].tolist() == [0, 1, 3, 4, 6, 7, 8, 9, 10]
    assert batch["attention_mask"].tolist() == [[1] * 6] * 2


def test_a_stream_is_predicted_across_the_ends_of_documents():
    batch = CausalLMCollator(end_of_text=END, packing="stream")([row(1, 2, END, 3)])
    assert batch["labels"].tolist() == [[2, END, 3, -100]]
    assert "position_ids" not in batch


def test_a_document_of_nothing_but_its_end_and_one_cut_at_its_end():
    assert positions_in_documents(np.array([[END, END, 1, END]]), END).tolist() == [[0, 0, 0, 1]]
    assert positions_in_documents(np.array([[1]]), END).tolist() == [[0]]


@pytest.mark.parametrize("make", [gpt2, llama])
def test_packed_documents_lose_what_they_lose_alone(make):
    model, goal = make(), objective()
    documents = [(1, 2, 3, END), (4, 5, END), (6, 7, 8)]
    packed = goal.sums(model, CausalLMCollator(end_of_text=END)([row(*sum(documents, ()))]))["language_model"]
    alone = [goal.sums(model, CausalLMCollator(end_of_text=END)([row(*ids)]))["language_model"] for ids in documents]
    assert packed.item() == pytest.approx(sum(alone).item(), rel=1e-12)


@pytest.mark.parametrize("make", [gpt2, llama])
def test_no_gradient_flows_from_one_document_to_another_and_in_a_stream_it_does(make):
    model = make()
    for packing, crosses in (("documents", False), ("stream", True)):
        batch = CausalLMCollator(end_of_text=END, packing=packing)([row(1, 2, END, 3, 4, 5)])
        words = model.get_input_embeddings()(batch["input_ids"]).detach().requires_grad_()
        inputs = {"position_ids": batch["position_ids"]} if packing == "documents" else {}
        model(inputs_embeds=words, use_cache=False, **inputs).logits[0, 4].sum().backward()
        assert (words.grad[0, :3].abs().sum() > 0) == crosses
        assert words.grad[0, 5].abs().sum() == 0
        assert words.grad[0, 3:5].abs().sum() > 0


@pytest.mark.parametrize("rows", [1, 2, 3, 100])
@pytest.mark.parametrize("make", [gpt2, llama])
def test_the_head_in_pieces_gives_the_same_loss_gradient_and_figures(make, rows):
    batch = CausalLMCollator(end_of_text=END)([row(1, 2, END, 3, 4, 5), row(1, 2, 3, 4, 5, END)])
    found = []
    for goal in (objective(), objective(rows)):
        model = make()
        loss = goal.sums(model, batch)["language_model"]
        loss.backward()
        with torch.no_grad():
            tally = goal.tally(model, batch)
        found.append((loss.item(), tally, {name: weight.grad for name, weight in model.named_parameters()}))
    (loss, tally, gradients), (other_loss, other_tally, other_gradients) = found
    assert other_loss == pytest.approx(loss, rel=1e-12)
    assert all(torch.allclose(other_gradients[name], gradients[name], rtol=1e-10, atol=1e-14) for name in gradients)
    assert {key: float(value) for key, value in tally.items()} == pytest.approx(
        {key: float(value) for key, value in other_tally.items()}
    )


def test_the_loss_is_that_of_a_hand_computation():
    model = gpt2()
    batch = CausalLMCollator(end_of_text=END, packing="stream")([row(1, 2, END, 3)])
    logits = model(input_ids=batch["input_ids"]).logits[0].log_softmax(-1)
    expected = -(logits[0, 2] + logits[1, END] + logits[2, 3])
    assert objective().sums(model, batch)["language_model"].item() == pytest.approx(expected.item(), rel=1e-12)
    figures = objective().tally(model, batch)
    assert figures["targets"] == 2  # the end of text is no text
    assert figures["loss"].item() == pytest.approx(-(logits[0, 2] + logits[2, 3]).item(), rel=1e-6)


def test_logits_that_change_after_the_head_cannot_come_in_pieces():
    class Capped(GPT2LMHeadModel):
        def forward(self, *given, **named):
            output = super().forward(*given, **named)
            output.logits = torch.tanh(output.logits)
            return output

    torch.manual_seed(0)
    model = Capped(GPT2Config(vocab_size=10, n_embd=8, n_layer=1, n_head=2, n_positions=16))
    batch = CausalLMCollator(end_of_text=END)([row(1, 2, 3)])
    with pytest.raises(ConfigError, match="'head_rows': Capped changes its logits after the head"):
        objective(2).sums(model, batch)
    with pytest.raises(ValueError, match="head_rows must be at least 1"):
        objective(0)


def test_what_moves_what_is_tried_before_a_model_is_trained():
    for model in (gpt2(), llama()):
        require_causal(model)
        require_packing(model)
        require_own_mask(model, 8)
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}
    both_ways = BertLMHeadModel(BertConfig(vocab_size=10, **sizes))
    with pytest.raises(ConfigError, match="sees the tokens that it should predict"):
        require_causal(both_ways)
    sizes = {"hidden_size": 8, "ffn_dim": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "word_embed_proj_dim": 8}
    opt = OPTForCausalLM(OPTConfig(vocab_size=10, max_position_embeddings=16, **sizes))
    require_causal(opt)
    with pytest.raises(ConfigError, match="cannot keep the documents of a block apart"):
        require_packing(opt)
    with pytest.raises(ConfigError, match=r"takes no mask of one's own|reads no text in both directions"):
        require_own_mask(opt, 8)
    window = llama()
    window.config.sliding_window = 4
    with pytest.raises(ConfigError, match="looks back 4 tokens only"):
        require_own_mask(window, 8)


def test_a_model_that_makes_its_own_mask_takes_no_packed_documents():
    model = OpenAIGPTLMHeadModel(OpenAIGPTConfig(vocab_size=10, n_embd=8, n_layer=1, n_head=2, n_positions=16))
    with pytest.raises(ConfigError, match="say packing=stream"):
        require_packing(model)
    batch = CausalLMCollator(end_of_text=END, packing="stream")([row(1, 2, END, 3)])
    assert objective().sums(model, batch)["language_model"].isfinite()


def test_a_view_has_a_line_for_each_document_and_a_picture_of_who_looks_at_whom():
    collator = CausalLMCollator(end_of_text=END)
    rows = [row(1, END, 2, 3)]
    view = collator.view(rows[0], collator(rows))
    assert [[piece.token for piece in line] for line in view.lines.values()] == [[1, END], [2, 3]]
    assert [[piece.kind for piece in line] for line in view.lines.values()] == [["given", "plain"]] * 2
    assert view.mask.astype(int).tolist() == [[1, 0, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 1, 1]]
    assert collator.view(row(1, 2), collator([row(1, 2)])).mask is None
    assert collator.measure(rows, collator(rows)) == {
        "predicted, of tokens": (2, 4, 0.5),
        "ends of documents, of tokens": (1, 4, 0.25),
    }
