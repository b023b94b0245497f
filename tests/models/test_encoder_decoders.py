"""Untrained models that read and write: their fields decide on each other, and a saved one is the same one again."""

from typing import Any

import pytest
import torch
from conftest import make_tokenizer
from transformers import (
    AutoModelForSeq2SeqLM,
    BartConfig,
    BartForConditionalGeneration,
    T5Config,
    T5ForConditionalGeneration,
)

from genai_hf import config
from genai_hf.errors import ConfigError
from genai_hf.models import decoder_start, load, weightless
from genai_hf.settings import schema, upstream

SIZES = {"d_model": 16, "d_kv": 8, "num_heads": 2, "d_ff": 32, "num_layers": 1, "num_decoder_layers": 1}
T5_1_1 = SIZES | {"feed_forward_proj": "gated-gelu", "tie_word_embeddings": False}


def untrained(fields: dict[str, Any], architecture: str = "t5") -> Any:
    return load(
        head="text_to_text", tokenizer=make_tokenizer(), sequence_length=8, architecture=architecture, config=fields
    )


def test_a_field_decides_on_what_follows_from_it():
    model = untrained(T5_1_1)
    assert (model.config.is_gated_act, model.config.dense_act_fn) == (True, "gelu_new")
    assert "encoder.block.0.layer.1.DenseReluDense.wi_1.weight" in model.state_dict()
    assert (untrained(SIZES).config.is_gated_act, untrained(SIZES).config.dense_act_fn) == (False, "relu")


def test_the_decoder_begins_with_padding_and_the_vocabulary_is_the_tokenizers():
    model = untrained(T5_1_1)
    assert decoder_start(model) == model.config.decoder_start_token_id == 0
    assert (model.config.vocab_size, model.config.pad_token_id) == (64, 0)
    small = {"d_model": 8, "encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 1}
    sizes = small | {"decoder_attention_heads": 1, "encoder_ffn_dim": 8, "decoder_ffn_dim": 8, "vocab_size": 64}
    assert decoder_start(BartForConditionalGeneration(BartConfig(**sizes))) == 2
    with pytest.raises(ConfigError, match="names no decoder_start_token_id"):
        decoder_start(T5ForConditionalGeneration(T5Config(**SIZES, vocab_size=64)))


def test_encoder_and_decoder_read_one_embedding_and_the_head_is_another():
    model = untrained(T5_1_1)
    assert model.encoder.embed_tokens.weight is model.decoder.embed_tokens.weight is model.shared.weight
    assert model.lm_head.weight is not model.shared.weight
    tied = untrained(SIZES)
    assert tied.lm_head.weight is tied.shared.weight


@torch.no_grad()
@pytest.mark.parametrize("fields", [SIZES, T5_1_1], ids=["tied", "untied"])
def test_a_saved_model_is_the_same_again(fields, tmp_path):
    model, ids = untrained(fields).eval(), torch.arange(5, 15)[None]
    model.save_pretrained(tmp_path)
    again = AutoModelForSeq2SeqLM.from_pretrained(tmp_path).eval()
    one, two = (each(input_ids=ids, decoder_input_ids=ids).logits for each in (model, again))
    assert torch.equal(one, two)
    assert sum(p.numel() for p in again.parameters()) == sum(p.numel() for p in model.parameters())


@torch.no_grad()
def test_untrained_logits_have_the_size_of_one():
    wide = untrained(T5_1_1 | {"d_model": 256})
    ids = torch.arange(5, 60)[None]
    assert 0.8 < float(wide.eval()(input_ids=ids, decoder_input_ids=ids).logits.std()) < 1.25


def test_without_weights_it_has_the_same_shapes(tmp_path):
    with weightless(str(tmp_path)):
        bare = untrained(T5_1_1)
    assert {parameter.device.type for parameter in bare.parameters()} == {"meta"}
    shapes = {name: parameter.shape for name, parameter in untrained(T5_1_1).named_parameters()}
    assert {name: parameter.shape for name, parameter in bare.named_parameters()} == shapes


def test_what_a_configuration_takes_without_declaring_it_is_known():
    dotted = upstream.model_config("t5")
    assert dotted is not None
    assert schema.undeclared(dotted) == {"tie_word_embeddings"}
    with pytest.raises(ConfigError, match="not a parameter of T5Config"):
        config.check_node(dotted, {"tie_word_embeddigs": False}, at="model.config")
    with pytest.raises(ConfigError, match="is not a field of T5Config"):
        untrained(SIZES | {"tie_word_embeddigs": False})
