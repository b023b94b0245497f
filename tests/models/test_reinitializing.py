"""The top layers of a pretrained model are drawn anew, and nothing else of it changes."""

import contextlib
from pathlib import Path

import pytest
import torch
from conftest import make_tokenizer
from torch import Tensor
from transformers import (
    AlbertConfig,
    AlbertForMaskedLM,
    BertConfig,
    BertForMaskedLM,
    BertForSequenceClassification,
    GPT2Config,
    GPT2LMHeadModel,
    OpenAIGPTConfig,
    OpenAIGPTLMHeadModel,
    PreTrainedModel,
)

from genai_hf import recipe_files
from genai_hf.errors import ConfigError
from genai_hf.models import load, load_classifier, weightless
from genai_hf.models.fresh import fresh
from genai_hf.settings import checking, composing
from genai_hf.weightless import weightless_folder

SPREAD = 0.5  # of weights that no new model has


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two layers with a pooler and a head, all of whose matrices are far from new."""
    sizes = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 128}
    whole = BertForSequenceClassification(BertConfig(vocab_size=64, max_position_embeddings=32, **sizes))
    folder = tmp_path_factory.mktemp("bert")
    torch.manual_seed(0)
    for weight in whole.parameters():
        torch.nn.init.normal_(weight, std=SPREAD)
    whole.config.id2label, whole.config.label2id = {0: "no", 1: "yes"}, {"no": 0, "yes": 1}
    whole.save_pretrained(folder)
    return folder


def classifier(folder: Path, layers: int, seed: int = 0) -> PreTrainedModel:
    given = {"names": ["no", "yes"], "tokenizer": make_tokenizer(), "sequence_length": 16, "seed": seed}
    return load_classifier(name=str(folder), reinitialized_layers=layers, **given)


def changed(one: PreTrainedModel, other: PreTrainedModel) -> set[str]:
    """Which modules have other weights."""
    weights: dict[str, Tensor] = other.state_dict()
    return {name.rpartition(".")[0] for name, weight in one.state_dict().items() if not weight.equal(weights[name])}


def test_the_top_layer_and_the_pooler(bert, capsys):
    as_read, drawn = classifier(bert, 0), classifier(bert, 1)
    parts = changed(as_read, drawn)
    assert parts
    assert all(name.startswith(("bert.encoder.layer.1.", "bert.pooler.")) for name in parts)
    layer = drawn.bert.encoder.layer[1]
    matrices = [part for part in layer.modules() if isinstance(part, torch.nn.Linear)]
    assert len(matrices) == 6
    for part in matrices:
        assert part.weight.std().item() == pytest.approx(drawn.config.initializer_range, rel=0.1)
        assert not part.bias.any()
    norms = [part for part in layer.modules() if isinstance(part, torch.nn.LayerNorm)]
    assert len(norms) == 2
    assert all((part.weight == 1).all() and not part.bias.any() for part in norms)
    assert {"bert.encoder.layer.1", "bert.pooler"} <= set(fresh(drawn)[0])
    assert "drawn anew, for model.reinitialized_layers=1: bert.encoder.layer.1, bert.pooler" in capsys.readouterr().err


def test_a_pooler_that_was_not_there_is_marked_once(bert, tmp_path):
    BertForMaskedLM.from_pretrained(bert).save_pretrained(tmp_path)
    marked = fresh(classifier(tmp_path, 1))[0]
    assert marked == ["bert.encoder.layer.1", "bert.pooler", "classifier"]


def test_all_layers_leave_the_embeddings_and_the_head(bert):
    as_read, drawn = classifier(bert, 0), classifier(bert, 2)
    assert {name.partition(".")[0] for name in changed(as_read, drawn)} == {"bert"}
    assert not any("embeddings" in name for name in changed(as_read, drawn))


def test_the_seed_decides(bert):
    assert not changed(classifier(bert, 2, seed=1), classifier(bert, 2, seed=1))
    assert changed(classifier(bert, 2, seed=1), classifier(bert, 2, seed=2))


@pytest.mark.parametrize("is_weightless", [False, True])
def test_more_than_there_are(bert, is_weightless, tmp_path):
    said = r"'model.reinitialized_layers' must be at most 2, the layers of this model, got 3"
    with weightless(str(tmp_path)) if is_weightless else contextlib.nullcontext():
        assert bool(weightless_folder()) == is_weightless
        with pytest.raises(ConfigError, match=said):
            classifier(bert, 3)


def test_a_decoder_as_a_new_one_is_drawn(tmp_path):
    """GPT-2 draws what is added to the residual stream with less spread, by its depth."""
    tokenizer = make_tokenizer()
    config = GPT2Config(vocab_size=len(tokenizer), n_positions=32, n_embd=64, n_layer=3, n_head=2)
    model = GPT2LMHeadModel(config)
    for weight in model.parameters():
        torch.nn.init.normal_(weight, std=SPREAD)
    model.save_pretrained(tmp_path)
    given = {"head": "causal_lm", "tokenizer": tokenizer, "sequence_length": 16}
    as_read, drawn = (load(name=str(tmp_path), reinitialized_layers=layers, **given) for layers in (0, 2))
    assert {name.split(".")[2] for name in changed(as_read, drawn)} == {"1", "2"}
    spread = config.initializer_range / (2 * config.n_layer) ** 0.5
    assert drawn.transformer.h[2].mlp.c_proj.weight.std().item() == pytest.approx(spread, rel=0.1)
    assert drawn.transformer.h[2].mlp.c_fc.weight.std().item() == pytest.approx(config.initializer_range, rel=0.1)


def test_an_architecture_that_transformers_draws_only_as_it_is_made(tmp_path):
    tokenizer = make_tokenizer()
    OpenAIGPTLMHeadModel(
        OpenAIGPTConfig(vocab_size=len(tokenizer), n_positions=32, n_embd=64, n_layer=2, n_head=2)
    ).save_pretrained(tmp_path)
    given = {"head": "causal_lm", "tokenizer": tokenizer, "sequence_length": 16}
    said = r"'model.reinitialized_layers': transformers draws openai-gpt only as it is made; leave it out"
    with pytest.raises(ConfigError, match=said):
        load(name=str(tmp_path), reinitialized_layers=1, **given)


def test_layers_that_share_their_weights(tmp_path):
    tokenizer = make_tokenizer()
    sizes = {"hidden_size": 32, "embedding_size": 16, "num_attention_heads": 2, "intermediate_size": 32}
    AlbertForMaskedLM(AlbertConfig(vocab_size=len(tokenizer), **sizes)).save_pretrained(tmp_path)
    said = r"'model.reinitialized_layers': albert has no layers of weights of their own; leave it out"
    with pytest.raises(ConfigError, match=said):
        load(name=str(tmp_path), head="masked_lm", tokenizer=tokenizer, sequence_length=16, reinitialized_layers=1)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["model.reinitialized_layers=3"], "must be at most 2, the layers of this model, got 3"),
        (["model.reinitialized_layers=1", "model.from_scratch=true"], "does nothing with model.from_scratch=true"),
        (["model.reinitialized_layers=2", "peft=lora"], "an adapter needs a layer that is not drawn anew; lower it"),
    ],
)
def test_what_is_known_of_a_folder_is_said_before_anything_is_loaded(bert, words, said):
    recipe = recipe_files.find("glue")
    cfg = composing.compose(recipe, ["model=pretrained", f"model.name={bert}", "sequence_length=16", *words])
    with pytest.raises(ConfigError, match=f"'model.reinitialized_layers':? {said}"):
        checking.check(cfg, recipe)
