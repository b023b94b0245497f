"""Sizes with which no model computes are told from faults of others."""

import pytest
import transformers

from genai_hf.errors import ConfigError
from genai_hf.models.computing import blame_sizes

SMALL = {"vocab_size": 32, "num_hidden_layers": 1, "hidden_size": 8, "num_attention_heads": 2, "intermediate_size": 8}
T5 = {"vocab_size": 32, "d_model": 8, "num_layers": 1, "num_heads": 2, "d_ff": 8, "decoder_start_token_id": 0}


def bert(**sizes):
    return transformers.BertForMaskedLM(transformers.BertConfig(**SMALL | sizes))


def t5(**sizes):
    return transformers.T5ForConditionalGeneration(transformers.T5Config(**T5 | sizes))


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (
            bert(chunk_size_feed_forward=7),
            r"bert cannot compute with it \(ValueError: .* multiple of the chunk size 7\)",
        ),
        (t5(relative_attention_num_buckets=1), r"t5 cannot compute with it \(ZeroDivisionError: division by zero\)"),
        (t5(relative_attention_max_distance=0), r"t5 cannot compute with it \(ValueError: math domain error\)"),
    ],
)
def test_sizes_that_fail_by_themselves_are_named(model, said):
    fault = RuntimeError("of the first step")
    with pytest.raises(ConfigError, match=f"'model.config': {said}") as caught:
        blame_sizes(fault, model, 16)
    assert caught.value.__cause__ is fault


@pytest.mark.parametrize("model", [bert(), bert(chunk_size_feed_forward=4), t5(), bert(max_position_embeddings=1024)])
def test_no_other_fault_is_hidden(model):
    blame_sizes(IndexError("a token beyond the vocabulary"), model, 16)
    blame_sizes(IndexError("a token beyond the vocabulary"), model, 1024 if model.config.model_type == "t5" else 16)
