"""What a model writes after a prompt."""

import numpy as np
import pytest
import torch
from t5_tiny import make_t5, make_t5_tokenizer
from transformers import GPT2Config, GPT2LMHeadModel

from genai_hf.analysis.samples import held_out_samples, samples, write
from genai_hf.encoding.tokens import Tokens
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
    with pytest.raises(ValueError, match=r"exceed the 8 positions; lower samples\.max_new_tokens"):
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


def held_out(tmp_path, tokenizer, texts):
    """Token files of texts."""
    rows = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts]
    np.save(tmp_path / "validation.npy", np.concatenate(rows).astype(np.uint16))
    np.save(tmp_path / "validation_starts.npy", np.cumsum([0, *map(len, rows)]))
    return Tokens(tmp_path, "validation")


def test_beginnings_are_taken_evenly_from_the_held_out_texts(model, tokenizer, tmp_path):
    texts = ["The cat sleeps", "and the dog eats", "nobody", "asks why", "The dog"]
    tokens = held_out(tmp_path, tokenizer, texts)
    given = {"tokens": tokens, "tokenizer": tokenizer, "positions": 64}
    assert held_out_samples(texts=9, beginning=40, max_new_tokens=4, **given).texts == texts
    begun = held_out_samples(texts=2, beginning=3, max_new_tokens=4, temperature=0.5, seed=5, **given)
    assert begun.texts == [tokenizer.decode(tokenizer(texts[place])["input_ids"][:3]) for place in (0, 2)]
    how = {"tokenizer": tokenizer, "max_new_tokens": 4, "temperature": 0.5}
    assert begun.answer(model) == [write(model, text, seed=5 + place, **how) for place, text in enumerate(begun.texts)]
    assert held_out_samples(texts=0, **given).texts == []
    with pytest.raises(ValueError, match="beginning at least 1, got 5 and 0"):
        held_out_samples(beginning=0, **given)


def test_an_encoder_decoder_writes_what_its_decoder_says_of_the_beginning():
    model, tokenizer = make_t5(), make_t5_tokenizer()
    torch.nn.init.normal_(model.get_output_embeddings().weight)
    ids = tokenizer("the cat sat", return_tensors="pt")["input_ids"]
    assert ids[0, -1] == tokenizer.eos_token_id
    written = torch.tensor([[0]])
    with torch.no_grad():
        for _ in range(4):
            logits = model.eval()(input_ids=ids, decoder_input_ids=written).logits
            written = torch.cat([written, logits[:, -1:].argmax(-1)], dim=1)
    said = write(model, "the cat sat", tokenizer=tokenizer, max_new_tokens=4, temperature=0.0, seed=0)
    assert said == tokenizer.decode(written[0], skip_special_tokens=True)
