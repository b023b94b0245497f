"""Answers of decoders: generated from prompts padded on the left as from each by itself, and scored by group too."""

from typing import Any

import numpy as np
import pytest
import torch
from instruct_tiny import make_decoder_tokenizer, make_gpt2, make_llama, random_rows

from genai_hf.collators.instruct import InstructCollator
from genai_hf.models import stop_at
from genai_hf.objectives.answering import Answering, Decoding, filler
from genai_hf.objectives.language import TextTally

TOKENIZER = make_decoder_tokenizer()
END = TOKENIZER.eos_token_id


def evaluation_rows(count: int) -> list[dict[str, Any]]:
    return [row | {"epoch": -1} for row in random_rows(count, seed=1)]


def objective(**settings: Any) -> Answering:
    given = {
        "tokenizer": TOKENIZER,
        "decoding": Decoding(max_new_tokens=5),
        "scores": ["rougeL", "exact_match_with_articles"],
        "references": [["the cat"], ["A"], ["a dog", "the dog"]],
        "majority": "the",
        "text": TextTally(np.ones(400, dtype=np.int64)),
    }
    return Answering(**given | settings)


@pytest.mark.parametrize("make", [make_gpt2, make_llama])
@pytest.mark.parametrize("room", [None, 64])
@torch.no_grad()
def test_greedy_answers_are_those_of_each_prompt_by_itself(make, room):
    model, rows = make().eval(), evaluation_rows(7)
    stop_at(model, END, END)
    batch = InstructCollator(pad_token_id=END, length=room or 0, packing=room is not None)(rows)
    found = Decoding(max_new_tokens=6)(model, batch, filler(TOKENIZER))
    assert found.shape == (7, 6)
    for row, answer in zip(rows, found.tolist(), strict=True):
        ids, said = row["input_ids"][: row["prompt"]].tolist(), list[int]()
        while len(said) < 6 and END not in said:
            said.append(int(model(input_ids=torch.tensor([ids + said])).logits[0, -1].argmax()))
        assert answer == said + [END] * (6 - len(said))


def test_a_tally_holds_answers_and_losses_of_responses_alone():
    model, rows = make_gpt2().eval(), evaluation_rows(3)
    stop_at(model, END, END)
    tallies = [
        objective().tally(model, InstructCollator(pad_token_id=END, length=room or 0, packing=room is not None)(rows))
        for room in (None, 64)
    ]
    for tally in tallies:
        assert tally["answers"].shape == (3, 5)
        assert int(tally["targets"]) == sum(len(row["input_ids"]) - row["prompt"] for row in rows)
    assert tallies[0]["loss"].item() == pytest.approx(tallies[1]["loss"].item(), rel=1e-6)
    assert torch.equal(tallies[0]["answers"], tallies[1]["answers"])


def test_groups_have_scores_of_their_own():
    said = ["the cat", "b", "dog"]
    ids = [TOKENIZER(text)["input_ids"] for text in said]
    answers = np.array([[*row, *[END] * (9 - len(row))] for row in ids], dtype=float)
    sums = {"targets": 1.0, "loss": 1.0, "correct": 0.0, "unigram_loss": 1.0, "commonest": 0.0}
    figures = objective(groups=["Yes No", "B", "B"]).metrics({"answers": answers} | sums)
    assert next(iter(figures)) == "rougeL"
    assert figures["rougeL_of_yes_no"] == figures["exact_match_with_articles_of_yes_no"] == 1.0
    assert figures["rougeL_of_b"] == pytest.approx(2 / 3 / 2)  # "dog" of "a dog"; the letter b is not A
    assert figures["exact_match_with_articles_of_b"] == 0.0
    assert figures["rougeL"] == pytest.approx((1 + 2 / 3) / 3)
    assert not any("_of_" in name for name in objective().metrics({"answers": answers} | sums))


def test_a_model_stops_where_it_was_taught_to_beside_where_it_did():
    model = make_gpt2()
    stop_at(model, 7, 7)
    assert (model.generation_config.eos_token_id, model.generation_config.pad_token_id) == (7, 7)
    model.generation_config.pad_token_id = 3
    stop_at(model, 9, 9)
    assert (model.generation_config.eos_token_id, model.generation_config.pad_token_id) == ([9, 7], 3)
    stop_at(model, 7, 9)
    assert model.generation_config.eos_token_id == [7, 9]
