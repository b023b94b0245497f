"""Both of BERT's losses, by hand, and however a step is cut up."""

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertForPreTraining

from genai_hf.collators.masking import MaskedLMCollator
from genai_hf.collators.next_sentence import NextSentenceCollator
from genai_hf.objectives.language import TextTally
from genai_hf.objectives.next_sentence import MaskedLMAndNextSentence


@pytest.fixture
def batch(tokenizer):
    random = np.random.default_rng(0)
    rows = []
    for number in range(6):
        first, second = (random.integers(5, 64, length).tolist() for length in (4 + number, 6))
        ids = np.array([2, *first, 3, *second, 3])
        rows.append({"input_ids": ids, "second": len(first) + 2, "is_random": bool(number % 3 == 0), "is_drawn": True,
                     "example_id": number, "epoch": 0})  # fmt: skip
    return NextSentenceCollator(masking=MaskedLMCollator(tokenizer=tokenizer))(rows)


@pytest.fixture
def model():
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    return BertForPreTraining(BertConfig(vocab_size=64, max_position_embeddings=32, **sizes)).double().eval()


@pytest.mark.parametrize("head_on_labels", [True, False])
def test_the_two_sums_are_those_of_the_models_own_loss(batch, model, head_on_labels):
    objective = MaskedLMAndNextSentence(text=TextTally(np.arange(64)), head_on_labels=head_on_labels)
    inputs = {name: batch[name] for name in ("input_ids", "attention_mask", "token_type_ids", "labels")}
    own = model(**inputs, next_sentence_label=batch["next_sentence_labels"]).loss
    sums, counts = objective.sums(model, batch), objective.count(batch)
    assert counts == {"masked_lm": (batch["labels"] >= 0).sum(), "next_sentence": 6}
    assert sum(sums[term] / counts[term] for term in sums).item() == pytest.approx(own.item(), rel=1e-12)


@torch.no_grad()
def test_the_figures_of_an_evaluation(batch, model):
    objective = MaskedLMAndNextSentence(text=TextTally(np.arange(64)))
    totals = {name: float(value) for name, value in objective.tally(model, batch).items()}
    figures = objective.metrics(totals)
    assert figures["loss"] == pytest.approx(figures["masked_lm_loss"] + figures["next_sentence_loss"])
    assert figures["perplexity"] == pytest.approx(np.exp(figures["masked_lm_loss"]))
    assert figures["majority_next_sentence_accuracy"] == pytest.approx(4 / 6)
    outputs = model(**{name: batch[name] for name in ("input_ids", "attention_mask", "token_type_ids")})
    right = (outputs.seq_relationship_logits.argmax(-1) == batch["next_sentence_labels"]).double().mean()
    assert figures["next_sentence_accuracy"] == pytest.approx(right.item())
