"""The two terms of GPT's fine-tuning, against hand-written ones, on every kind of decoder."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from extract_parts import DECODERS, GPT1, batch_of, objective, with_head
from torch import nn
from transformers import OpenAIGPTModel

from genai_hf.models.extract import NAME
from genai_hf.objectives.extract import by_choice

TEXTS = [[64, 5, 6, 65, 7, 66], [64, 8, 65, 9, 66], [64, 10, 11, 12, 13, 65, 14, 15, 66]]
EVERY_DECODER = pytest.mark.parametrize("kind", DECODERS)
KINDS = pytest.mark.parametrize("transformation", ["classification", "similarity", "multiple_choice"])


def value(tensor):
    return float(tensor.detach())


def outputs(model, batch, transformation="classification", names=3):
    return objective(transformation, names=names).tally(model.eval(), batch)["outputs"].detach()


def test_the_logits_are_those_of_the_original_model_with_a_hand_written_head():
    model = with_head("openai-gpt", "classification", names=3).eval()
    trunk = OpenAIGPTModel(GPT1).double().eval()
    trunk.load_state_dict(model.transformer.state_dict())
    weight, bias = (model.get_parameter(f"{NAME}.linear.{name}").detach() for name in ("weight", "bias"))
    expected, words = [], []
    for text in TEXTS:
        states = trunk(torch.tensor([text])).last_hidden_state[0]
        expected.append(states[-1] @ weight.T + bias)
        words.append(F.cross_entropy(states[:-1] @ trunk.tokens_embed.weight.T, torch.tensor(text[1:])))
    batch = batch_of([[text] for text in TEXTS], labels=[0, 2, 1])
    assert torch.allclose(outputs(model, batch), torch.stack(expected).float(), atol=1e-6)
    sums = objective("classification", names=3).sums(model, batch)
    assert value(sums["language_model"]) == pytest.approx(value(torch.stack(words).sum()), rel=1e-9)
    right = F.cross_entropy(torch.stack(expected), torch.tensor([0, 2, 1]), reduction="sum")
    assert value(sums["label"]) == pytest.approx(value(right), rel=1e-9)


@EVERY_DECODER
@KINDS
def test_padding_on_the_right_changes_no_output_and_no_loss(kind, transformation):
    model = with_head(kind, transformation, names=3)
    rows = [[TEXTS[0], TEXTS[1]], [TEXTS[2], TEXTS[0]]] if transformation != "classification" else [[t] for t in TEXTS]
    labels = list(range(len(rows)))
    together = batch_of(rows, labels=labels)
    alone = [batch_of([row], labels=[label]) for row, label in zip(rows, labels, strict=True)]
    apart = torch.cat([outputs(model, batch, transformation) for batch in alone])
    assert torch.allclose(outputs(model, together, transformation), apart, atol=1e-6)
    wider = {key: F.pad(together[key], (0, 7), value=fill) for key, fill in (("input_ids", 66), ("attention_mask", 0))}
    width = together["input_ids"].shape[1]
    number = torch.div(together["extract_positions"], width, rounding_mode="floor")
    moved = together | wider | {"extract_positions": together["extract_positions"] + 7 * number}
    assert torch.allclose(outputs(model, moved, transformation), apart, atol=1e-6)
    parts = objective(transformation, names=3)
    sums = [parts.sums(model, batch) for batch in (together, moved)]
    for term in ("label", "language_model"):
        assert value(sums[0][term]) == pytest.approx(value(sums[1][term]), rel=1e-12)
        assert value(sums[0][term]) == pytest.approx(sum(value(parts.sums(model, b)[term]) for b in alone), rel=1e-9)


@EVERY_DECODER
def test_what_is_at_the_padded_places_is_of_no_account_and_a_text_may_hold_its_id(kind):
    model = with_head(kind, "classification", names=3)
    rows = [[[64, 0, 5, 0, 66]], [[64, 5, 66]]]  # 0 pads, and is a token of the first text, as with eos for padding
    batch = batch_of(rows, labels=[0, 1])
    other = batch | {"input_ids": torch.where(batch["attention_mask"] == 1, batch["input_ids"], 66)}
    assert torch.allclose(outputs(model, batch), outputs(model, other), atol=1e-6)
    parts = objective("classification", names=3)
    assert int(parts.count(batch)["language_model"]) == 2
    assert int(objective("classification", names=3, per="token").count(batch)["language_model"]) == 4 + 2
    assert value(parts.sums(model, batch)["language_model"]) == pytest.approx(
        value(parts.sums(model, other)["language_model"]), rel=1e-12
    )


def test_the_head_reads_where_the_row_ends_with_padding_on_the_left_too():
    model = with_head("llama", "classification", names=3)  # whose positions are relative
    batch = batch_of([[TEXTS[1]], [TEXTS[2]]], labels=[0, 1])
    turned = {
        "input_ids": torch.tensor([[0] * 4 + TEXTS[1], TEXTS[2]]),
        "attention_mask": torch.tensor([[0] * 4 + [1] * 5, [1] * 9]),
        "extract_positions": torch.tensor([8, 17]),
    }
    assert torch.allclose(outputs(model, batch), outputs(model, batch | turned), atol=1e-6)
    sums = [objective("classification", names=3).sums(model, each) for each in (batch, batch | turned)]
    assert value(sums[0]["language_model"]) == pytest.approx(value(sums[1]["language_model"]), rel=1e-6)


@EVERY_DECODER
def test_the_order_of_a_pair_is_of_no_account_to_similarity_and_is_to_entailment(kind):
    model = with_head(kind, "similarity", names=3)
    one, two = [64, 5, 6, 65, 7, 66], [64, 7, 65, 5, 6, 66]
    ahead, behind = (outputs(model, batch_of([row], labels=[0]), "similarity") for row in ([one, two], [two, one]))
    assert torch.allclose(ahead, behind, atol=1e-6)
    first, second = (outputs(model, batch_of([[row]], labels=[0]), "entailment") for row in (one, two))
    assert not torch.allclose(first, second, atol=1e-3)
    linear = model.get_submodule(f"{NAME}.linear")
    assert torch.allclose(ahead, first + second - linear.bias.detach().float(), atol=1e-6)  # the sum before the layer


@EVERY_DECODER
def test_choices_in_another_order_have_their_scores_in_that_order(kind):
    model = with_head(kind, "multiple_choice", names=4)
    order = [2, 0, 1]
    plain = outputs(model, batch_of([TEXTS], labels=[1]), "multiple_choice", names=4)
    other = outputs(model, batch_of([[TEXTS[place] for place in order]], labels=[2]), "multiple_choice", names=4)
    assert torch.allclose(other[:, :3], plain[:, order], atol=1e-6)
    assert plain[:, 3].tolist() == other[:, 3].tolist() == [-math.inf]
    losses = [
        objective("multiple_choice", names=4).sums(model, batch_of([texts], labels=[label]))["label"]
        for texts, label in ((TEXTS, 1), ([TEXTS[place] for place in order], 2))
    ]
    assert value(losses[0]) == pytest.approx(value(losses[1]), rel=1e-9)


def test_rows_may_offer_different_numbers_of_choices():
    scores = torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0], requires_grad=True)
    placed = by_choice(scores, torch.tensor([2, 3]), 3)
    assert placed.tolist() == [[1.0, 2.0, -math.inf], [3.0, 4.0, 5.0]]
    F.cross_entropy(placed, torch.tensor([1, 0]), reduction="sum").backward()
    shares = torch.cat([torch.tensor([1.0, 2.0]).softmax(0), torch.tensor([3.0, 4.0, 5.0]).softmax(0)])
    assert torch.allclose(scores.grad, shares - torch.tensor([0.0, 1.0, 1.0, 0.0, 0.0]))
    model = with_head("gpt2", "multiple_choice", names=3)
    ragged = batch_of([TEXTS[:2], TEXTS], labels=[1, 2])
    assert [torch.isfinite(row).sum().item() for row in outputs(model, ragged, "multiple_choice")] == [2, 3]
    sums = objective("multiple_choice", names=3).sums(model, ragged)
    assert all(torch.isfinite(term) for term in sums.values())
    sums["label"].backward()
    assert all(torch.isfinite(weight.grad).all() for weight in model.parameters() if weight.grad is not None)


class Fixed(nn.Module):
    """A decoder whose states and logits are given: logits are the states."""

    def __init__(self, states):
        super().__init__()
        self.base_model, self.head = Says(states), nn.Identity()
        self.extract_head = Sums()

    def get_output_embeddings(self):
        return self.head

    def get_decoder(self):
        return self.base_model

    def forward(self, **inputs):
        return Logits(self.head(self.base_model(**inputs)[0]))


class Says(nn.Module):
    def __init__(self, states):
        super().__init__()
        self.states = nn.Parameter(torch.tensor(states, dtype=torch.float64))

    def forward(self, **inputs):
        return (self.states,)


class Sums(nn.Module):
    def forward(self, states, sequences):
        return states


class Logits:
    def __init__(self, logits):
        self.logits = logits


@pytest.mark.parametrize(
    ("per", "count", "expected"),
    [
        # Two sequences, of three and of one predicted tokens, with the probabilities that stand below.
        ("sequence", 2, (math.log(2) + math.log(4) + math.log(4 / 3)) / 3 + math.log(3)),
        ("token", 4, math.log(2) + math.log(4) + math.log(4 / 3) + math.log(3)),
    ],
)
def test_the_loss_of_a_worked_example(per, count, expected):
    log3 = math.log(3.0)
    # Of a vocabulary of two; row 0 reads 0 1 0 1 with probabilities 1/2, 1/4, 3/4; row 1 reads 1 0 with 1/3.
    states = [[[0, 0], [0, log3], [0, log3], [0, 0]], [[0, math.log(2.0)], [0, 0], [9, 9], [9, 9]]]
    batch = {
        "input_ids": torch.tensor([[0, 1, 0, 1], [1, 0, 0, 0]]),
        "attention_mask": torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0]]),
        "extract_positions": torch.tensor([3, 5]),
        "sequences": torch.tensor([1, 1]),
        "labels": torch.tensor([0.0, 1.0]),
    }
    parts = objective("classification", names=2, per=per)
    sums = parts.sums(Fixed(states), batch)
    assert {name: int(number) for name, number in parts.count(batch).items()} == {"label": 2, "language_model": count}
    assert value(sums["label"]) == pytest.approx(2 * math.log(2), rel=1e-12)
    assert value(sums["language_model"]) == pytest.approx(expected, rel=1e-12)
    tallied = parts.tally(Fixed(states), batch)
    assert value(tallied["language_model"]) == pytest.approx(math.log(2) + math.log(4) + math.log(4 / 3) + math.log(3))
    assert int(tallied["tokens"]) == 4


def test_without_weight_there_is_no_language_model_term_and_no_row_of_its_head_is_computed():
    model = with_head("llama", "classification", names=3)  # its head is not tied
    seen = []
    handle = model.get_output_embeddings().register_forward_hook(lambda _, given, __: seen.append(given[0].shape[0]))
    batch = batch_of([[text] for text in TEXTS], labels=[0, 2, 1])
    both, alone = objective("classification", names=3), objective("classification", names=3, weight=0.0)
    assert both.weights == {"label": 1.0, "language_model": 0.5}
    assert alone.weights == {"label": 1.0}
    assert set(alone.count(batch)) == set(alone.sums(model, batch)) == {"label"}
    assert value(alone.sums(model, batch)["label"]) == value(both.sums(model, batch)["label"])
    assert seen == [0, 0, 5 + 4 + 8]
    handle.remove()
    alone.sums(model, batch)["label"].backward()
    assert all(weight.grad is not None for weight in model.parameters())  # or else DDP would wait for it
    assert model.get_output_embeddings().weight.grad.abs().sum() == 0
    assert set(alone.tally(model, batch)) == {"outputs", "labels"}


def test_a_regression_is_the_squared_error_of_one_output():
    model = with_head("gpt2", "similarity", names=0)
    batch = batch_of([TEXTS[:2], TEXTS[1:]], labels=[3.5, 0.25])
    said = outputs(model, batch, "similarity", names=0)
    assert said.shape == (2, 1)
    loss = objective("similarity", names=0).sums(model, batch)["label"]
    assert value(loss) == pytest.approx(value(((said[:, 0] - torch.tensor([3.5, 0.25])) ** 2).sum()), rel=1e-5)


def test_figures_are_those_of_labelling_and_the_loss_of_language_modelling():
    parts = objective("classification", names=3, validation={"validation": 2})
    totals = {"outputs": np.array([[2.0, 0, 0], [0, 0, 1.0]]), "labels": np.array([0.0, 1.0])}
    found = parts.metrics(totals | {"language_model": 12.0, "tokens": 8.0})
    assert (next(iter(found)), found["accuracy"], found["language_model_loss"]) == ("accuracy", 0.5, 1.5)
    assert found["majority_accuracy"] == 0.5
    alone = objective("classification", names=3, weight=0.0, validation={"validation": 2}).metrics(totals)
    assert alone == {key: number for key, number in found.items() if key != "language_model_loss"}


def test_rows_without_labels_are_answered():
    model = with_head("gpt2", "classification", names=3)
    assert "labels" not in objective("classification", names=3).tally(model, batch_of([[TEXTS[0]]]))


def test_a_model_with_another_number_of_outputs_and_a_negative_weight_are_refused():
    with pytest.raises(ValueError, match=r"the model's outputs are \(1, 3\), not \(1, 2\)"):
        objective("classification", names=2).tally(with_head("gpt2", "classification", names=3), batch_of([[TEXTS[0]]]))
    for weight in (-0.5, float("nan"), float("inf")):
        with pytest.raises(ValueError, match=f"weight must be at least 0 and finite, got {weight}"):
            objective("classification", weight=weight)


def test_dropout_drops_the_same_elements_in_all_choices_of_an_example():
    head = with_head("gpt2", "multiple_choice", names=3, dropout=0.5).train().get_submodule(NAME)
    head.linear.weight.data.fill_(1.0)
    torch.manual_seed(3)
    states = torch.ones(5, 16, dtype=torch.float64)
    said = head(states, torch.tensor([2, 3]))[:, 0]
    assert said[0] == said[1] != said[2]
    assert said[2] == said[3] == said[4]
