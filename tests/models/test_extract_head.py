"""Rows for new tokens, and a head beside the language-model head that is saved with the decoder and read again."""

import copy

import pytest
import torch
from extract_parts import DECODERS, NEW, SPELT, batch_of, decoder, objective, with_head
from safetensors.torch import load_file, save_file
from scipy.stats import kstest
from transformers import AutoModelForCausalLM, BertConfig

from genai_hf import models
from genai_hf.errors import ConfigError
from genai_hf.models.configuration import check_room
from genai_hf.models.extract import NAME, Facts, add_extract_head, read_extract_head, saved_facts
from genai_hf.tokenization import Marks

EVERY_DECODER = pytest.mark.parametrize("kind", DECODERS)


def facts(transformation="classification", names=("no", "yes")):
    return Facts(transformation=transformation, names=list(names), length=32, **SPELT)


@EVERY_DECODER
def test_old_rows_stay_and_tied_heads_stay_tied(kind):
    before = decoder(kind).get_input_embeddings().weight.detach().clone()
    model = with_head(kind, "classification")
    entry, exit_ = model.get_input_embeddings().weight, model.get_output_embeddings().weight
    assert torch.equal(entry[:64], before)
    assert (len(entry), len(exit_), model.config.vocab_size) == (67, 67, 67)
    assert (entry is exit_) == (kind != "llama")
    assert torch.equal(model.extract_head.linear.bias, torch.zeros(3, dtype=torch.float64))


def test_new_rows_are_normal_with_the_deviation_asked_for_and_a_function_of_the_seed():
    def rows(seed, kind="llama", **given):
        torch.manual_seed(9)
        model = add_extract_head(decoder(kind), facts=facts(), marks=NEW, seed=seed, multiple_of=512, **given)
        return [part.weight[64:].detach() for part in (model.get_input_embeddings(), model.get_output_embeddings())]

    for drawn in rows(1):
        assert drawn.shape == (448, 16)
        assert kstest(drawn.flatten().numpy() / 0.02, "norm").pvalue > 1e-4
    assert all(torch.equal(one, same) for one, same in zip(rows(1), rows(1), strict=True))
    assert not torch.equal(rows(1)[0], rows(2)[0])
    assert not torch.equal(*rows(1))
    assert torch.allclose(rows(1)[0] * 50, rows(1, deviation=1.0)[0])


def test_a_vocabulary_with_room_is_left_as_it_is_but_for_the_rows_of_the_new_tokens():
    before = decoder("gpt2").transformer.wte.weight.detach().clone()
    marks = Marks(start=61, delimiter=62, extract=63, new=(61, 63))  # the second was there before
    after = add_extract_head(decoder("gpt2"), facts=facts(), marks=marks, multiple_of=512).transformer.wte.weight
    assert [number for number in range(64) if not torch.equal(before[number], after[number])] == [61, 63]
    assert len(after) == 64


@EVERY_DECODER
@pytest.mark.parametrize("transformation", ["classification", "multiple_choice"])
def test_a_saved_model_is_a_decoder_and_its_head_is_read_again(kind, transformation, tmp_path):
    model = with_head(kind, transformation).eval()
    model.save_pretrained(tmp_path)
    trunk = AutoModelForCausalLM.from_pretrained(tmp_path, use_safetensors=True).eval()
    ids = torch.tensor([[64, 5, 66]])
    assert torch.equal(trunk(input_ids=ids).logits, model(input_ids=ids).logits)
    found = read_extract_head(trunk, tmp_path)
    assert found == Facts(transformation=transformation, names=["n0", "n1", "n2"], length=40, **SPELT)
    batch = batch_of([[[64, 5, 66], [64, 6, 7, 66]]] if transformation == "multiple_choice" else [[[64, 5, 66]]])
    said = [objective(transformation).tally(each, batch)["outputs"] for each in (model, trunk)]
    assert torch.equal(*said)


def test_a_model_without_such_a_head_is_no_run_of_this_kind(tmp_path):
    model = decoder("gpt2")
    with pytest.raises(ConfigError, match=r"has no head that reads \[EXTRACT\]; name a run of gpt_extract"):
        read_extract_head(model, tmp_path)


def test_a_saved_head_whose_weights_or_facts_are_damaged_is_refused(tmp_path):
    with_head("gpt2", "classification").save_pretrained(tmp_path)
    whole = load_file(tmp_path / "model.safetensors")
    trunk = AutoModelForCausalLM.from_pretrained(tmp_path)
    gone = {key: weight for key, weight in whole.items() if key != f"{NAME}.linear.bias"}
    for weights in (gone, whole | {f"{NAME}.linear.bias": torch.zeros(7)}):
        save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
        with pytest.raises(ConfigError, match=f"the weights of {NAME} are missing or of other shapes"):
            read_extract_head(trunk, tmp_path)
    assert NAME not in dict(trunk.named_children())
    for damaged in ([], {"names": ["a"]}):
        with pytest.raises(ConfigError, match="is damaged"):
            saved_facts(tmp_path, {"extract": damaged})


def test_without_weights_it_has_its_shape():
    with models.weightless("unused"), torch.device("meta"):
        trunk = AutoModelForCausalLM.from_config(copy.deepcopy(DECODERS["gpt2"]))
    model = add_extract_head(trunk, facts=facts(), marks=NEW)
    assert all(weight.is_meta for weight in model.parameters())
    assert model.get_submodule(NAME).linear.weight.shape == (2, 16)
    assert len(model.get_input_embeddings().weight) == 67


@pytest.mark.parametrize(("names", "outputs"), [(("a", "b", "c"), 3), ((), 1)])
def test_a_regression_and_a_choice_have_one_output(names, outputs):
    assert facts(names=names).outputs == outputs
    assert facts("multiple_choice", names).outputs == 1


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"dropout": 1.0}, "dropout must be in [0, 1), got 1.0"),
        ({"dropout": -0.1}, "dropout must be in [0, 1), got -0.1"),
        ({"deviation": 0.0}, "deviation must be positive and finite, got 0.0"),
        ({"deviation": float("nan")}, "deviation must be positive and finite, got nan"),
        ({"deviation": float("inf")}, "deviation must be positive and finite, got inf"),
        ({"multiple_of": 0}, "multiple_of must be at least 1, got 0"),
    ],
)
def test_ranges_are_refused(given, said):
    with pytest.raises(ValueError) as caught:
        add_extract_head(decoder("gpt2"), facts=facts(), marks=NEW, **given)
    assert str(caught.value) == said


def test_an_encoder_is_refused():
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 8}
    model = AutoModelForCausalLM.from_config(BertConfig(vocab_size=64, **sizes))
    with pytest.raises(ConfigError, match="'model': bert reads in both directions; take a decoder, such as gpt2"):
        add_extract_head(model, facts=facts(), marks=NEW)


@pytest.mark.parametrize("kind", ["gpt2", "openai-gpt"])
def test_a_sequence_longer_than_a_gpts_positions_is_refused(kind, tokenizer):
    check_room(DECODERS[kind], tokenizer, 40)
    with pytest.raises(ConfigError, match="'sequence_length': 41 exceeds the model's 40 positions; lower it"):
        check_room(DECODERS[kind], tokenizer, 41)
