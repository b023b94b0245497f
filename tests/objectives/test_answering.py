"""What answers are trained for, how they are generated, and how they are scored."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import make_tokenizer

sys.path.insert(0, str(Path(__file__).parents[1] / "training"))
from answering_script import AnswerRows, tiny_t5

from genai_hf.collators.text_to_text import TextToTextCollator
from genai_hf.objectives.answering import Answering, Decoding
from genai_hf.objectives.language import TextTally


def objective(**settings: Any) -> Answering:
    given = {
        "tokenizer": make_tokenizer(),
        "decoding": Decoding(max_new_tokens=6),
        "scores": ["exact_match", "f1"],
        "references": [["w1 w2"], ["w3", "w4 w5"]],
        "majority": "w3",
        "text": TextTally(np.ones(64, dtype=np.int64), special=make_tokenizer().all_special_ids),
    }
    return Answering(**given | settings)


def batch(size: int = 5) -> dict[str, torch.Tensor]:
    rows = AnswerRows(size)
    return TextToTextCollator(pad_token_id=0, decoder_start_token_id=0)([rows[number] for number in range(size)])


@torch.no_grad()
def test_the_loss_is_the_models_own_times_its_targets():
    model, some = tiny_t5(torch.float64), batch()
    own = model(input_ids=some["input_ids"], attention_mask=some["attention_mask"], labels=some["labels"]).loss
    count = objective().count(some)["answer"]
    assert int(count) == int((some["labels"] != -100).sum())
    for head_on_labels in (True, False):
        ours = objective(head_on_labels=head_on_labels).sums(model, some)["answer"]
        assert float(ours) == pytest.approx(float(own * count), rel=1e-12)


def argmax_answer(model: Any, ids: torch.Tensor, attention: torch.Tensor, length: int) -> list[int]:
    """Greedy decoding of one row, step by step and without a cache."""
    said = [0]
    while len(said) <= length:
        logits = model(input_ids=ids, attention_mask=attention, decoder_input_ids=torch.tensor([said])).logits
        said.append(int(logits[0, -1].argmax()))
        if said[-1] == 3:
            break
    return said[1:] + [0] * (length + 1 - len(said))


@torch.no_grad()
def test_greedy_answers_are_the_most_probable_tokens_one_after_another():
    model, some = tiny_t5(torch.float64, initializer_factor=2.0).eval(), batch()
    found = Decoding(max_new_tokens=7)(model, some, 0)
    assert found.shape == (5, 7)
    expected = [
        argmax_answer(model, some["input_ids"][row : row + 1], some["attention_mask"][row : row + 1], 7)
        for row in range(5)
    ]
    assert found.tolist() == expected


@pytest.mark.parametrize("beams", [1, 3])
def test_what_a_checkpoint_says_of_length_and_repetition_decides_nothing(beams):
    model, some = tiny_t5(torch.float64, initializer_factor=2.0).eval(), batch(8)
    decoding = Decoding(beams=beams, max_new_tokens=7)
    before = decoding(model, some, 0)
    said = {"min_length": 7, "no_repeat_ngram_size": 1, "repetition_penalty": 9.0, "early_stopping": True}
    model.generation_config.update(**said, length_penalty=-4.0)
    inputs = {name: some[name] for name in ("input_ids", "attention_mask")}
    theirs = model.generate(**inputs, num_beams=beams, max_new_tokens=7, do_sample=False)
    assert not torch.equal(theirs[:, 1:], before)
    assert torch.equal(decoding(model, some, 0), before)
    assert model.generation_config.min_length == 7  # the checkpoint keeps its own


@torch.no_grad()
def test_beams_find_an_answer_at_least_as_probable():
    model, some = tiny_t5(torch.float64, initializer_factor=2.0).eval(), batch(8)

    def probability(answers: torch.Tensor) -> torch.Tensor:
        start = torch.zeros(len(answers), 1, dtype=torch.long)
        logits = model(input_ids=some["input_ids"], attention_mask=some["attention_mask"],
                       decoder_input_ids=torch.cat([start, answers[:, :-1]], 1)).logits  # fmt: skip
        each = logits.log_softmax(-1).gather(-1, answers[..., None])[..., 0]
        return each.masked_fill(answers == 0, 0.0).sum(1)

    # Of equal lengths, so that no penalty of length decides: the end token can hardly come.
    model.lm_head.weight[3] = 0.0
    greedy, beams = Decoding(max_new_tokens=4)(model, some, 0), Decoding(beams=4, max_new_tokens=4)(model, some, 0)
    assert greedy.shape == beams.shape == (8, 4)
    assert (probability(beams) >= probability(greedy) - 1e-9).all()
    assert float((probability(beams) - probability(greedy)).max()) > 0.01


def test_figures_are_scores_first_then_the_yardsticks_then_the_losses():
    answers = np.array([[6, 7, 3, 0], [5, 3, 0, 0]], dtype=float)  # w1 w2, w0
    sums = {"targets": 4.0, "loss": 8.0, "correct": 1.0, "unigram_loss": 12.0, "commonest": 2.0}
    figures = objective().metrics({"answers": answers} | sums)
    assert list(figures)[:5] == ["exact_match", "f1", "majority_exact_match", "majority_f1", "loss"]
    assert (figures["exact_match"], figures["majority_exact_match"], figures["loss"]) == (0.5, 0.5, 2.0)
    assert figures["token_accuracy"] == 0.25
    other = objective().figures({"answers": answers} | sums, [["w1"], ["w0"]])
    assert (other["exact_match"], other["f1"]) == (0.5, pytest.approx((2 / 3 + 1) / 2))


def test_special_tokens_are_no_part_of_an_answer_and_no_target_of_the_loss():
    some, model = batch(), tiny_t5(torch.float64)
    found = objective().tally(model, some)
    assert found["answers"].shape == (5, 6)
    assert int(found["targets"]) == len(some["label_positions"]) - 5  # the end token of each
    assert objective().texts(np.array([[2, 6, 3, 0, 0]], dtype=float)) == ["w1"]


@pytest.mark.parametrize(("settings", "said"), [({"beams": 0}, "beams"), ({"max_new_tokens": 0}, "max_new_tokens")])
def test_a_decoding_without_beams_or_tokens_is_refused(settings, said):
    with pytest.raises(ValueError, match=f"{said} must be at least 1, got 0"):
        Decoding(**settings)


def test_an_unknown_score_is_refused():
    with pytest.raises(ValueError, match="scores must be different ones of"):
        objective(scores=["bleu"])
