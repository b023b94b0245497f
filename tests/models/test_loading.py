"""Models of the wrong kind are refused before they would learn something else."""

import pytest

from genai_hf.errors import ConfigError
from genai_hf.models import load


@pytest.mark.parametrize(
    ("head", "architecture", "message"),
    [
        ("masked_lm", "gpt2", "gpt2 is no model for masked_lm; take an encoder"),
        ("causal_lm", "bert", "bert sees the tokens that it should predict; take a decoder"),
        ("causal_lm", "t5", "t5 is no model for causal_lm; take a decoder"),
        ("causal_lm", "bart", "bart sees the tokens that it should predict; take a decoder"),
        ("text_to_text", "bert", "bert is no model for text_to_text; take an encoder-decoder"),
        ("masked_lm_and_next_sentence", "roberta", "roberta has no head for next-sentence prediction; take a BERT"),
    ],
)
def test_a_model_of_another_kind_is_refused(tokenizer, head, architecture, message):
    with pytest.raises(ConfigError, match=message):
        load(head=head, tokenizer=tokenizer, sequence_length=8, architecture=architecture)


def test_a_decoder_made_of_an_encoder_may_predict(tokenizer):
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 8}
    model = load(
        head="causal_lm",
        tokenizer=tokenizer,
        sequence_length=8,
        architecture="bert",
        config=sizes | {"is_decoder": True},
    )
    assert model.config.is_decoder
