import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from t5_tiny import Texts, make_t5, make_t5_tokenizer

from genai_hf.collators.span_corruption import IGNORE, SpanCorruptionCollator
from genai_hf.objectives.language import LanguageModelling, TextTally

COLLATOR = SpanCorruptionCollator(tokenizer=make_t5_tokenizer(), inputs_length=64)


def objective(head_on_labels: bool = True) -> LanguageModelling:
    text = TextTally(np.arange(len(make_t5_tokenizer())), special=COLLATOR.special)
    return LanguageModelling(text=text, term="text_to_text", head_on_labels=head_on_labels)


def batch_of(*lengths: int) -> dict[str, torch.Tensor]:
    data = Texts(len(lengths), lengths)
    return COLLATOR([data[number] for number in range(len(lengths))])


@pytest.mark.parametrize("version", ["1.0", "1.1"])
@pytest.mark.parametrize("head_on_labels", [True, False])
def test_the_loss_is_the_models_own_times_its_targets(version: str, head_on_labels: bool) -> None:
    model, batch = make_t5(version, torch.float64), batch_of(16, 40, 3)
    own = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], labels=batch["labels"])
    asked = objective(head_on_labels)
    assert int(asked.count(batch)["text_to_text"]) == int((batch["labels"] != IGNORE).sum())
    total = asked.sums(model, batch)["text_to_text"] / asked.count(batch)["text_to_text"]
    assert float(total.detach()) == pytest.approx(float(own.loss.detach()), rel=1e-12)


def test_figures_are_of_text_alone() -> None:
    model, batch = make_t5(), batch_of(16, 40, 3)
    totals = objective().tally(model, batch)
    labels = batch["labels"]
    is_text = (labels != IGNORE) & ~torch.isin(labels, torch.tensor(COLLATOR.special))
    assert int(totals["targets"]) == int(is_text.sum()) == 2 + 6 + 1
    with torch.no_grad():
        logits = model(**{name: batch[name] for name in ("input_ids", "attention_mask", "decoder_input_ids")}).logits
    losses = F.cross_entropy(logits[is_text], labels[is_text], reduction="sum")
    assert float(totals["loss"].detach()) == pytest.approx(float(losses), rel=1e-5)
    figures = objective().metrics({name: float(value.detach()) for name, value in totals.items()})
    assert figures["loss"] == pytest.approx(float(losses) / 9, rel=1e-5)
    assert list(figures)[2] == "token_accuracy"


def test_rows_without_a_target_give_no_loss_and_no_gradient() -> None:
    model, batch = make_t5(), batch_of(1, 0)
    total = objective().sums(model, batch)["text_to_text"]
    total.backward()
    assert float(total.detach()) == 0
    assert all(float(weight.grad.abs().sum()) == 0 for weight in model.parameters() if weight.grad is not None)
