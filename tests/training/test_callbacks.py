"""What training tells while it goes."""

import math
import re

import pytest
from transformers import TrainerControl, TrainerState

from genai_hf.training.callbacks import MetricsLog
from genai_hf.training.progress_bar import ProgressBar

STEPS = 1000


@pytest.fixture
def bar():
    return ProgressBar()


def log(bar, step, **logs):
    state = TrainerState(global_step=step, max_steps=STEPS, is_world_process_zero=True)
    bar.on_log(None, state, TrainerControl(), {"loss": 5.0, "tokens_per_second": 12345.6} | logs)


def test_without_a_terminal_a_twentieth_of_the_run_is_a_line(bar, capsys):
    for step in range(1, STEPS + 1):
        log(bar, step)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "step 1 of 1,000: loss 5.000  12,346 tokens/s"
    assert [int(re.search(r"step ([\d,]+)", line)[1].replace(",", "")) for line in lines] == [1, *range(50, 1001, 50)]


def test_every_evaluation_is_a_line(bar, capsys):
    log(bar, 1500, eval_loss=4.5, eval_perplexity=90.02)
    assert "step 1,500: loss 4.5  perplexity 90.02\n" in capsys.readouterr().err


def test_a_long_evaluation_says_how_far_it_is(bar, capsys, monkeypatch):
    monkeypatch.setattr(ProgressBar, "PATIENCE", 0.0)
    batches, state = range(300), TrainerState(is_world_process_zero=True)
    for _ in batches:
        bar.on_prediction_step(None, state, TrainerControl(), eval_dataloader=batches)
    assert capsys.readouterr().err.splitlines() == [f"evaluation, {done} of 300 batches" for done in range(300)]
    monkeypatch.setattr(ProgressBar, "PATIENCE", 30.0)
    bar.on_prediction_step(None, state, TrainerControl(), eval_dataloader=range(2))
    assert capsys.readouterr().err == ""


def test_the_log_of_a_resumed_run_begins_with_what_the_checkpoint_knows(tmp_path):
    """Not with what was logged after it at the same step, nor with a line that was cut off."""
    log = MetricsLog(tmp_path / "metrics.jsonl")
    (tmp_path / "metrics.jsonl").write_text('{"step": 4, "loss": 2.0}\n{"step": 4, "eval_loss": 3.0}\n{"step": 5, "lo')
    state = TrainerState(global_step=4, log_history=[{"loss": 2.0, "epoch": 0.5, "step": 4}, {"train_runtime": 9.0}])
    log.on_train_begin(None, state, TrainerControl())
    log.on_log(None, state, TrainerControl(), {"eval_loss": math.inf, "epoch": 0.5})
    assert (tmp_path / "metrics.jsonl").read_text().splitlines() == [
        '{"step": 4, "loss": 2.0, "epoch": 0.5}',
        '{"step": 4, "eval_loss": null, "epoch": 0.5}',
    ]
