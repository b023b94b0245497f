"""What a checkpoint still owes when a process ends in an evaluation, and what becomes of the best one."""

import json
import math
import shutil
import signal

import pytest
from test_resume import MIDDLE, STEPS, limited
from training_script import make_trainer, saved
from transformers import TrainerCallback

from genai_hf.errors import Interrupted, NoRoomError, UserError
from genai_hf.training import checkpoints, out_of_memory, replay
from genai_hf.training.run import _place_in_data, _train
from genai_hf.training.signals import StopOnSignal
from genai_hf.training.state import place

EPOCH = 4  # steps of accumulation 2
BEST = {"load_best_model_at_end": True, "metric_for_best_model": "eval_loss", "greater_is_better": True}


class StopAt(TrainerCallback):
    """Saves and stops after a step, as a signal does."""

    def __init__(self, step):
        self.step = step

    def on_step_end(self, args, state, control, **kwargs):
        if state.global_step == self.step:
            control.should_save = control.should_training_stop = True


def evaluations(trainer):
    return {entry["step"]: entry["eval_loss"] for entry in trainer.state.log_history if "eval_loss" in entry}


def ended_in_evaluation(trainer, monkeypatch, error):
    """Train until the process ends in its first evaluation."""
    monkeypatch.setattr(trainer, "evaluate", lambda **given: (_ for _ in ()).throw(error))
    with pytest.raises((type(error), NoRoomError)) as caught:
        trainer.train()
    return caught


def test_an_evaluation_at_an_epochs_end_in_which_the_process_ended_is_made_up_for(tmp_path, tokenizer, monkeypatch):
    given = {"accumulation": 2, "steps": STEPS, "eval_strategy": "epoch", "save_strategy": "epoch", **BEST}
    whole = make_trainer(tmp_path / "whole", tokenizer, **given)
    end = saved(whole)
    broken = make_trainer(tmp_path / "broken", tokenizer, **given)
    broken.add_callback(StopAt(EPOCH))
    ended_in_evaluation(broken, monkeypatch, KeyboardInterrupt())
    again = make_trainer(tmp_path / "broken", tokenizer, **given)
    assert saved(again, str(tmp_path / "broken" / f"checkpoint-{EPOCH}")) == end
    assert evaluations(again) == evaluations(whole)
    assert EPOCH in evaluations(again)
    assert (again.state.best_global_step, again.state.best_metric) == (
        whole.state.best_global_step,
        whole.state.best_metric,
    )
    assert checkpoints.problem(tmp_path / "broken" / f"checkpoint-{EPOCH}") is None


def test_an_evaluation_that_did_not_fit_is_made_up_for(tmp_path, tokenizer, monkeypatch):
    given = {"accumulation": 2, "steps": STEPS, "eval_strategy": "steps", "eval_steps": 3, "save": 3, **BEST}
    whole = make_trainer(tmp_path / "whole", tokenizer, **given)
    end = saved(whole)
    broken = make_trainer(tmp_path / "broken", tokenizer, **given)
    caught = ended_in_evaluation(broken, monkeypatch, MemoryError())
    assert "resume.allow=[trainer.per_device_eval_batch_size]" in str(caught.value)
    again = make_trainer(tmp_path / "broken", tokenizer, **given)
    assert saved(again, str(tmp_path / "broken" / "checkpoint-3")) == end
    assert evaluations(again) == evaluations(whole)


def test_a_signal_in_an_evaluation_ends_it_and_it_is_made_up_for(tmp_path, tokenizer):
    class Hears(TrainerCallback):
        def on_prediction_step(self, args, state, control, **kwargs):
            watch.heard = signal.SIGTERM

    given = {"accumulation": 2, "steps": STEPS, "eval_strategy": "steps", "eval_steps": 3, "save": 5, **BEST}
    whole = make_trainer(tmp_path / "whole", tokenizer, **given | {"load_best_model_at_end": False})
    end = saved(whole)
    broken = make_trainer(tmp_path / "broken", tokenizer, **given | {"load_best_model_at_end": False})
    watch = StopOnSignal()
    broken.add_callback(Hears())
    with broken.watched_by(watch), pytest.raises(Interrupted) as caught:
        broken.train()
    checkpoint = tmp_path / "broken" / "checkpoint-3"
    assert str(caught.value) == f"stopped after {checkpoint}; the same command goes on from there"
    assert caught.value.code == 128 + signal.SIGTERM
    again = make_trainer(tmp_path / "broken", tokenizer, **given | {"load_best_model_at_end": False})
    assert saved(again, str(checkpoint)) == end
    assert evaluations(again) == evaluations(whole)


def test_a_signal_before_the_first_step_leaves_nothing_to_go_on_from(tmp_path, tokenizer):
    trainer, watch = make_trainer(tmp_path, tokenizer, accumulation=1, steps=2, eval_on_start=True), StopOnSignal()
    watch.heard = signal.SIGINT
    with trainer.watched_by(watch), pytest.raises(Interrupted, match="stopped before the first step; the same command"):
        trainer.train()
    assert not [*tmp_path.glob("checkpoint-*")]


