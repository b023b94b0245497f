"""A new T5 of either version: which weights it shares, and that it comes back from disk as it was."""

from typing import Any

import pytest
import torch
from omegaconf import OmegaConf
from t5_tiny import make_t5, make_t5_tokenizer
from transformers import AutoModelForSeq2SeqLM

import genai_hf
from genai_hf import models
from genai_hf.errors import ConfigError
from genai_hf.models.head import head_rows

TWO = {"input_ids": torch.tensor([[3, 4, 5, 1], [6, 7, 1, 0]]), "attention_mask": torch.tensor([[1] * 4, [1, 1, 1, 0]]),
       "decoder_input_ids": torch.tensor([[0, 8, 9], [0, 10, 0]])}  # fmt: skip


def logits(model: Any) -> torch.Tensor:
    with torch.no_grad():
        return model.eval()(**TWO, use_cache=False).logits


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_a_version_shares_what_it_should(version: str) -> None:
    model = make_t5(version)
    assert model.encoder.embed_tokens.weight is model.decoder.embed_tokens.weight is model.shared.weight
    assert (model.lm_head.weight is model.shared.weight) == (version == "1.0")
    assert model.config.scale_decoder_outputs == (version == "1.0")
    assert model.config.is_gated_act == (version == "1.1")
    assert model.config.num_decoder_layers == 1
    if version == "1.1":
        assert float(model.lm_head.weight.detach().std()) == pytest.approx(16**-0.5, rel=0.1)


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_a_saved_model_comes_back_and_writes(version: str, tmp_path: Any) -> None:
    first = make_t5(version)
    first.save_pretrained(tmp_path / "once")
    second = AutoModelForSeq2SeqLM.from_pretrained(tmp_path / "once")
    second.save_pretrained(tmp_path / "twice")
    third = AutoModelForSeq2SeqLM.from_pretrained(tmp_path / "twice")
    assert torch.equal(logits(first), logits(second))
    assert torch.equal(logits(first), logits(third))
    assert third.generate(TWO["input_ids"], max_new_tokens=2)[:, 0].tolist() == [0, 0]  # begins with padding


def test_the_sizes_of_a_saved_model_without_its_weights_are_of_its_version(tmp_path: Any) -> None:
    make_t5("1.1").save_pretrained(tmp_path)
    given: dict[str, Any] = {"head": "text_to_text", "tokenizer": make_t5_tokenizer(), "sequence_length": 9999}
    model = models.load(name=str(tmp_path), from_scratch=True, **given)
    assert model.lm_head.weight is not model.shared.weight
    loaded = models.load(name=str(tmp_path), **given)
    assert sum(weight.numel() for weight in loaded.parameters()) == sum(weight.numel() for weight in model.parameters())


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_the_head_on_some_positions_gives_the_same_logits(version: str) -> None:
    model, positions = make_t5(version), torch.tensor([0, 2, 4])
    with head_rows(model, positions):
        some = logits(model)
    assert torch.allclose(some, logits(model).flatten(0, 1)[positions], atol=1e-6)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("t5_small", 60_506_624), ("t5_base", 222_903_552), ("t5_v1_1_small", 76_961_152), ("t5_v1_1_base", 247_577_856)],
)
def test_the_published_sizes_have_as_many_weights_as_were_published(name: str, parameters: int) -> None:
    node = genai_hf.compose("t5_spans", [f"model={name}", "model.config.vocab_size=32128"]).model
    given = OmegaConf.to_container(node, resolve=True)
    assert isinstance(given, dict)
    with models.weightless("unused"):
        model = models.load(head="text_to_text", tokenizer=make_t5_tokenizer(), sequence_length=512, **given)
    assert sum(weight.numel() for weight in model.parameters()) == parameters


def test_a_decoder_that_does_not_begin_with_padding_is_refused() -> None:
    model = make_t5()
    models.require_padding_first(model, 0)
    model.generation_config.decoder_start_token_id = 5
    with pytest.raises(ConfigError, match=r"its decoder begins with token 5, and T5's with padding \(0\)"):
        models.require_padding_first(model, 0)
