"""The same command in several processes: what starts them, what they tell back."""

import importlib.util
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import genai_hf
from genai_hf import cli, final_numbers, launching, ranks, runs, sweeping
from genai_hf.errors import ConfigError

RUN = [
    *("data=text", "tokenizer.vocab_size=300", "tokenizer.multiple_of=1", "sequence_length=32", "run=launched"),
    *("trainer.max_steps=100000", "trainer.save_steps=5", "precision=fp32"),
]


@pytest.fixture(autouse=True)
def _alone(monkeypatch):
    for name in ("RANK", "WORLD_SIZE", launching.LAUNCHED):
        monkeypatch.delenv(name, raising=False)


def cfg(*overrides):
    return genai_hf.compose("bert_mlm", overrides)


@pytest.mark.parametrize(
    ("launch", "line"),
    [
        ("single", "accelerate launch -m genai_hf bert_mlm launch=single"),
        ("gpus", "accelerate launch --multi_gpu -m genai_hf bert_mlm launch=gpus"),
        ("cpu2", "torchrun --standalone --nproc-per-node=2 -m genai_hf bert_mlm launch=cpu2"),
        ("deepspeed", "accelerate launch --use_deepspeed --zero_stage=2 -m genai_hf bert_mlm launch=deepspeed"),
    ],
)
def test_the_line_is_what_one_would_type(launch, line):
    assert launching.line(cfg(f"launch={launch}")) == line


def test_no_list_of_processes_shows_a_secret(monkeypatch):
    asked = cfg("launch=cpu2", "trainer.hub_token=canary-of-the-hub", "+trainer.run_name=hf_Canary0Canary1Canary2")
    started = launching._command(asked, [])
    assert started[-3:] == ["launch=cpu2", "trainer.hub_token=<redacted>", "+trainer.run_name=<redacted>"]
    monkeypatch.setenv(ranks.WORDS, json.dumps(launching._words(asked, [])))
    assert cli.typed() == ["bert_mlm", *asked.overrides]
    assert ranks.WORDS not in os.environ


def test_words_with_spaces_are_quoted_and_folders_are_passed_on():
    line = launching.line(cfg("launch=cpu2", "data=text", "data.path='my texts'"), [Path("conf here")])
    assert shlex.split(line)[-4:] == ["data=text", "data.path='my texts'", "--config-dir", "conf here"]


def test_a_node_list_is_left_for_the_shell_of_the_allocation():
    assert "--nnodes=$SLURM_NNODES --nproc-per-node=4" in launching.line(cfg("launch=slurm", "launch.processes=4"))


@pytest.mark.parametrize(("launch", "why"), [("gpus", "there is no GPU here"), ("slurm", "inside an allocation")])
def test_what_cannot_be_launched_here_is_refused(launch, why, monkeypatch, capsys):
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    monkeypatch.setattr("torch.accelerator.device_count", lambda: 0)
    assert cli.main(["bert_mlm", f"launch={launch}"]) == 2
    assert why in capsys.readouterr().err


def test_a_process_of_a_launcher_starts_no_others_and_says_so(monkeypatch, capsys):
    assert launching.is_wanted(cfg("launch=cpu2"))
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert not launching.is_wanted(cfg("launch=cpu2"))
    assert "launch=… starts nothing here" in capsys.readouterr().err


def test_one_process_that_was_launched_without_a_rank_starts_no_others(monkeypatch):
    """As accelerate does on a machine with one GPU."""
    monkeypatch.setenv(launching.LAUNCHED, "code")
    assert not launching.is_wanted(cfg("launch=gpus"))


def test_another_number_of_processes_than_was_asked_for_is_refused(monkeypatch):
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "3")
    with pytest.raises(ConfigError, match=r"launch\.processes=2 were asked for and 3 run"):
        launching.is_wanted(cfg("launch=cpu2"))


def test_what_trains_nothing_is_not_launched(capsys):
    assert cli.main(["train_tokenizer", "launch=cpu2"]) == 2
    assert "'launch': train_tokenizer trains no model" in capsys.readouterr().err


