"""What is known of an architecture's sizes before it is imported: nothing that a model may have is refused."""

from collections import Counter

import pytest

from genai_hf.errors import ConfigError
from genai_hf.settings import architectures, upstream


@pytest.mark.parametrize(
    ("architecture", "config"),
    [
        ("qwen2", {"max_window_layers": 0}),
        ("rwkv", {"rescale_every": 0}),  # none, as its documentation says
        ("switch_transformers", {"num_sparse_encoder_layers": 0}),
        ("esm", {"vocab_size": 33}),  # whose padding has no default
        ("qwen2_vl", {}),  # whose names for sizes are made by code
        ("glm4_moe", {}),  # whose 96 heads share 4096, as it rounds down
        ("glm4_moe", {"num_attention_heads": 48}),
        ("data2vec-text", {}),  # whose configuration lies in a folder of several
    ],
)
def test_what_a_model_may_have_is_not_refused(architecture, config):
    architectures.check({"architecture": architecture, "config": config}, None, 8)


@pytest.mark.parametrize(
    ("architecture", "config", "said"),
    [
        ("llama", {"num_key_value_heads": 0}, "'model.config.num_key_value_heads' must be at least 1, got 0"),
        ("gpt2", {"n_embd": -8}, "'model.config.n_embd' must be at least 1, got -8"),
        ("bert", {"num_attention_heads": 7}, "'model.config.num_attention_heads': 7 of them cannot share"),
    ],
)
def test_what_no_model_has_is_refused(architecture, config, said):
    with pytest.raises(ConfigError) as caught:
        architectures.check({"architecture": architecture, "config": config}, None, None)
    assert str(caught.value).startswith(said)


@pytest.mark.parametrize("head", architectures.MAPPINGS)
def test_no_architecture_is_refused_for_the_sizes_that_it_comes_with(head):
    refused = Counter[str]()
    for kind in upstream.pairs(architectures.AUTO, architectures.MAPPINGS[head]):
        architectures.check({"architecture": kind}, None, None)
        try:
            architectures.check({"architecture": kind}, head, None)
        except ConfigError as error:
            refused[str(error).replace(f" {kind} ", " it ")] += 1
    for reason in refused:  # what a model is for is a matter of its kind, not of its sizes
        assert reason.startswith(("'model': it sees the tokens", "'model': it has no head", "'model': it has no vocab"))
