"""What a model writes after a prompt."""

import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel

from genai_hf.analysis.samples import samples, write
from genai_hf.tokenization import train

TEXTS = ["The cat sleeps and the dog eats, and nobody asks why."] * 5


@pytest.fixture(scope="module")
def tokenizer():
    return train(TEXTS, algorithm="byte_bpe", family="gpt2", vocab_size=280, lowercase=False)


@pytest.fixture(scope="module")
def model(tokenizer):
    torch.manual_seed(0)
    return GPT2LMHeadModel(GPT2Config(vocab_size=len(tokenizer), n_embd=16, n_layer=1, n_head=2, n_positions=64))


def test_samples_are_those_of_their_seed_and_move_nothing_else(model, tokenizer):
    model.train()
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    how = {"tokenizer": tokenizer, "max_new_tokens": 8, "temperature": 1.0}
    first, second, other = (write(model, "The cat", seed=seed, **how) for seed in (0, 0, 1))
    assert first == second != other
    assert torch.equal(torch.rand(2), expected)
    assert model.training


def test_without_temperature_the_most_probable_token_is_taken(model, tokenizer):
    how = {"tokenizer": tokenizer, "max_new_tokens": 1, "temperature": 0.0, "seed": 0}
    with torch.no_grad():
        best = model.eval()(**tokenizer("The cat", return_tensors="pt")).logits[0, -1].argmax()
    assert write(model, "The cat", **how) == tokenizer.decode([best], skip_special_tokens=True)


def test_wrong_values_are_refused(tokenizer):
    with pytest.raises(ValueError, match="max_new_tokens must be at least 1"):
        samples(tokenizer=tokenizer, positions=None, prompts=["a"], max_new_tokens=0)
    with pytest.raises(ValueError, match="temperature must not be negative"):
        samples(tokenizer=tokenizer, positions=None, prompts=["a"], temperature=-1.0)
    with pytest.raises(ValueError, match="a prompt must hold a token"):
        samples(tokenizer=tokenizer, positions=None, prompts=[""])
    with pytest.raises(ValueError, match="exceed the 8 positions"):
        samples(tokenizer=tokenizer, positions=8, prompts=["a"], max_new_tokens=8)


def test_a_checkpoints_habits_change_nothing(model, tokenizer):
    how = {"tokenizer": tokenizer, "max_new_tokens": 8, "seed": 0}
    plain = [write(model, "The cat", temperature=heat, **how) for heat in (0.0, 1.0)]
    model.generation_config.top_p, model.generation_config.repetition_penalty = 0.05, 2.0
    assert [write(model, "The cat", temperature=heat, **how) for heat in (0.0, 1.0)] == plain


def test_equal_prompts_go_on_each_in_its_own_way(model, tokenizer):
    asked = samples(tokenizer=tokenizer, positions=64, prompts=["The cat"] * 3, max_new_tokens=8, seed=5)
    first, second, third = asked.answer(model)
    assert len({first, second, third}) == 3
    how = {"tokenizer": tokenizer, "max_new_tokens": 8, "temperature": 0.7}
    assert second == write(model, "The cat", seed=6, **how)
