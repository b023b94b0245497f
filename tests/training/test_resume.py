"""A run that goes on from a checkpoint ends with the same weights, bit for bit."""

import signal

import pytest
import torch
from training_script import launched, make_trainer, saved
from transformers import TrainerCallback

from genai_hf.errors import ConfigError
from genai_hf.training import checkpoints
from genai_hf.training.out_of_memory import use_decided
from genai_hf.training.run import _train
from genai_hf.training.signals import StopOnSignal

STEPS, MIDDLE = 10, 6  # four steps an epoch: from the middle of the second into the third


def test_a_checkpoint_holds_no_pickle_and_resuming_reads_none(tmp_path, tokenizer, monkeypatch):
    make_trainer(tmp_path, tokenizer, accumulation=1, steps=2, save=1).train()
    files = {file.name for file in (tmp_path / "checkpoint-1").iterdir()}
    assert {file.rpartition(".")[2] for file in files} == {"safetensors", "json"}
    assert files >= {"optimizer.safetensors", "scheduler.json", "rank-0.safetensors", "trainer_state.json"}
    monkeypatch.setattr(torch, "load", lambda *args, **named: pytest.fail("a pickle was read"))
    resumed = make_trainer(tmp_path, tokenizer, accumulation=1, steps=2)
    resumed.train(resume_from_checkpoint=str(tmp_path / "checkpoint-1"))
    assert resumed.state.global_step == 2


KINDS = {
    "plain": {},
    "dropout": {"dropout": 0.3},
    "two workers": {"dropout": 0.3, "workers": 2},
    "workers that stay": {"dropout": 0.3, "workers": 2, "dataloader_persistent_workers": True},
    "bf16": {"dropout": 0.3, "bf16": True},
    "LoRA": {"dropout": 0.3, "lora": True},
    "log lines of three steps": {"dropout": 0.3, "logging_steps": 4},
    "Adafactor": {"optim": "adafactor"},
    "evaluation, schedule and checkpoint at the end of an epoch": {
        "lr_scheduler_type": "reduce_lr_on_plateau",
        "lr_scheduler_kwargs": {"patience": 0, "threshold": 0.5},
        "eval_strategy": "epoch",
        "save": 4,
    },
    "a plateau's schedule": {"lr_scheduler_type": "reduce_lr_on_plateau", "eval_strategy": "steps", "eval_steps": 2},
}


@pytest.mark.filterwarnings("ignore:This DataLoader will create 2 worker processes")  # on a machine with one core
@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")  # peft asks for it
@pytest.mark.parametrize("kind", KINDS)
def test_a_resumed_run_ends_with_the_same_weights_and_log(tmp_path, tokenizer, kind):
    given = {"accumulation": 2, "steps": STEPS, "save": MIDDLE} | KINDS[kind]
    whole = saved(make_trainer(tmp_path / "whole", tokenizer, **given))
    torch.manual_seed(99)
    again = make_trainer(tmp_path / "again", tokenizer, **given)
    resumed = saved(again, str(tmp_path / "whole" / f"checkpoint-{given['save']}"))
    assert resumed == whole


class Signal(TrainerCallback):
    """What a signal in a step does."""

    def __init__(self, stop, step):
        self.stop, self.step = stop, step

    def on_step_begin(self, args, state, control, **kwargs):
        if state.global_step == self.step - 1:
            self.stop.heard = signal.SIGTERM


@pytest.mark.parametrize("strategy", ["steps", "epoch"])
@pytest.mark.parametrize("step", [5, 6, 8])
def test_stopped_by_a_signal_it_ends_the_same_with_evaluations_at_the_end_of_epochs(
    tmp_path, tokenizer, strategy, step
):
    """In the middle of an epoch of four steps, and in its last step; a schedule that every evaluation moves."""
    given = {"accumulation": 1, "steps": 16, "save": 100, "save_strategy": strategy, "eval_strategy": "epoch"}
    given |= {"lr_scheduler_type": "reduce_lr_on_plateau", "lr_scheduler_kwargs": {"patience": 0, "threshold": 0.5}}
    whole = make_trainer(tmp_path / "whole", tokenizer, **given)
    result = saved(whole)
    stopped, stop = make_trainer(tmp_path / "stopped", tokenizer, **given), StopOnSignal()
    stopped.add_callback(stop)
    stopped.add_callback(Signal(stop, step))
    stopped.train()
    assert stopped.state.global_step == step
    resumed = make_trainer(tmp_path / "stopped", tokenizer, **given)
    assert saved(resumed, str(checkpoints.newest(tmp_path / "stopped")[0])) == result
    evaluated = [
        [entry["step"] for entry in trainer.state.log_history if "eval_loss" in entry] for trainer in (whole, resumed)
    ]
    assert evaluated == [[4, 8, 12, 16]] * 2


