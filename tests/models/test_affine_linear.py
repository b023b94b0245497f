"""A model with packed weights is what its weights say, small for real, and comes out of its files again."""

import json
import re

import pytest
import torch
from bitsandbytes.functional import dequantize_4bit, quantize_4bit
from conftest import tiny_bert
from torch import nn
from transformers import AutoModelForCausalLM, AutoModelForMaskedLM, GPT2Config, LlamaConfig
from transformers.pytorch_utils import Conv1D

from genai_hf.errors import ConfigError
from genai_hf.models import linear_layers
from genai_hf.models.affine import Affine
from genai_hf.models.affine_linear import AffineLinear, matrix, quantise
from genai_hf.models.few_bits import BLOCK, stored_bytes
from genai_hf.models.quantising import BITSANDBYTES, method, methods, weight_tensors

IDS = torch.arange(5, 25)[None]


def gpt2(**config):
    torch.manual_seed(0)
    sizes = {"n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": 32, "vocab_size": 64}
    special = dict.fromkeys(("bos_token_id", "eos_token_id"), 0)
    return AutoModelForCausalLM.from_config(GPT2Config(**sizes | special | config)).eval()


def llama(width=32):
    torch.manual_seed(0)
    sizes = {"hidden_size": width, "intermediate_size": 2 * width, "num_hidden_layers": 2, "num_attention_heads": 2}
    return AutoModelForCausalLM.from_config(LlamaConfig(**sizes, vocab_size=64, tie_word_embeddings=True)).eval()


MODELS = {"gpt2": gpt2, "llama": llama, "bert": lambda: tiny_bert().eval()}
every_model = pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)


@torch.no_grad()
def logits(model):
    return model(input_ids=IDS).logits


@every_model
def test_the_outputs_are_those_of_the_weights_that_the_codes_stand_for(make):
    model, affine = make(), Affine(bits=3, per="group", group=10)
    layers = linear_layers(model)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    packed = quantise(model, affine, layers)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert "quantization_config" not in model.config.to_dict()
    for name in layers:
        layer = model.get_submodule(name)
        restored = affine.restore(affine.store(matrix(layer)), *matrix(layer).shape)
        assert torch.equal(matrix(packed.get_submodule(name)), restored)
        layer.weight.data = restored.T if isinstance(layer, Conv1D) else restored
    assert torch.allclose(logits(packed), logits(model), atol=1e-6)


@every_model
def test_it_is_as_small_as_it_says_and_shares_what_is_not_packed(make):
    model, affine = make(), Affine(bits=2)
    layers = linear_layers(model)
    packed = quantise(model, affine, layers)
    sizes = [sum(affine.sizes(*matrix(model.get_submodule(name)).shape).values()) for name in layers]
    assert stored_bytes(weight_tensors(packed, layers)) == sum(sizes)
    saved = stored_bytes(weight_tensors(model, layers)) - sum(sizes)
    whole = stored_bytes(packed.state_dict().values())
    assert whole == stored_bytes(model.state_dict().values()) - saved
    assert packed.get_input_embeddings().weight is model.get_input_embeddings().weight
    assert packed.get_output_embeddings().weight is packed.get_input_embeddings().weight
    assert not any(name.endswith("weight") for name, _ in packed.get_submodule(layers[0]).named_parameters())


@every_model
def test_it_is_saved_packed_and_loads_again_bit_for_bit(make, tmp_path):
    model = make()
    packed = quantise(model, Affine(bits=3, scheme="zero_point", per="group", group=8), linear_layers(model))
    packed.save_pretrained(tmp_path / "one")
    size = (tmp_path / "one" / "model.safetensors").stat().st_size
    assert 0 < size - stored_bytes(packed.state_dict().values()) < 12_000  # its own head, with names and shapes
    again, found = type(model).from_pretrained(tmp_path / "one", output_loading_info=True)
    assert not any(found.values())
    assert torch.equal(logits(again.eval()), logits(packed))
    again.save_pretrained(tmp_path / "two")
    assert (tmp_path / "two" / "model.safetensors").read_bytes() == (
        tmp_path / "one" / "model.safetensors"
    ).read_bytes()
    settings = [json.loads((tmp_path / name / "config.json").read_text()) for name in ("one", "two")]
    assert settings[0]["quantization_config"] == settings[1]["quantization_config"]
    halved = type(model).from_pretrained(tmp_path / "one", dtype=torch.bfloat16)
    for name in linear_layers(model):
        assert torch.equal(matrix(halved.get_submodule(name)), matrix(packed.get_submodule(name)))


def test_whoever_does_not_know_the_packing_is_told_of_shapes_and_given_no_random_weights(tmp_path, monkeypatch):
    model = gpt2()
    quantise(model, Affine(bits=4), linear_layers(model)).save_pretrained(tmp_path)
    settings = json.loads((tmp_path / "config.json").read_text())
    del settings["quantization_config"]
    (tmp_path / "config.json").write_text(json.dumps(settings))
    with pytest.raises(RuntimeError, match=r"(?i)mismatch|size"):
        AutoModelForCausalLM.from_pretrained(tmp_path)