@pytest.mark.slow
def test_two_processes_are_started_and_a_signal_stops_them_with_a_checkpoint_and_its_own_code(tmp_path):
    """SIGTERM reaches the command alone; both ranks save, and its exit code is theirs and not the launcher's."""
    environment = os.environ | {"GENAI_HF_ROOT": str(tmp_path)}
    for number in range(20):
        (tmp_path / f"{number}.txt").write_text("\n".join(f"Line {line} of text {number}." for line in range(99)))
    data = f"data.path={tmp_path}/*.txt"
    command = [sys.executable, "-m", "genai_hf", "bert_mlm", "launch=cpu2", data, *RUN]
    with (tmp_path / "said").open("w") as said:
        process = subprocess.Popen(command, env=environment, stderr=said, stdout=said)
    run = tmp_path / "bert_mlm" / "launched"
    try:
        deadline = time.monotonic() + 120
        while not list(run.glob("checkpoint-*")) and time.monotonic() < deadline:
            time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        code = process.wait(timeout=60)
    finally:
        process.kill()
    assert code == 128 + signal.SIGTERM, (tmp_path / "said").read_text()
    newest = max(run.glob("checkpoint-*"), key=lambda path: int(path.name.partition("-")[2]))
    assert f"stopped after {newest}; the same command goes on from there" in (tmp_path / "said").read_text()
    assert {file.name for file in newest.glob("rank-*.json")} == {"rank-0.json", "rank-1.json"}


def test_a_sweep_that_a_cluster_runs_has_the_name_of_the_sweep(capsys):
    overrides = ["seed=1,2", "trainer.max_steps=9"]
    submitted = [*overrides, "hydra/launcher=submitit_slurm", "hydra.launcher.partition=gpu"]
    assert sweeping._launcher(submitted) == "submitit_slurm"
    assert sweeping._launcher([*overrides, "hydra/launcher=basic"]) is sweeping._launcher(overrides) is None
    assert sweeping._name(submitted) == sweeping._name(overrides)


def test_a_launcher_that_is_not_installed_names_its_extra(capsys):
    if importlib.util.find_spec("submitit") is not None:
        pytest.skip("the extra is installed here")
    assert cli.main(["bert_mlm", "-m", "seed=1,2", "hydra/launcher=submitit_local"]) == 2
    assert "needs an extra: pip install 'genai-hf[slurm]'" in capsys.readouterr().err


@pytest.mark.slow
def test_jobs_that_submitit_runs_are_summed_up(tmp_path, monkeypatch, capsys):
    pytest.importorskip("submitit", reason="needs the extra: pip install 'genai-hf[slurm]'")
    monkeypatch.setenv("GENAI_HF_ROOT", str(tmp_path))
    for number in range(20):
        (tmp_path / f"{number}.txt").write_text("\n".join(f"Line {line} of text {number}." for line in range(99)))
    small = [word for word in RUN if not word.startswith(("run=", "trainer.max_steps", "trainer.save_steps"))]
    words = ["bert_mlm", "-m", "seed=1,2", "trainer.max_steps=2", f"data.path={tmp_path}/*.txt", *small]
    assert cli.main([*words, "hydra/launcher=submitit_local"]) == 0
    (sweep,) = (tmp_path / "bert_mlm" / "sweeps").iterdir()
    assert len((sweep / "sweep.csv").read_text().splitlines()) == 3
    assert not (sweep / "multirun.yaml").exists()
    capsys.readouterr()
    assert cli.main(words) == 0
    assert capsys.readouterr().err.count("finished before") == 2


def test_neither_a_finished_run_nor_one_of_wrong_data_starts_processes(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(launching, "launch", lambda *given: pytest.fail("processes are started"))
    monkeypatch.setenv("GENAI_HF_ROOT", str(tmp_path / "outputs"))
    (tmp_path / "a.txt").write_text("one\n")
    words = ["bert_mlm", "data=text", f"data.path={tmp_path}/a.txt", "launch=cpu2", "run=launched"]
    run = runs.open_run(cfg(*words[1:])).folder
    final_numbers.write(run, {"eval_loss": 1.0})
    (run / "report.html").touch()
    assert cli.main(words) == 0
    assert f"finished before: {run / 'report.html'}" in capsys.readouterr().err
    (tmp_path / "b.txt").write_bytes(b"\xff\n")
    assert cli.main([*words[:2], f"data.path={tmp_path}/b.txt", "launch=cpu2"]) == 2
    assert "b.txt:1: is not UTF-8" in capsys.readouterr().err
