"""A step that would spoil the weights is not taken, and the message says where it went wrong."""

import json
import math

import pytest
import torch
import transformers
from training_script import BAD, launched, make_trainer, poison

from genai_hf.errors import NotANumberError


class Spoil(transformers.TrainerCallback):
    """Makes something not a number just before the second step."""

    def __init__(self, spoil):
        self.spoil = spoil

    def on_step_begin(self, args, state, control, model=None, **kwargs):
        if state.global_step == 1:
            self.spoil(model)


def weight(model):
    with torch.no_grad():
        model.bert.encoder.layer[0].output.dense.weight[0, 0] = math.nan


def gradient(model):
    model.bert.encoder.layer[0].attention.self.key.weight.register_hook(lambda grad: grad * math.inf)


def loss(model):
    model.cls.register_forward_hook(lambda module, inputs, logits: logits / 0.0)


def weights(trainer):
    return {name: tensor.clone() for name, tensor in trainer.model.state_dict().items()}


@pytest.mark.parametrize(
    ("spoil", "where"),
    [
        (weight, r"bert\.encoder\.layer\.0\.output\.dense"),
        (gradient, r"the gradient of bert\.encoder\.layer\.0\.attention\.self\.key\.weight"),
        (loss, "cls"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
@pytest.mark.parametrize("accumulation", [1, 2])
def test_training_stops_before_the_step_that_is_not_a_number(tmp_path, tokenizer, spoil, where, accumulation):
    trainer = make_trainer(tmp_path, tokenizer, accumulation=accumulation, steps=4, save=1)
    trainer.add_callback(Spoil(spoil))
    with pytest.raises(
        NotANumberError, match=rf"the gradient of step 2 is not a number; rank 0: first in {where}, exam"
    ):
        trainer.train()
    assert trainer.state.global_step == 1
    assert [file.name for file in tmp_path.glob("checkpoint-*")] == ["checkpoint-1"]
    saved = transformers.BertForMaskedLM.from_pretrained(tmp_path / "checkpoint-1")
    assert all(tensor.isfinite().all() for tensor in saved.state_dict().values())


def test_the_examples_are_named_in_whose_rows_it_is(tmp_path, tokenizer):
    trainer = make_trainer(tmp_path, tokenizer, accumulation=2, steps=8)
    poison(trainer)
    with pytest.raises(NotANumberError, match=rf"first in bert\.embeddings, examples {BAD};"):
        trainer.train()


def test_a_skipped_step_changes_neither_weights_nor_optimizer(tmp_path, tokenizer, capsys):
    trainer = make_trainer(tmp_path, tokenizer, accumulation=1, steps=3, save=3)
    trainer.on_nan = "skip"
    seen = []

    class Around(transformers.TrainerCallback):
        def on_step_begin(self, args, state, control, model=None, **kwargs):
            if state.global_step == 1:
                self.handle = model.cls.register_forward_hook(lambda module, inputs, logits: logits * math.nan)

        def on_step_end(self, args, state, control, model=None, optimizer=None, **kwargs):
            moments = [value["exp_avg"].clone() for value in optimizer.state_dict()["state"].values()]
            seen.append([*(tensor.clone() for tensor in model.state_dict().values()), *moments])
            if state.global_step == 2:
                self.handle.remove()

    trainer.add_callback(Around())
    trainer.train()
    first, second, third = seen
    assert all(torch.equal(before, after) for before, after in zip(first, second, strict=True))
    assert not all(torch.equal(before, after) for before, after in zip(second, third, strict=True))
    assert "step 2 is not a number; rank 0: first in cls, examples " in capsys.readouterr().err
    logged = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    assert len(logged) == 2  # the step that was left out has no loss
    assert all(math.isfinite(value) for value in logged)
    state = (tmp_path / "checkpoint-3" / "trainer_state.json").read_text()
    json.loads(state, parse_constant=pytest.fail)


def test_only_so_many_steps_are_skipped(tmp_path, tokenizer):
    trainer = make_trainer(tmp_path, tokenizer, accumulation=1, steps=9)
    trainer.on_nan, trainer.max_skipped = "skip", 2
    loss(trainer.model)
    with pytest.raises(NotANumberError, match=r"step 3 .* after 2 skipped ones"):
        trainer.train()


def test_a_loss_that_is_not_a_number_is_null_in_what_is_saved(tmp_path, tokenizer):
    trainer = make_trainer(tmp_path, tokenizer, accumulation=1, steps=1, save=1)
    trainer.log({"eval_loss": math.inf, "eval_accuracy": 0.5})
    assert trainer.state.log_history[-1] == {"eval_loss": None, "eval_accuracy": 0.5, "step": 0, "epoch": 0}


def test_without_clipping_it_is_noticed_too(tmp_path, tokenizer):
    trainer = make_trainer(tmp_path, tokenizer, accumulation=1, steps=4)
    trainer.args.max_grad_norm = 0.0
    trainer.add_callback(Spoil(loss))
    with pytest.raises(NotANumberError, match="step 2"):
        trainer.train()


@pytest.mark.slow  # two ranks
def test_the_rank_is_named_whose_example_it_is(tmp_path, tokenizer):
    (found,) = launched(tmp_path, 2, "spoiled", "1")
    order = make_trainer(tmp_path / "order", tokenizer, accumulation=1).get_train_dataloader().batch_sampler.order()
    place = int((order == BAD).nonzero()[0][0])
    step, rank = place // 16 + 1, place % 16 // 8
    said = f"the gradient of step {step} is not a number; rank {rank}: first in bert.embeddings, examples {BAD};"
    assert found["message"].startswith(said)


def test_an_overflow_in_half_precision_is_left_to_the_scaler_but_a_loss_is_not(tmp_path, tokenizer, monkeypatch):
    trainer = make_trainer(tmp_path, tokenizer, accumulation=1)
    trainer.accelerator.scaler = torch.amp.GradScaler("cpu")
    stopped = []
    monkeypatch.setattr(trainer._guard, "refuse", lambda trainer, model, most: stopped.append(most))
    trainer._guard.loss_before, trainer._globalstep_last_logged = torch.tensor(0.0), 0
    for value, stops in [(1.0, 0), (math.nan, 1)]:
        trainer._tr_loss = torch.tensor(value)
        assert trainer._get_grad_norm(trainer.model, torch.tensor(math.inf)) is None
        assert len(stopped) == stops
