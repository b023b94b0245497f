"""Tokens that models write: a prefix is read as in training, a checkpoint's habits and the random stream do nothing."""

import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

from genai_hf import models
from genai_hf.errors import ConfigError
from genai_hf.models.writing import note_prefix, reads_prefix, write
from genai_hf.objectives.language import inputs_of
from genai_hf.tokenization import train

SIZES = {"vocab_size": 64, "initializer_range": 0.3, "bos_token_id": 63, "eos_token_id": 63}
PROMPT = torch.tensor([[5, 9, 14, 3, 22, 40]])


def gpt2(**given):
    torch.manual_seed(1)
    return GPT2LMHeadModel(GPT2Config(n_embd=16, n_layer=2, n_head=2, n_positions=64, **SIZES, **given)).eval()


def llama(**given):
    torch.manual_seed(1)
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    return LlamaForCausalLM(LlamaConfig(max_position_embeddings=64, **sizes, **SIZES, **given)).eval()


def asked(ids):
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids)}


def logits_of_each_step(model, batch, **settings):
    """Tokens that are written, and the logits (steps, V) by which."""
    seen = []
    handle = model.register_forward_hook(lambda _, __, output: seen.append(output.logits[:, -1]))
    ids = write(model, batch, eos_token_id=None, pad_token_id=0, **settings)
    handle.remove()
    return ids, torch.stack(seen, dim=1)


@pytest.mark.parametrize("way", ["sdpa", "eager"])
@pytest.mark.parametrize("kind", [gpt2, llama])
def test_a_prefix_is_read_as_in_training_and_what_is_kept_of_it_too(kind, way):
    model = kind(attn_implementation=way)
    _, causal = logits_of_each_step(model, asked(PROMPT), max_new_tokens=8)
    note_prefix(model.config, reads=True)
    ids, logits = logits_of_each_step(model, asked(PROMPT), max_new_tokens=8)
    text = torch.cat([PROMPT, ids], dim=1)
    batch = asked(text) | {"prefix_lengths": torch.tensor([PROMPT.shape[1]])}
    with torch.no_grad():
        whole = model(**inputs_of(model, batch)).logits[:, PROMPT.shape[1] - 1 : -1]
    torch.testing.assert_close(logits, whole, atol=1e-5, rtol=1e-5)
    assert torch.equal(ids, whole.argmax(-1))
    assert (logits - causal)[:, 0].abs().max() > 0.01


def test_without_a_cache_and_with_padding_on_the_left_a_prefix_is_read_alike():
    model = gpt2()
    note_prefix(model.config, reads=True)
    _, expected = logits_of_each_step(model, asked(PROMPT), max_new_tokens=6)
    _, anew = logits_of_each_step(model, asked(PROMPT), max_new_tokens=6, use_cache=False)
    torch.testing.assert_close(anew, expected, atol=1e-5, rtol=1e-5)
    longer = torch.tensor([[7, 8, 9, 10, 11, 12, 13, 14, 15]])
    padding = longer.shape[1] - PROMPT.shape[1]
    ids = torch.cat([torch.nn.functional.pad(PROMPT, (padding, 0)), longer])
    real = torch.tensor([[0] * padding + [1] * PROMPT.shape[1], [1] * longer.shape[1]])
    batch = {"input_ids": ids, "attention_mask": real}
    _, both = logits_of_each_step(model, batch, max_new_tokens=6)
    torch.testing.assert_close(both[:1], expected, atol=1e-5, rtol=1e-5)
    _, anew = logits_of_each_step(model, batch, max_new_tokens=6, use_cache=False)
    torch.testing.assert_close(anew, both, atol=1e-5, rtol=1e-5)


def test_beams_of_a_prefix_find_a_text_at_least_as_probable_as_the_greedy_one():
    model = gpt2()
    note_prefix(model.config, reads=True)

    def score(**settings):
        ids = write(model, asked(PROMPT), max_new_tokens=5, eos_token_id=None, pad_token_id=0, **settings)
        batch = asked(torch.cat([PROMPT, ids], dim=1)) | {"prefix_lengths": torch.tensor([PROMPT.shape[1]])}
        with torch.no_grad():
            shares = model(**inputs_of(model, batch)).logits[0, PROMPT.shape[1] - 1 : -1].log_softmax(-1)
        return shares.gather(1, ids.T).sum().item()

    assert score(num_beams=64) > score() + 0.01


def test_a_prompt_of_one_token_is_its_own_prefix():
    model = gpt2()
    _, causal = logits_of_each_step(model, asked(PROMPT[:, :1]), max_new_tokens=4)
    note_prefix(model.config, reads=True)
    _, logits = logits_of_each_step(model, asked(PROMPT[:, :1]), max_new_tokens=4)
    torch.testing.assert_close(logits, causal)


def test_a_prefix_that_would_be_cut_or_kept_otherwise_is_refused():
    model = gpt2()
    note_prefix(model.config, reads=True)
    for other in ({"prefill_chunk_size": 3}, {"cache_implementation": "static"}):
        with pytest.raises(ConfigError, match=f"'generation.{next(iter(other))}': .* all at once; leave it out"):
            write(model, asked(PROMPT), max_new_tokens=4, pad_token_id=0, **other)


def test_whether_a_model_reads_a_prefix_is_saved_and_is_what_it_was_last_trained_for(tmp_path):
    texts = ["The cat sleeps and the dog eats, and nobody asks why."] * 5
    tokenizer = train(texts, algorithm="byte_bpe", family="gpt2", vocab_size=280, lowercase=False)
    given = {"tokenizer": tokenizer, "sequence_length": 16}
    sizes = {"n_embd": 16, "n_layer": 1, "n_head": 2, "n_positions": 16}
    models.load(head="prefix_lm", architecture="gpt2", config=sizes, **given).save_pretrained(tmp_path)
    again = models.load(head="prefix_lm", name=str(tmp_path), **given)
    causal = models.load(head="causal_lm", name=str(tmp_path), **given)
    assert reads_prefix(again.config) and not reads_prefix(causal.config)
    assert "prefix_lm" not in models.load(head="causal_lm", architecture="gpt2", config=sizes, **given).config.to_dict()


def test_a_checkpoints_habits_and_the_random_stream_do_nothing_and_stay_as_they_were():
    model = gpt2().train()
    plain = write(model, asked(PROMPT), max_new_tokens=8)
    model.generation_config.repetition_penalty, model.generation_config.no_repeat_ngram_size = 9.0, 1
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    assert torch.equal(write(model, asked(PROMPT), max_new_tokens=8), plain)
    drawn = [write(model, asked(PROMPT), seed=seed, max_new_tokens=8, do_sample=True) for seed in (0, 0, 1)]
    assert torch.equal(drawn[0], drawn[1]) and not torch.equal(drawn[0], drawn[2])
    assert torch.equal(torch.rand(2), expected)
    assert model.training and model.generation_config.repetition_penalty == 9.0
