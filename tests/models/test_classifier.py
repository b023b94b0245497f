"""Which head a model has: a checkpoint's own where it is for the same labels, by their names, else a new one."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import make_tokenizer, tiny_bert
from safetensors.torch import load_file, save_file
from test_pooling import DECODERS, ENCODERS, tiny
from transformers import BertForSequenceClassification, PreTrainedModel

from genai_hf.collators.labelled import LabelledCollator
from genai_hf.errors import ConfigError
from genai_hf.models import has_segments, label_order, load_classifier, weightless
from genai_hf.objectives.labelling import Labelling
from genai_hf.weightless import weightless_folder

NLI = ["entailment", "neutral", "contradiction"]


def classifier(name: Path | str | None, names: Any = NLI, **given: Any) -> PreTrainedModel:
    """As a run loads it."""
    place = None if name is None else str(name)
    tokenizer = given.pop("tokenizer", None) or make_tokenizer()
    return load_classifier(**{"names": names, "tokenizer": tokenizer, "sequence_length": 32, "name": place} | given)


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory) -> Path:
    """A masked language model, without a pooler."""
    folder = tmp_path_factory.mktemp("pretrained")
    tiny_bert(seed=3).save_pretrained(folder)
    return folder


@pytest.fixture
def finetuned(pretrained, tmp_path) -> Path:
    """A model with a head for NLI, whose weights are none that a new head has."""
    model = classifier(pretrained, seed=1)
    torch.nn.init.normal_(model.classifier.weight, std=2.0)
    torch.nn.init.normal_(model.classifier.bias)
    return saved(model, tmp_path / "finetuned")


def saved(model: PreTrainedModel, folder: Path) -> Path:
    model.save_pretrained(folder)
    return folder


def rewritten(folder: Path, **changes: Any) -> Path:
    """The checkpoint with other fields in its config."""
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))
    return folder


def labels(*names: str) -> dict[str, Any]:
    return {"id2label": dict(enumerate(names)), "label2id": {name: number for number, name in enumerate(names)}}


def same_head(one: BertForSequenceClassification, other: BertForSequenceClassification) -> bool:
    return torch.equal(one.classifier.weight, other.classifier.weight)


def same_body(one: PreTrainedModel, other: PreTrainedModel) -> bool:
    mine, theirs = (dict(model.base_model.named_parameters()) for model in (one, other))
    shared = [name for name in mine if "pooler" not in name]
    return len(shared) == 21 and all(torch.equal(mine[name], theirs[name]) for name in shared)


def test_a_pretrained_body_gets_a_new_head_with_the_names_of_the_labels(pretrained, capsys):
    model = classifier(pretrained)
    assert model.config.id2label == {0: "entailment", 1: "neutral", 2: "contradiction"}
    assert model.config.label2id == {"entailment": 0, "neutral": 1, "contradiction": 2}
    assert model.config.problem_type == "single_label_classification"
    assert tuple(model.classifier.weight.shape) == (3, 16)
    assert same_body(model, tiny_bert(seed=3))
    assert label_order(model.config, NLI) == []
    assert "head" not in capsys.readouterr().err


def test_the_same_seed_gives_the_same_head_whatever_was_drawn_before(pretrained):
    first = classifier(pretrained, seed=7)
    torch.rand(5)
    assert same_head(first, classifier(pretrained, seed=7))
    assert not same_head(first, classifier(pretrained, seed=8))


def test_a_head_for_the_same_labels_is_kept(finetuned):
    stored = load_file(finetuned / "model.safetensors")
    model = classifier(finetuned, seed=5)
    assert all(torch.equal(tensor, stored[name]) for name, tensor in model.state_dict().items())
    assert label_order(model.config, NLI) == []


def permuted(finetuned: Path, folder: Path) -> Path:
    """The same model with its outputs in another order, and other spellings of their names."""
    model, order = classifier(finetuned), [2, 0, 1]  # contradiction first, as roberta-large-mnli has it
    with torch.no_grad():
        model.classifier.weight.copy_(model.classifier.weight[order].clone())
        model.classifier.bias.copy_(model.classifier.bias[order].clone())
    return rewritten(saved(model, folder), **labels("CONTRADICTION", "Entailment", "neutral"))


def test_a_head_in_another_order_gives_the_same_loss_figures_and_gradient(finetuned, tmp_path, capsys):
    collator, random, found = LabelledCollator(pad_token_id=0), np.random.default_rng(0), []
    rows = [
        {"input_ids": np.array([2, *random.integers(5, 64, length), 3]), "second": 3, "label": float(length % 3)}
        for length in range(4, 28)
    ]
    batch = collator(rows)
    for folder in (finetuned, permuted(finetuned, tmp_path / "permuted")):
        model = classifier(folder).eval()
        objective = Labelling(
            names=NLI, scores=["accuracy", "f1_macro"], validation={"validation": len(rows)}, train_labels=np.zeros(1),
            order=label_order(model.config, NLI),
        )  # fmt: skip
        loss = objective.sums(model, batch)["label"]
        loss.backward()
        tallied = {name: value.detach().double().numpy() for name, value in objective.tally(model, batch).items()}
        body = torch.cat([weight.grad.flatten() for weight in model.base_model.parameters()])
        found.append((objective.order, float(loss.detach()), objective.metrics(tallied), body))
    (plain, loss, figures, body), (order, other_loss, other_figures, other_body) = found
    assert (plain, order) == ([], [1, 2, 0])
    assert other_loss == pytest.approx(loss, rel=1e-6)
    assert other_figures == pytest.approx(figures, rel=1e-6)
    torch.testing.assert_close(other_body, body, atol=1e-5, rtol=1e-5)
    assert "labels by name: the checkpoint's head has CONTRADICTION, Entailment, neutral" in capsys.readouterr().err


def test_labels_that_differ_by_their_case_alone_are_two_labels(pretrained, tmp_path):
    names = ["N", "n", "o-n"]
    model = classifier(pretrained, names=names, seed=1)
    assert label_order(model.config, names) == []
    again = classifier(saved(model, tmp_path / "saved"), names=["n", "o-n", "N"])
    assert same_head(again, model)
    assert label_order(again.config, ["n", "o-n", "N"]) == [1, 2, 0]


def test_outputs_of_other_names_have_no_order(pretrained):
    with pytest.raises(ValueError, match="outputs are entailment, neutral, contradiction, not a, b, c"):
        label_order(classifier(pretrained).config, ["a", "b", "c"])


def test_a_head_that_names_nothing_is_taken_as_in_the_order_of_the_task(finetuned, capsys):
    rewritten(finetuned, **labels("LABEL_0", "LABEL_1", "LABEL_2"))
    model = classifier(finetuned)
    stored = load_file(finetuned / "model.safetensors")
    assert torch.equal(model.classifier.weight, stored["classifier.weight"])
    assert model.config.id2label == {0: "entailment", 1: "neutral", 2: "contradiction"}
    assert "does not name its outputs; taken as entailment, neutral, contradiction" in capsys.readouterr().err


def test_head_labels_name_the_outputs_of_a_head_that_does_not(finetuned):
    rewritten(finetuned, **labels("LABEL_0", "LABEL_1", "LABEL_2"))
    model = classifier(finetuned, head_labels=["contradiction", "entailment", "neutral"])
    stored = load_file(finetuned / "model.safetensors")
    assert torch.equal(model.classifier.weight, stored["classifier.weight"])
    assert label_order(model.config, NLI) == [1, 2, 0]
    assert model.config.id2label == {0: "contradiction", 1: "entailment", 2: "neutral"}


@pytest.mark.parametrize(
    ("given", "names", "message"),
    [
        (["yes", "no"], NLI, "the checkpoint has a head of 3 outputs, 2 names are given"),
        (["yes", "no", "maybe"], NLI, "must be entailment, neutral, contradiction in the head's order"),
        (["entailment"] * 3, NLI, "must be entailment, neutral, contradiction in the head's order"),
        (["value"], [], "a regression needs no name"),
    ],
)
def test_head_labels_that_are_not_the_tasks_are_refused(finetuned, given, names, message):
    with pytest.raises(ConfigError, match=message):
        classifier(finetuned, names=names, head_labels=given)


def test_head_labels_without_a_head_are_refused(pretrained):
    with pytest.raises(ConfigError, match="the checkpoint has no head, 3 names are given; leave them out"):
        classifier(pretrained, head_labels=NLI)


@pytest.mark.parametrize(
    "names",
    [["good", "fair", "bad"], ["no", "yes"], ["a", "b", "c", "d"], []],
    ids=["as many", "fewer", "more", "regression"],
)
def test_a_head_for_other_labels_is_drawn_anew_and_the_body_stays(finetuned, names, capsys):
    stored = load_file(finetuned / "model.safetensors")
    model = classifier(finetuned, names=names, seed=4)
    assert tuple(model.classifier.weight.shape) == (max(len(names), 1), 16)
    assert float(model.classifier.weight.detach().abs().max()) < 0.2  # of a deviation of 0.02; the checkpoint's is 2
    assert model.classifier.bias.tolist() == [0.0] * max(len(names), 1)
    assert all(torch.equal(tensor, stored[f"bert.{name}"]) for name, tensor in model.bert.state_dict().items())
    wanted = ", ".join(names or ["one value"])
    assert f"a new head for {wanted}: the checkpoint's is for entailment, neutral, contradiction" in (
        capsys.readouterr().err
    )
    assert same_head(model, classifier(finetuned, names=names, seed=4))


@pytest.mark.parametrize("kind", ENCODERS | DECODERS)
def test_every_architectures_output_layer_is_drawn_anew_and_nothing_else(kind, tmp_path):
    saved(tiny(kind, (ENCODERS | DECODERS)[kind]), tmp_path / kind)
    rewritten(tmp_path / kind, **labels("good", "fair", "bad"))
    stored, model = load_file(tmp_path / kind / "model.safetensors"), classifier(tmp_path / kind)
    body = f"{model.base_model_prefix}."
    found = {name: weight for name, weight in model.state_dict().items() if name in stored}
    same = {name for name, weight in found.items() if torch.equal(weight, stored[name].float())}
    last = {name for name, weight in found.items() if weight.dim() == 2 and len(weight) == 3 and body not in f"{name}"}
    others = {name for name in stored if name.rpartition(".")[0] not in {name.rpartition(".")[0] for name in last}}
    assert last, "it has one output a label"
    assert others <= same
    assert not last & same
    again = classifier(tmp_path / kind)
    assert all(torch.equal(weight, again.state_dict()[name]) for name, weight in model.state_dict().items())


def test_unnamed_outputs_of_another_number_are_no_head_for_the_task(finetuned):
    rewritten(finetuned, **labels("LABEL_0", "LABEL_1", "LABEL_2"))
    model = classifier(finetuned, names=["no", "yes"])
    assert model.config.id2label == {0: "no", 1: "yes"}


def test_a_regression_has_one_output_that_a_regression_keeps(pretrained, tmp_path):
    model = classifier(pretrained, names=[], seed=1)
    assert (model.config.problem_type, model.config.num_labels) == ("regression", 1)
    assert tuple(model.classifier.weight.shape) == (1, 16)
    again = classifier(saved(model, tmp_path / "regression"), names=[])
    assert same_head(again, model)
    assert label_order(again.config, []) == []
    assert tuple(classifier(tmp_path / "regression").classifier.weight.shape) == (3, 16)  # for labels a new one


def test_from_scratch_leaves_all_weights(finetuned):
    stored = load_file(finetuned / "model.safetensors")
    model = classifier(finetuned, from_scratch=True)
    matrices = {name: tensor for name, tensor in model.state_dict().items() if tensor.dim() == 2}
    assert not any(torch.equal(tensor, stored[name]) for name, tensor in matrices.items())
    assert model.config.num_labels == 3


def test_a_new_architecture_has_the_tokenizers_vocabulary():
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    model = classifier(None, architecture="bert", config=sizes)
    assert (model.config.vocab_size, model.config.pad_token_id, model.config.num_labels) == (64, 0, 3)


def test_exactly_one_of_name_and_architecture_is_given(pretrained):
    with pytest.raises(ConfigError, match=re.escape("give either model.name")):
        classifier(None)
    with pytest.raises(ConfigError, match=re.escape("give either model.name")):
        classifier(pretrained, architecture="bert")


def without(folder: Path, lost: str) -> Path:
    file = folder / "model.safetensors"
    save_file({name: tensor for name, tensor in load_file(file).items() if name != lost}, file, {"format": "pt"})
    return folder


def test_a_checkpoint_that_lacks_a_weight_of_the_body_is_refused(pretrained, finetuned, tmp_path):
    lost = "bert.encoder.layer.0.output.dense.weight"
    for folder in (shutil.copytree(pretrained, tmp_path / "copy"), finetuned):
        with pytest.raises(ConfigError, match=f"lacks {re.escape(lost)} in this shape; its files are cut short"):
            classifier(without(folder, lost), names=["no", "yes"])


def test_a_kept_head_that_lacks_a_weight_is_refused(finetuned):
    without(finetuned, "classifier.weight")
    with pytest.raises(ConfigError, match=re.escape("lacks classifier.weight in this shape; its files are cut short")):
        classifier(finetuned)
    assert classifier(finetuned, names=["no", "yes"]).config.num_labels == 2  # a new head needs none


def test_half_precision_becomes_single(tmp_path):
    folder = saved(tiny_bert().half(), tmp_path / "half")
    for from_scratch in (False, True):
        model = classifier(folder, from_scratch=from_scratch)
        assert {weight.dtype for weight in model.parameters()} == {torch.float32}


def test_without_weights_there_are_shapes_only_and_nothing_is_said(finetuned, tmp_path, capsys):
    with weightless(str(tmp_path)):
        assert weightless_folder()
        model = classifier(finetuned, names=["no", "yes"])
    assert all(weight.is_meta for weight in model.parameters())
    assert tuple(model.classifier.weight.shape) == (2, 16)
    assert capsys.readouterr().err == ""


def test_a_tokenizer_without_padding_pads_with_its_end_of_text(pretrained):
    tokenizer = make_tokenizer()
    tokenizer.pad_token, tokenizer.eos_token = None, "[SEP]"
    assert tokenizer.pad_token_id is None
    classifier(pretrained, tokenizer=tokenizer)
    assert tokenizer.pad_token_id == 3
    sizes = {"n_embd": 16, "n_layer": 1, "n_head": 2, "n_positions": 32}
    gpt2 = classifier(None, tokenizer=tokenizer, architecture="gpt2", config=sizes)
    assert gpt2.config.pad_token_id == 3


def test_a_tokenizer_with_nothing_to_pad_with_is_refused(pretrained):
    tokenizer = make_tokenizer()
    tokenizer.pad_token = None
    with pytest.raises(ConfigError, match="neither a padding token nor an end-of-text token"):
        classifier(pretrained, tokenizer=tokenizer)


def test_segments_are_told_apart_where_the_model_has_two():
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    assert has_segments(classifier(None, architecture="bert", config=sizes).config)
    assert not has_segments(classifier(None, architecture="roberta", config=sizes | {"type_vocab_size": 1}).config)
    small = {"dim": 16, "n_layers": 1, "n_heads": 2, "hidden_dim": 32}
    assert not has_segments(classifier(None, architecture="distilbert", config=small).config)


def test_other_sizes_than_those_of_the_weights_are_refused(pretrained, tokenizer):
    with pytest.raises(ConfigError, match="in this shape; its files are cut short, or"):
        load_classifier(
            names=["a", "b"], tokenizer=tokenizer, sequence_length=8, name=str(pretrained),
            config={"intermediate_size": 48},
        )  # fmt: skip
