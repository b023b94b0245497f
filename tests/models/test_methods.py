"""Each way of training few weights on each architecture: it learns, is made to, or is refused in one line."""

import bitsandbytes
import peft
import pytest
import torch
from tiny_models import (
    ARCHITECTURES,
    METHODS,
    MODELS,
    QUANTIZATIONS,
    ROWS,
    adapted,
    logits,
    model_of,
    require_learning,
    stored,
)
from transformers import AutoModelForMaskedLM

from genai_hf.errors import ConfigError
from genai_hf.models import adapters
from genai_hf.models.few_bits import full_bytes, quantized, stored_bytes
from genai_hf.models.loading import foresee
from genai_hf.models.trained_weights import closed_form, counted
from genai_hf.models.virtual import fit, free_positions
from genai_hf.models.writing import note_prefix, write

NO_PAST = ("distilbert", "modernbert")  # their attention takes no keys and values from before


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("architecture", "task"), MODELS)
def test_a_method_learns_on_an_architecture_or_is_refused(architecture, task, method):
    if architecture in NO_PAST and method.startswith("prefix"):
        with pytest.raises(ConfigError, match=r"^'peft': the attention of .* takes no keys and values from before"):
            adapted(model_of(architecture, task), method)
        return
    base = sum(weight.numel() for weight in model_of(architecture, task).parameters())
    model = adapted(model_of(architecture, task), method)
    assert counted(model)["all"] == base + closed_form(model)[1]
    require_learning(model)
    together = logits(model)
    assert together.shape == logits(model_of(architecture, task)).shape
    for row, padded in zip(ROWS, together, strict=True):  # neither padding nor neighbours move anything
        alone = logits(model, [row])[0]
        torch.testing.assert_close(padded[: len(alone)], alone, rtol=0, atol=1e-4)


@pytest.mark.parametrize("method", ["lora", "prompt"])
@pytest.mark.parametrize(("architecture", "task"), MODELS)
def test_activations_may_be_computed_again(architecture, task, method):
    require_learning(adapted(model_of(architecture, task), method, checkpointing=True))


@pytest.mark.parametrize("architecture", ["bert", "gpt2", "llama", "t5"])
def test_a_prefix_is_refused_where_they_are(architecture):
    task = {"bert": "MaskedLM", "t5": "Seq2SeqLM"}.get(architecture, "CausalLM")
    with pytest.raises(ConfigError, match=r"say trainer.activation_checkpointing=false, or take another, such as"):
        adapted(model_of(architecture, task), "prefix", checkpointing=True)


@pytest.mark.parametrize("quantization", QUANTIZATIONS)
@pytest.mark.parametrize(("architecture", "task"), MODELS)
def test_an_adapter_learns_beside_weights_of_few_bits(architecture, task, quantization, tmp_path):
    model = stored(architecture, task, quantization, tmp_path)
    require_learning(adapted(model, "qlora"))


def test_dora_is_refused_beside_eight_bits(tmp_path):
    with pytest.raises(ConfigError, match=r"^'peft': DoRA needs .* take quantization=nf4, or peft=lora$"):
        adapted(stored("bert", "MaskedLM", "int8", tmp_path), "dora")


def test_a_width_that_is_read_wrongly_is_refused(tmp_path, monkeypatch):
    monkeypatch.setitem(ARCHITECTURES, "bert", ARCHITECTURES["bert"] | {"intermediate_size": 96})
    said = r"^'quantization': .* and bert.encoder.layer.0.output.dense has 96; take"
    with pytest.raises(ConfigError, match=said):
        stored("bert", "MaskedLM", "nf4", tmp_path)
    stored("bert", "MaskedLM", "int8", tmp_path)
    model = model_of("bert", "MaskedLM")
    with pytest.raises(ConfigError, match=said):
        look(model, "nf4", tmp_path)
    look(model, "int8", tmp_path)


def look(model, quantization, folder):
    """See of a model what reading its weights would refuse."""
    settings = quantized(precision="fp32", **QUANTIZATIONS[quantization])
    foresee(AutoModelForMaskedLM, model, str(folder), settings)


@pytest.mark.parametrize("quantization", ["nf4", "nf4_double", "fp4"])
def test_codes_of_four_bits_are_read_as_they_are_written(quantization, tmp_path):
    whole, few = model_of("llama", "CausalLM"), stored("llama", "CausalLM", quantization, tmp_path)
    restore = bitsandbytes.functional.dequantize_4bit
    for name, part in few.named_modules():
        if type(part).__name__ == "Linear4bit":
            whole.get_submodule(name).weight.data = restore(part.weight.data, part.weight.quant_state)
    torch.testing.assert_close(logits(few), logits(whole), rtol=0, atol=1e-4)