@pytest.mark.parametrize(("step", "evaluation"), [(5, "steps"), (6, "steps"), (8, "epoch"), (8, "steps")])
def test_a_signal_saves_whatever_the_evaluation_says(tmp_path, tokenizer, step, evaluation):
    given = {"accumulation": 1, "steps": 16, "save": 1, "save_strategy": "best", "eval_strategy": evaluation}
    given |= {"eval_steps": 2, "metric_for_best_model": "eval_loss", "greater_is_better": True}  # none is better
    stopped, stop = make_trainer(tmp_path, tokenizer, **given), StopOnSignal()
    stopped.add_callback(stop)
    stopped.add_callback(Signal(stop, step))
    stopped.train()
    newest, _ = checkpoints.newest(tmp_path)
    assert newest == tmp_path / f"checkpoint-{step}"


class Scripted(TrainerCallback):
    """Lets evaluations find what is written here."""

    def __init__(self, losses):
        self.losses = losses

    def on_evaluate(self, args, state, control, metrics, **kwargs):
        metrics["eval_loss"] = self.losses[state.global_step]


def test_the_best_checkpoint_stays_where_a_better_step_was_not_saved(tmp_path, tokenizer):
    given = {"accumulation": 1, "save": 4, "eval_strategy": "steps", "eval_steps": 2, "save_total_limit": 1}
    given |= {"load_best_model_at_end": True, "metric_for_best_model": "eval_loss"}
    for steps, resumed in ((8, None), (12, "checkpoint-8")):
        trainer = make_trainer(tmp_path, tokenizer, steps=steps, **given)
        trainer.add_callback(Scripted({2: 5.0, 4: 1.0, 6: 0.5, 8: 2.0, 10: 2.0, 12: 2.0}))
        trainer.train(resume_from_checkpoint=resumed and str(tmp_path / resumed))
        assert trainer.state.best_model_checkpoint == str(tmp_path / "checkpoint-4")
        assert {path.name for path in checkpoints.listed(tmp_path)} == {"checkpoint-4", f"checkpoint-{steps}"}


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"optim": "adafactor"}, "another kind of optimizer; keep the trainer.optim that"),
        (
            {"lr_scheduler_type": "reduce_lr_on_plateau", "eval_strategy": "steps", "eval_steps": 2},
            "another kind of scheduler; keep the trainer.lr_scheduler_type that",
        ),
    ],
)
def test_what_no_checkpoint_fits_is_refused(tmp_path, tokenizer, other, said):
    make_trainer(tmp_path, tokenizer, accumulation=1, steps=STEPS, save=MIDDLE).train()
    again = make_trainer(tmp_path / "again", tokenizer, accumulation=1, steps=STEPS, **other)
    with pytest.raises(ConfigError, match=said):
        again.train(resume_from_checkpoint=str(tmp_path / f"checkpoint-{MIDDLE}"))


def test_how_often_to_log_and_to_save_is_as_asked_now(tmp_path, tokenizer):
    make_trainer(tmp_path, tokenizer, accumulation=1, steps=STEPS, save=MIDDLE).train()
    again = make_trainer(tmp_path, tokenizer, accumulation=1, steps=2 * STEPS, save=9, logging_steps=3)
    again.train(resume_from_checkpoint=str(tmp_path / f"checkpoint-{MIDDLE}"))
    logged = [entry["step"] for entry in again.state.log_history if "loss" in entry]
    assert logged == [*range(1, MIDDLE + 1), 9, 12, 15, 18]
    assert {checkpoints.step(path) for path in checkpoints.listed(tmp_path)} == {6, 9, 10, 18, 20}


def test_the_best_checkpoint_is_kept_in_a_folder_that_was_moved(tmp_path, tokenizer):
    given = {"accumulation": 1, "save": 2, "eval_strategy": "steps", "eval_steps": 2, "save_total_limit": 1}
    given |= {"load_best_model_at_end": True, "metric_for_best_model": "eval_token_accuracy", "learning_rate": 1e-9}
    make_trainer(tmp_path / "here", tokenizer, steps=4, **given).train()
    (tmp_path / "here").rename(tmp_path / "there")
    again = make_trainer(tmp_path / "there", tokenizer, steps=8, **given)
    again.train(resume_from_checkpoint=str(tmp_path / "there" / "checkpoint-4"))
    assert again.state.best_model_checkpoint == str(tmp_path / "there" / f"checkpoint-{again.state.best_global_step}")
    assert again.state.best_global_step == 2
    assert {path.name for path in checkpoints.listed(tmp_path / "there")} == {"checkpoint-2", "checkpoint-8"}


def test_a_run_that_broke_off_after_its_last_step_takes_no_other(tmp_path, tokenizer):
    given = {"accumulation": 2, "steps": STEPS, "save": STEPS, "lr_scheduler_type": "constant"}
    whole = saved(make_trainer(tmp_path / "whole", tokenizer, **given))
    again = make_trainer(tmp_path / "again", tokenizer, **given)
    assert saved(again, str(tmp_path / "whole" / f"checkpoint-{STEPS}")) == whole
    assert again.state.global_step == STEPS


