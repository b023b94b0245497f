"""What training tells while it goes."""

import re

import pytest
from transformers import TrainerControl, TrainerState

from genai_hf.training.callbacks import ProgressBar

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