@pytest.mark.parametrize("fields", [{"bias": "all"}, {"bias": "lora_only"}, {"lora_bias": True}])
def test_biases_that_are_trained_are_counted(fields):
    model = adapters.adapt(
        model_of("bert", "MaskedLM"), adapters.adapter(length=8, checkpointing=False, method="lora", **fields)
    )
    assert counted(model)["trained"] == closed_form(model)[1]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"method": "prompt", "num_virtual_tokens": 0}, "'peft.num_virtual_tokens' must be at least 1, got 0"),
        ({"method": "p_tuning", "num_virtual_tokens": 2, "encoder_hidden_size": -1}, "must be at least 1, got -1"),
        ({"method": "lora", "init_lora_weights": "eva"}, "this one is made from data, which nobody gives"),
    ],
)
def test_values_that_make_no_adapter_are_refused(fields, said):
    with pytest.raises(ConfigError, match=said):
        adapters.adapter(length=8, checkpointing=False, **fields)


def test_an_adapter_remembers_which_commit_of_the_hub_its_base_was():
    model = model_of("bert", "MaskedLM")
    model.config._commit_hash = "1234abcd"
    assert adapted(model, "lora").active_peft_config.revision == "1234abcd"
    assert adapted(model_of("bert", "MaskedLM"), "lora").active_peft_config.revision is None


def test_bits_that_nobody_asked_for_are_refused():
    with pytest.raises(ConfigError, match="neither load_in_4bit nor load_in_8bit is true"):
        quantized(precision="fp32", load_in_4bit=False)


def test_virtual_tokens_count_against_the_positions_and_refuse_a_prefixs_mask():
    assert free_positions(model_of("gpt2", "CausalLM")) == 40
    assert free_positions(adapted(model_of("gpt2", "CausalLM"), "prompt")) == 37
    assert free_positions(adapted(model_of("gpt2", "CausalLM"), "lora")) == 40
    model = model_of("gpt2", "CausalLM")
    note_prefix(model.config, reads=True)
    with pytest.raises(ConfigError, match="virtual tokens have no place in the mask of a prefix"):
        adapted(model, "prompt")


@pytest.mark.parametrize(
    ("length", "vectors", "remedy"), [(40, 3, "say sequence_length=37"), (8, 38, "lower peft.num_virtual_tokens")]
)
def test_too_many_virtual_tokens_are_told_what_would_fit(length, vectors, remedy):
    settings = peft.PromptTuningConfig(num_virtual_tokens=vectors)
    with pytest.raises(ConfigError, match=f"exceed the model's 40 positions; {remedy}"):
        fit(model_of("gpt2", "CausalLM"), settings, length, checkpointing=False)


@pytest.mark.parametrize("method", ["prefix", "prompt", "p_tuning", "bottleneck"])
def test_what_is_written_is_what_is_most_probable_each_time(method):
    model = adapted(model_of("gpt2", "CausalLM"), method).eval()
    ids = torch.tensor([[7, 8, 9]])
    batch = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    ends = {"eos_token_id": None, "pad_token_id": 0}
    written = write(model, batch, max_new_tokens=6, **ends)[0].tolist()
    with torch.no_grad():
        for token in written:
            assert logits(model, [ids[0].tolist()])[0, -1].argmax() == token
            ids = torch.cat([ids, torch.tensor([[token]])], 1)
    if method != "bottleneck":
        with pytest.raises(ConfigError, match=r"'generation.prefill_chunk_size': virtual tokens come first"):
            write(model, batch, max_new_tokens=2, prefill_chunk_size=2, **ends)
        with pytest.raises(ConfigError, match="cannot stand before texts of different lengths"):
            write(model, {"input_ids": ids, "attention_mask": (torch.arange(9) > 0).long()[None]}, max_new_tokens=2)


def test_the_mean_of_a_classifier_must_not_count_virtual_tokens():
    model = model_of("modernbert", "SequenceClassification")
    model.config.classifier_pooling = "mean"
    with pytest.raises(ConfigError, match="would count virtual tokens"):
        adapted(model, "prompt")


def test_what_weights_of_four_bits_take(tmp_path):
    whole, small = model_of("bert", "MaskedLM"), stored("bert", "MaskedLM", "nf4", tmp_path)
    linear = [part for part in small.modules() if type(part).__name__ == "Linear4bit"]
    weights = sum(part.in_features * part.out_features for part in linear)
    assert len(linear) == 12
    assert full_bytes(small) == full_bytes(whole) == 4 * sum(weight.numel() for weight in whole.parameters())
    scales = weights / 64 * 4  # bytes
    maps = len(linear) * (16 * 4 + 200)  # of the levels, and a few words on what is stored
    assert (
        0 <= stored_bytes(small.state_dict().values()) - (full_bytes(whole) - 4 * weights + weights / 2 + scales) < maps
    )
