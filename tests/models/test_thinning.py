"""A student out of some of its teacher's layers: tensor for tensor, and as it is loaded again."""

import re

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    AutoModelForSeq2SeqLM,
    BartConfig,
    BertConfig,
    GPT2Config,
    T5Config,
)

from genai_hf.errors import ConfigError
from genai_hf.models.thinning import _chosen, thin, thinned

SMALL = {"vocab_size": 64, "hidden_size": 16, "num_attention_heads": 2}
KINDS = {
    "bert": (AutoModelForMaskedLM, BertConfig(**SMALL, num_hidden_layers=4, intermediate_size=32)),
    "gpt2": (AutoModelForCausalLM, GPT2Config(vocab_size=64, n_embd=16, n_head=2, n_layer=4)),
    "t5": (AutoModelForSeq2SeqLM, T5Config(vocab_size=64, d_model=16, d_kv=8, d_ff=32, num_heads=2, num_layers=4)),
    "bart": (
        AutoModelForSeq2SeqLM,
        BartConfig(
            vocab_size=64,
            d_model=16,
            encoder_layers=4,
            decoder_layers=4,
            encoder_attention_heads=2,
            decoder_attention_heads=2,
            encoder_ffn_dim=32,
            decoder_ffn_dim=32,
        ),
    ),
}
LAYER = re.compile(r"(layer|h|block|layers)\.(\d+)\.(?!.*(layer|block)\.\d+\.\d+\.)")


@pytest.mark.parametrize(
    ("depth", "wanted"), [(12, [0, 2, 4, 7, 9, 11]), (6, [0, 2, 5]), (4, [0, 3]), (2, [0]), (1, [0])]
)
def test_every_other_layer_is_distilberts_choice(depth, wanted):
    assert _chosen("every_other", depth) == wanted


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("layers", "kept"), [("every_other", [0, 3]), ([0, 1, 3], [0, 1, 3])])
def test_embeddings_head_and_the_chosen_layers_are_the_teachers(tmp_path, tokenizer, kind, layers, kept):
    head, config = KINDS[kind]
    teacher = head.from_config(config)
    before = {name: weight.clone() for name, weight in teacher.state_dict().items()}
    folder = thin(teacher, tokenizer, layers, tmp_path / "start")
    student, found = head.from_pretrained(folder, output_loading_info=True)
    assert not found["missing_keys"]
    assert not found["unexpected_keys"]
    weights = student.state_dict()
    numbers = set()
    for name, weight in weights.items():
        match = LAYER.search(name)
        if match:
            numbers.add(int(match[2]))
            name = f"{name[: match.start(2)]}{kept[int(match[2])]}{name[match.end(2) :]}"  # noqa: PLW2901
        assert torch.equal(weight, before[name]), name
    assert numbers == set(range(len(kept)))
    assert student.config.num_hidden_layers == len(kept)
    assert all(torch.equal(weight, before[name]) for name, weight in teacher.state_dict().items())


@pytest.mark.parametrize("layers", [[4], [-1], [], "some", 2, [0, 0], [True], ["0"], [0.0]])
def test_layers_that_are_not_there_are_refused(layers):
    said = r"'layers' must be every_other, or different layers \(the first is 0, the last 3\), got "
    with pytest.raises(ConfigError, match=said):
        thinned(AutoModelForMaskedLM.from_config(KINDS["bert"][1]), layers)


def test_layers_that_make_no_model_are_refused():
    with pytest.raises(ConfigError, match=r"'layers': a T5.* would want .*relative_attention_bias.*; keep 0"):
        thinned(AutoModelForSeq2SeqLM.from_config(KINDS["t5"][1]), [1, 2])