@pytest.mark.slow  # half a minute: two ranks, twice
def test_two_ranks_resume_with_the_same_weights(tmp_path, tokenizer):
    (whole,) = launched(tmp_path, 2, "saved", "1")
    (resumed,) = launched(tmp_path, 2, "resumed", "1", str(tmp_path / "saved-2-1" / f"checkpoint-{MIDDLE}"))
    assert resumed == whole


@pytest.mark.slow
def test_what_one_rank_saved_two_go_on_with(tmp_path, tokenizer):
    """The same rows in every step: the same losses but for the order of additions, in the third epoch too."""
    whole = saved(make_trainer(tmp_path / "whole", tokenizer, accumulation=2, steps=STEPS, save=MIDDLE))
    (resumed,) = launched(tmp_path, 2, "resumed", "1", str(tmp_path / "whole" / f"checkpoint-{MIDDLE}"))
    assert list(resumed["losses"]) == [str(step) for step in whole["losses"]]
    assert list(resumed["losses"].values()) == pytest.approx(list(whole["losses"].values()), rel=1e-5)


@pytest.mark.parametrize("schedule", ["linear", "reduce_lr_on_plateau"])
def test_another_learning_rate_is_taken_for_real(tmp_path, tokenizer, schedule):
    given = {"accumulation": 1, "steps": STEPS, "lr_scheduler_type": schedule}
    given |= {"eval_strategy": "steps", "eval_steps": 2} if "plateau" in schedule else {}
    make_trainer(tmp_path, tokenizer, save=MIDDLE, **given).train()
    halved = make_trainer(tmp_path / "again", tokenizer, learning_rate=5e-4, weight_decay=0.3, **given)
    halved.train(resume_from_checkpoint=str(tmp_path / f"checkpoint-{MIDDLE}"))
    rates = {entry["step"]: entry["learning_rate"] for entry in halved.state.log_history if "loss" in entry}
    done = 0 if "plateau" in schedule else MIDDLE
    assert rates[MIDDLE] == pytest.approx(1e-3 * (1 if "plateau" in schedule else 1 - (MIDDLE - 1) / STEPS))
    assert rates[MIDDLE + 1] == pytest.approx(5e-4 * (1 - done / STEPS))
    assert {group["weight_decay"] for group in halved.optimizer.param_groups} == {0.3, 0.0}


def test_a_longer_run_follows_its_schedule_at_once(tmp_path, tokenizer):
    make_trainer(tmp_path, tokenizer, accumulation=1, steps=STEPS, save=MIDDLE).train()
    longer = make_trainer(tmp_path / "again", tokenizer, accumulation=1, steps=2 * STEPS)
    longer.train(resume_from_checkpoint=str(tmp_path / f"checkpoint-{MIDDLE}"))
    rates = {entry["step"]: entry["learning_rate"] for entry in longer.state.log_history if "loss" in entry}
    assert rates[MIDDLE + 1] == pytest.approx(1e-3 * (1 - MIDDLE / (2 * STEPS)))


def limited(trainer, rows, from_step=0):
    """Let the machine have memory for so many rows at a time only, from some step on: torch's own allocator refuses."""

    def ask(module, inputs, named):
        if trainer.state.global_step >= from_step and module.training and len(named["input_ids"]) > rows:
            torch.empty(1 << 50)

    trainer.model.register_forward_pre_hook(ask, with_kwargs=True)
    return trainer


@pytest.mark.parametrize(
    "from_step", [pytest.param(0, marks=pytest.mark.slow), pytest.param(3, marks=pytest.mark.slow), MIDDLE]
)
def test_a_step_that_does_not_fit_is_taken_in_smaller_micro_batches(tmp_path, tokenizer, capsys, from_step):
    given = {"accumulation": 1, "steps": STEPS, "save": MIDDLE}
    whole = saved(make_trainer(tmp_path / "whole", tokenizer, **given))
    trainer = limited(make_trainer(tmp_path / "limited", tokenizer, **given), rows=4, from_step=from_step)
    (tmp_path / "limited").mkdir(exist_ok=True)
    _train(trainer, tmp_path / "limited", None)
    losses = {entry["step"]: entry["loss"] for entry in trainer.state.log_history if "loss" in entry}
    assert losses == pytest.approx(whole["losses"], rel=1e-5)
    assert (trainer.args.per_device_train_batch_size, trainer.args.gradient_accumulation_steps) == (4, 4)
    assert "out of memory with micro-batches of 8 rows; 4 rows and 4 accumulation steps" in capsys.readouterr().err
    repeated = make_trainer(tmp_path / "again", tokenizer, **given)
    use_decided(repeated, tmp_path / "limited")
    assert repeated.args.per_device_train_batch_size == 4