@pytest.mark.parametrize("when", ["resumed", "loaded"])
def test_a_damaged_best_checkpoint_becomes_no_final_model(tmp_path, tokenizer, when):
    given = {"accumulation": 2, "eval_strategy": "steps", "eval_steps": 2, "save": 2, "learning_rate": 1e-9, **BEST}
    make_trainer(tmp_path, tokenizer, steps=6, **given).train()
    best = (
        tmp_path
        / json.loads((tmp_path / "checkpoint-6" / "trainer_state.json").read_text())[
            "best_model_checkpoint"
        ].rpartition("/")[2]
    )
    again = make_trainer(tmp_path, tokenizer, steps=8, **given)
    weights = bytearray((best / "model.safetensors").read_bytes())
    weights[-9] ^= 1
    if when == "resumed":
        (best / "model.safetensors").write_bytes(weights)
    else:
        again.add_callback(_Damage(best / "model.safetensors", weights))
    with pytest.raises(UserError, match=rf"{best.name} is the best so far, and model.safetensors is damaged"):
        again.train(resume_from_checkpoint=str(tmp_path / "checkpoint-4"))


class _Damage(TrainerCallback):
    def __init__(self, file, content):
        self.file, self.content = file, content

    def on_step_end(self, args, state, control, **kwargs):
        self.file.write_bytes(self.content)


def test_where_no_evaluation_is_a_number_there_is_no_best(tmp_path, tokenizer, monkeypatch):
    given = {"accumulation": 2, "eval_strategy": "steps", "eval_steps": 2, "save": 2, **BEST}
    trainer = make_trainer(tmp_path, tokenizer, steps=4, **given)
    monkeypatch.setattr(trainer, "evaluate", lambda **named: {"eval_loss": math.nan})
    trainer.train()
    state = (tmp_path / "checkpoint-4" / "trainer_state.json").read_text()
    assert json.loads(state, parse_constant=pytest.fail)["best_metric"] is None


def test_after_a_lack_of_memory_no_damaged_checkpoint_of_the_last_step_is_taken(tmp_path, tokenizer):
    given = {"accumulation": 1, "steps": STEPS, "save": MIDDLE}
    whole = saved(make_trainer(tmp_path / "whole", tokenizer, **given))
    run = tmp_path / "limited"
    shutil.copytree(tmp_path / "whole" / f"checkpoint-{MIDDLE}", run / "checkpoint-7")  # another step's: as damaged
    (run / "checkpoint-7" / "model.safetensors").write_bytes(b"")
    trainer = limited(make_trainer(run, tokenizer, **given), rows=4, from_step=7)
    _train(trainer, run, str(tmp_path / "whole" / f"checkpoint-{MIDDLE}"))
    assert checkpoints.problem(run / "checkpoint-7") is None
    losses = {entry["step"]: entry["loss"] for entry in trainer.state.log_history if "loss" in entry}
    assert losses == pytest.approx(whole["losses"], rel=1e-5)


def test_a_damaged_note_of_what_fitted_is_found_again(tmp_path, tokenizer):
    (tmp_path / out_of_memory.DECIDED).write_text("")
    trainer = make_trainer(tmp_path, tokenizer, accumulation=1, steps=1)
    before = trainer.args.per_device_train_batch_size
    out_of_memory.use_decided(trainer, tmp_path)
    assert trainer.args.per_device_train_batch_size == before


def test_other_rows_a_step_are_another_place_in_the_data_and_that_is_said(tmp_path, tokenizer):
    trainer = make_trainer(tmp_path, tokenizer, accumulation=2, steps=6, save=6)
    trainer.train()
    checkpoint = tmp_path / "checkpoint-6"
    assert _place_in_data(trainer, checkpoint) == "place in the data"
    other = make_trainer(tmp_path, tokenizer, accumulation=1, steps=12, per_device_train_batch_size=8)
    rows, size = place(trainer)["rows of a step"], place(trainer)["rows"]
    said = _place_in_data(other, checkpoint)
    assert f"({rows} of {size} rows a step before, {rows // 2} of {size} now): on at step 6 of 8 of epoch 0" in said


def test_a_line_that_was_not_written_to_its_end_is_no_line(tmp_path):
    (tmp_path / "metrics.jsonl").write_text('{"step": 1, "loss": 2.0}\n{"step": 2, "lo')
    assert replay._logged(tmp_path) == {1: {"step": 1, "loss": 2.0}}


def test_other_tokens_a_micro_batch_are_another_place_in_the_data_too(tmp_path, tokenizer):
    trainer = make_trainer(tmp_path, tokenizer, accumulation=2, steps=2, save=2)
    trainer.train()
    trainer.tokens_per_batch = 64
    said = _place_in_data(trainer, tmp_path / "checkpoint-2")
    assert said.startswith(
        "not the place in the data (16 rows of a step, 57 rows before, 64 tokens of a micro-batch, 2 "
    )
