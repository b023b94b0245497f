"""Prefix language modelling: where rows are cut, who looks at whom, and what is predicted."""

import numpy as np
import pytest
import torch
from scipy.stats import chisquare
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

from genai_hf.collators.prefix_lm import PrefixLMCollator
from genai_hf.models.attention import four_dimensional, prefix_mask
from genai_hf.objectives.language import LanguageModelling, TextTally

END = 9


def row(*ids: int, example_id: int = 0, epoch: int = 0) -> dict:
    return {"input_ids": np.array(ids), "example_id": example_id, "epoch": epoch}


def gpt2(way: str) -> GPT2LMHeadModel:
    torch.manual_seed(0)
    config = GPT2Config(vocab_size=10, n_embd=8, n_layer=2, n_head=2, n_positions=16, attn_implementation=way)
    return GPT2LMHeadModel(config).double().eval()


def llama(way: str) -> LlamaForCausalLM:
    torch.manual_seed(0)
    sizes = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = LlamaConfig(vocab_size=10, num_key_value_heads=2, attn_implementation=way, **sizes)
    return LlamaForCausalLM(config).double().eval()


def test_one_stack_predicts_the_rest_from_the_last_token_of_the_beginning_on():
    batch = PrefixLMCollator(end_of_text=END, share=0.5)([row(1, 2, 3, 4), row(5, 6, 7, 8)])
    assert batch["input_ids"].tolist() == [[1, 2, 3, 4], [5, 6, 7, 8]]
    assert batch["labels"].tolist() == [[-100, 3, 4, -100], [-100, 7, 8, -100]]
    assert batch["label_positions"].tolist() == [1, 2, 5, 6]
    assert batch["prefix_lengths"].tolist() == [2, 2]


def test_two_stacks_read_the_beginning_and_say_the_rest():
    collator = PrefixLMCollator(end_of_text=END, decoder_start=0)
    rows = [row(1, 2, 3, 4, example_id=number) for number in range(3)]
    lengths = collator.prefix_lengths(rows, 4).tolist()
    batch = collator(rows)
    for number, length in enumerate(lengths):
        read, said = [*[1, 2, 3, 4][:length], END], [*[1, 2, 3, 4][length:], END]
        assert batch["input_ids"][number].tolist() == read + [0] * (max(lengths) + 1 - len(read))
        assert batch["attention_mask"][number].sum() == len(read)
        padding = 4 - min(lengths) + 1 - len(said)
        assert batch["labels"][number].tolist() == said + [-100] * padding
        assert batch["decoder_input_ids"][number].tolist() == ([0, *said] + [0] * padding)[: len(said) + padding]
    assert len(batch["label_positions"]) == sum(4 - length + 1 for length in lengths)


def test_the_mask_is_bidirectional_in_the_beginning_and_causal_after():
    assert prefix_mask(torch.tensor([1, 3]), 4).int().tolist() == [
        [[1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0], [1, 1, 1, 1]],
        [[1, 1, 1, 0], [1, 1, 1, 0], [1, 1, 1, 0], [1, 1, 1, 1]],
    ]


@pytest.mark.parametrize("way", ["sdpa", "eager"])
@pytest.mark.parametrize("make", [gpt2, llama])
def test_outputs_move_with_the_tokens_that_the_mask_says_and_with_no_other(make, way):
    model, length, size = make(way), 3, 6
    allowed = prefix_mask(torch.tensor([length]), size)
    words = model.get_input_embeddings()(torch.tensor([[1, 2, 3, 4, 5, 6]])).detach()

    def outputs(embedded: torch.Tensor) -> torch.Tensor:
        return (
            model(inputs_embeds=embedded[None], attention_mask=four_dimensional(model, allowed), use_cache=False)
            .logits[0]
            .sum(-1)
        )

    moved = torch.autograd.functional.jacobian(outputs, words[0]).abs().sum(-1) > 0
    assert torch.equal(moved, allowed[0])


def test_the_cut_is_uniform_and_is_drawn_for_each_epoch():
    collator = PrefixLMCollator(end_of_text=END, seed=1)
    lengths = collator.prefix_lengths([row(1, example_id=number) for number in range(20_000)], 11)
    counts = np.bincount(lengths, minlength=11)
    assert counts[0] == 0
    assert len(counts) == 11
    assert chisquare(counts[1:]).pvalue > 1e-6
    again, other = ([collator.prefix_lengths([row(1, example_id=7, epoch=epoch)], 1000)[0]] for epoch in (0, 1))
    assert again == [collator.prefix_lengths([row(1, example_id=7)], 1000)[0]] != other
    seeds = [PrefixLMCollator(end_of_text=END, seed=seed) for seed in (1, 2)]
    assert len({int(some.prefix_lengths([row(1, epoch=-1)], 1000)[0]) for some in seeds}) == 1


def test_a_row_of_two_tokens_has_one_to_read_and_one_to_say():
    for share in (None, 0.01, 0.99):
        batch = PrefixLMCollator(end_of_text=END, share=share)([row(1, 2)])
        assert batch["labels"].tolist() == [[2, -100]]


def test_wrong_shares_are_refused():
    for share in (0.0, 1.0, -1.0):
        with pytest.raises(ValueError, match="share must lie between 0 and 1"):
            PrefixLMCollator(end_of_text=END, share=share)


def test_a_view_shows_the_mask_of_one_stack_and_both_texts_of_two():
    one = PrefixLMCollator(end_of_text=END, share=0.5)
    view = one.view(row(1, 2, 3, 4), one([row(1, 2, 3, 4)]))
    assert [piece.kind for piece in view.lines[""]] == ["given", "given", "plain", "plain"]
    assert view.mask.astype(int).tolist() == [[1, 1, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0], [1, 1, 1, 1]]
    two = PrefixLMCollator(end_of_text=END, share=0.5, decoder_start=0)
    view = two.view(row(1, 2, 3, 4), two([row(1, 2, 3, 4)]))
    assert {name: [piece.token for piece in line] for name, line in view.lines.items()} == {
        "encoder": [1, 2, END],
        "decoder": [3, 4, END],
    }
    assert two.measure([row(1, 2, 3, 4)], two([row(1, 2, 3, 4)])) == {"predicted, of tokens": (2, 4, 0.5)}


@pytest.mark.parametrize("way", ["sdpa", "eager"])
@pytest.mark.parametrize("make", [gpt2, llama])
def test_the_loss_is_of_the_rest_given_all_of_the_beginning(make, way):
    model, collator = make(way), PrefixLMCollator(end_of_text=END, share=0.5)
    rows = [row(1, 2, 3, 4, 5, 6)]
    objective = LanguageModelling(text=TextTally(np.arange(10), special=[END]), term="language_model")
    found = objective.sums(model, collator(rows))["language_model"]
    mask = four_dimensional(model, prefix_mask(torch.tensor([3]), 6))
    logits = model(input_ids=torch.tensor([[1, 2, 3, 4, 5, 6]]), attention_mask=mask).logits[0].log_softmax(-1)
    assert found.item() == pytest.approx(-(logits[2, 4] + logits[3, 5] + logits[4, 6]).item(), rel=1e-12)
    causal = model(input_ids=torch.tensor([[1, 2, 3, 4, 5, 6]])).logits[0].log_softmax(-1)
    assert abs(found.item() + (causal[2, 4] + causal[3, 5] + causal[4, 6]).item()) > 1e-6
