"""Both terms are exact: the same gradient, losses and scores however the batch is cut up."""

import pytest
import torch
from spanbert_script import launched, make_trainer
from test_trainer import relative
from training_script import curve, gradients

from genai_hf.losses import cross_entropy_sum


@pytest.mark.slow  # the same Trainer divides by two counts in the tests of extract, which run every time
def test_neither_accumulation_nor_ranks_change_the_gradient(tmp_path):
    full, full_loss = gradients(make_trainer(tmp_path, accumulation=1, dtype=torch.float64))
    assert sum(name.startswith("span_boundary.") for name in full) == 9
    assert all(float(tensor.norm()) > 0 for name, tensor in full.items() if "key.bias" not in name)
    for accumulation in (2, 4, 8):
        ours, loss = gradients(make_trainer(tmp_path, accumulation=accumulation, dtype=torch.float64))
        assert relative(ours, full) < 1e-10, accumulation
        assert loss == pytest.approx(full_loss, rel=1e-6)
    results = launched(tmp_path)
    for accumulation in ("1", "4"):
        flat = results[accumulation]["gradients"]
        ours = {name: torch.tensor(flat[name], dtype=torch.float64).view_as(full[name]) for name in full}
        assert relative(ours, full) < 1e-10, accumulation
        assert results[accumulation]["loss"] == pytest.approx(full_loss, rel=1e-6)
    alone, together = curve(make_trainer(tmp_path, accumulation=2, epochs=3)), results["curve"]
    assert len(alone["losses"]) == 12
    assert together["losses"] == pytest.approx(alone["losses"], rel=1e-5)
    assert together["evaluations"] == pytest.approx(alone["evaluations"], rel=1e-5)


def test_the_sums_are_those_of_the_formula(tmp_path):
    trainer = make_trainer(tmp_path, accumulation=1)
    batch, model = trainer.data_collator([trainer.train_dataset[0, index] for index in range(8)]), trainer.model.eval()
    with torch.no_grad():
        found = trainer.objective.sums(model, batch)
        plain = model(batch["input_ids"], batch["attention_mask"], output_hidden_states=True)
        place = (batch["span_left"], batch["span_right"], batch["span_places"])
        logits = model.get_output_embeddings()(model.span_boundary(plain.hidden_states[-1], *place))
    labels = batch["labels"].flatten()
    masked = cross_entropy_sum(plain.logits.flatten(0, 1), labels)
    torch.testing.assert_close(found["masked_lm"], masked)
    torch.testing.assert_close(found["span_boundary"], cross_entropy_sum(logits, labels[batch["span_positions"]]))
    counts = trainer.objective.count(batch)
    assert int(counts["masked_lm"]) == int((labels != -100).sum()) > int(counts["span_boundary"]) > 0


def test_the_evaluation_scores_masked_language_modelling_first_and_then_spans(tmp_path):
    trainer = make_trainer(tmp_path, accumulation=1)
    figures = trainer.evaluate()
    assert [name.removeprefix("eval_") for name in figures] == [
        "loss",
        "perplexity",
        "token_accuracy",
        "unigram_loss",
        "unigram_perplexity",
        "commonest_accuracy",
        "span_boundary_loss",
        "span_boundary_accuracy",
    ]
    small = make_trainer(tmp_path, accumulation=1, per_device_eval_batch_size=3).evaluate()
    assert small == pytest.approx(figures, rel=1e-5)
    batch = trainer.data_collator(list(trainer.eval_dataset))
    with torch.no_grad():
        sums, counts = trainer.objective.sums(trainer.model, batch), trainer.objective.count(batch)
    for term, name in (("masked_lm", "eval_loss"), ("span_boundary", "eval_span_boundary_loss")):
        assert float(sums[term] / counts[term]) == pytest.approx(figures[name], rel=1e-5)


def test_a_weight_below_zero_is_refused(tmp_path):
    objective = make_trainer(tmp_path, accumulation=1).objective
    with pytest.raises(ValueError, match="span_boundary must be at least 0, got -1"):
        type(objective)(text=objective.text, span_boundary=-1)