def test_heads_and_embeddings_are_left_alone_unless_a_pattern_finds_them():
    names = linear_layers(tiny_bert())
    assert names == [f"bert.encoder.layer.0.{part}" for part in (
        "attention.self.query", "attention.self.key", "attention.self.value",
        "attention.output.dense", "intermediate.dense", "output.dense",
    )]  # fmt: skip
    assert linear_layers(gpt2(), r"\.0\.mlp") == ["transformer.h.0.mlp.c_fc", "transformer.h.0.mlp.c_proj"]
    assert linear_layers(gpt2(tie_word_embeddings=False), "lm_head") == ["lm_head"]


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("lm_head", "lm_head has its weights from the embedding; choose others"),
        ("nothing", "GPT2LMHeadModel has no linear layers like 'nothing'"),
        ("(", "'(' is no regular expression"),
    ],
)
def test_layers_that_cannot_be_quantised_are_named(pattern, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        linear_layers(gpt2(), pattern)


def test_a_weight_that_no_grid_holds_is_named_by_its_layer():
    model = gpt2()
    model.get_submodule("transformer.h.1.mlp.c_fc").weight.data[3, 5] = 1e9
    with pytest.raises(
        ConfigError, match=r"'scales': transformer\.h\.1\.mlp\.c_fc: .* too large for scales in float16"
    ):
        quantise(model, Affine(bits=4), linear_layers(model))
    quantise(model, Affine(bits=4, scales="float32"), linear_layers(model))


def test_a_packed_model_is_not_packed_again():
    packed = quantise(gpt2(), Affine(bits=4), linear_layers(gpt2()))
    with pytest.raises(ValueError, match="has no linear layers to quantise"):
        linear_layers(packed)


def test_a_layer_is_as_its_bias_and_type_were():
    layer = AffineLinear(Affine(bits=8), 3, 5, nn.Parameter(torch.ones(3)))
    for name, tensor in layer.affine.store(torch.zeros(3, 5)).items():
        layer.register_buffer(name, tensor)
    assert torch.equal(layer(torch.randn(2, 4, 5)), torch.ones(2, 4, 3))
    assert layer.bfloat16()(torch.randn(2, 5, dtype=torch.bfloat16)).dtype == torch.bfloat16


@pytest.mark.parametrize("make", [lambda: gpt2(n_embd=128), lambda: llama(width=128)], ids=["gpt2", "llama"])
@pytest.mark.parametrize("name", BITSANDBYTES)
def test_bitsandbytes_quantises_the_same_layers_and_no_others(name, make):
    model = make()
    first, *layers = linear_layers(model)
    twin = methods(name)[name](model, layers)
    assert torch.equal(matrix(twin.get_submodule(first)), matrix(model.get_submodule(first)))
    assert torch.equal(twin.get_output_embeddings().weight, model.get_output_embeddings().weight)
    count = sum(matrix(model.get_submodule(layer)).numel() for layer in layers)
    codes = stored_bytes(twin.get_submodule(layer).weight.data for layer in layers)
    assert codes == count // (1 if name == "int8" else 2)
    assert codes < stored_bytes(weight_tensors(twin, layers)) < stored_bytes(weight_tensors(model, layers))
    for layer in layers:
        ours, theirs = matrix(model.get_submodule(layer)), matrix(twin.get_submodule(layer)).float()
        assert 0 < (ours - theirs).abs().max() <= ours.abs().max() / (127 if name == "int8" else 5.9)


@pytest.mark.parametrize("kind", ["nf4", "fp4"])
def test_codes_of_4_bits_are_read_right_where_no_block_crosses_a_row(kind):
    for width in (64, 192):
        weight = torch.randn(64, width, generator=torch.Generator().manual_seed(0))
        blocks = weight.view(-1, BLOCK)
        largest = blocks.abs().amax(1, keepdim=True)
        codes, state = quantize_4bit(weight, quant_type=kind)
        nearest = state.code[((blocks / largest)[..., None] - state.code).abs().argmin(-1)] * largest
        assert torch.allclose(dequantize_4bit(codes, state), nearest.view_as(weight), atol=1e-6)


def test_a_layer_where_one_does_is_refused_in_4_bits_and_taken_in_8():
    model = gpt2()
    said = "on a processor bitsandbytes reads codes of 4 bits wrongly where a width is no multiple of 64, and "
    with pytest.raises(ConfigError, match=re.escape(f"{said}transformer.h.0.attn.c_attn has 32; take")):
        methods("nf4")["nf4"](model, linear_layers(model))
    assert torch.allclose(logits(methods("int8")["int8"](model, linear_layers(model))), logits(model), atol=0.1)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("affine9_channel", "there is no method 'affine9_channel'; did you mean 'affine8_channel'?"),
        ("affine4_group", "group must be at least 1"),
        ("affine4_group0", "group must be at least 1"),
        ("nf5", "there is no method 'nf5'; it takes affine4_group64, affine8_channel, fp4, fp4_double, int8, nf4, "),
    ],
)
def test_a_name_that_is_no_method_is_said(name, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        methods([name])
    assert method(None) is None


def test_masked_language_models_load_by_their_auto_class_too(tmp_path):
    model = tiny_bert().eval()
    packed = quantise(model, Affine(bits=5), linear_layers(model))
    packed.save_pretrained(tmp_path)
    assert torch.equal(logits(AutoModelForMaskedLM.from_pretrained(tmp_path).eval()), logits(packed))
