"""Fields of a model's configuration are what its class takes, and what the tokenizer has."""

import pytest
from transformers import BertConfig

from genai_hf.errors import ConfigError
from genai_hf.models.configuration import configuration

SIZES = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 8}


def new(tokenizer, architecture="bert", **changes):
    return configuration(None, architecture, changes, None, tokenizer)


@pytest.mark.parametrize(
    ("architecture", "field"),
    [
        ("bert", "layer_norm_eps"),
        ("gpt2", "initializer_range"),
        ("llama", "rms_norm_eps"),
        ("t5", "initializer_factor"),
    ],
)
@pytest.mark.parametrize("whole", [0, 1])
def test_a_whole_number_is_a_float_where_the_field_is_one(tokenizer, architecture, field, whole):
    found = new(tokenizer, architecture, **{field: whole}).to_dict()[field]
    assert (type(found), found) == (float, whole)


def test_and_stays_whole_where_the_field_takes_either(tokenizer):
    assert type(new(tokenizer, hidden_dropout_prob=0).hidden_dropout_prob) is int


def test_a_checkpoint_takes_it_too(tokenizer, tmp_path):
    BertConfig(**SIZES).save_pretrained(tmp_path)
    found = configuration(str(tmp_path), None, {"layer_norm_eps": 1}, None, tokenizer)
    assert found.layer_norm_eps == 1.0


def test_what_an_architecture_refuses_of_its_sizes_together_is_a_line(tokenizer):
    with pytest.raises(ConfigError, match=r"'model.config': transformers refuses it \(RoPE requires an even .*\)"):
        new(tokenizer, "llama", **SIZES, head_dim=7)


def test_special_tokens_are_the_tokenizers(tokenizer):
    own = tokenizer.pad_token_id
    assert new(tokenizer, pad_token_id=own).pad_token_id == own
    assert new(tokenizer, "bart", decoder_start_token_id=own).decoder_start_token_id == own
    for role, wrong in {"pad": tokenizer.sep_token_id, "bos": 900, "decoder_start": 900}.items():
        said = f"'model.config.{role}_token_id' follows from the tokenizer, and {wrong} is not its own; leave it out"
        with pytest.raises(ConfigError, match=said):
            new(tokenizer, "bart", **{f"{role}_token_id": wrong})


def test_a_checkpoint_may_end_its_texts_as_it_likes_but_pads_as_its_tokenizer_does(tokenizer, tmp_path):
    BertConfig(**SIZES).save_pretrained(tmp_path)
    assert configuration(str(tmp_path), None, {"eos_token_id": [7, 8]}, None, tokenizer).eos_token_id == [7, 8]
    with pytest.raises(ConfigError, match=r"'model.config.pad_token_id' follows from the tokenizer"):
        configuration(str(tmp_path), None, {"pad_token_id": 7}, None, tokenizer)
