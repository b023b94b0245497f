"""The command as a user meets it: what it prints, its exit code, and that it answers at once."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from genai_hf import cli, recipe_files

COMMAND = [sys.executable, "-m", "genai_hf"]
HEAVY = {"torch", "transformers", "datasets", "numpy", "matplotlib", "accelerate"}


def command(*words: str, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *words], capture_output=True, text=True, check=False, cwd=cwd, env={**os.environ, **environment}
    )


QUICK = [
    ([], 0),
    (["--help"], 0),
    (["--version"], 0),
    (["bert_mlm", "--help"], 0),
    (["bert_mlm", "--cfg", "job"], 0),
    (["bert_mln"], 2),
    (["bert_mlm", "trainer.learnign_rate=1"], 2),
    (["bert_mlm", "masking.probability=high"], 2),
    (["bert_mlm", "+typo=1"], 2),
    (["bert_mlm", "data=text", "data.path=nowhere.txt"], 2),
    (["cp", "bert_mlm"], 2),
    (["generate", "outputs/gpt_lm/none", "a prompt", "generation.topp=0.9"], 2),
    (["generate", "--help"], 0),
]


@pytest.mark.parametrize(("words", "code"), QUICK, ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_a_quick_answer_imports_nothing_heavy(words, code):
    script = (
        "import sys; from genai_hf.cli import main; code = main(sys.argv[1:]); "
        f"sys.exit(repr(sorted(set({HEAVY!r}) & set(sys.modules))) if set({HEAVY!r}) & set(sys.modules) else code)"
    )
    done = subprocess.run([sys.executable, "-c", script, *words], capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    assert len(done.stderr.splitlines()) == (1 if code else 0)


def test_a_quick_answer_takes_no_longer_than_hydra_itself():
    """Processor time, which a busy machine does not stretch much, beside that of an empty interpreter."""

    def seconds(*words: str) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, *words], capture_output=True, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    def fastest(*words: str) -> float:
        return min(seconds(*words) for _ in range(5))

    empty = fastest("-c", "pass")
    for words in (["bert_mlm", "trainer.lr=1"], ["bert_mlm", "--cfg", "job"], []):
        assert fastest("-m", "genai_hf", *words) - empty < 0.35 * max(1, empty / 0.02), words


def test_the_listing_names_every_recipe_and_verb():
    listed = command().stdout
    assert all(f"  {name}" in listed for name in recipe_files.shipped())
    assert all(f"  {verb}" in listed for verb in ("inspect", "check", "cp", "report"))
    assert "\n  run " not in listed


def test_help_says_how_to_run_what_can_be_chosen_and_what_is_set():
    shown = command("bert_mlm", "--help", "masking.probability=0.4").stdout
    assert "genai-hf inspect bert_mlm" in shown
    assert "  model=bert_base|bert_mini|bert_tiny|" in shown
    assert (
        "  probability: 0.4                      # in place of 0.15: share of the tokens that are predicted\n" in shown
    )
    assert "  learning_rate: 0.0015                 # small models take more than BERT's 1e-4\n" in shown


def test_help_of_an_experiment_gives_its_own_reasons():
    shown = command("bert_mlm", "--help", "experiment=bert_paper").stdout
    assert "sequence_length: 512                    # the paper: 128 for the first nine tenths" in shown
    assert "  adam_beta2: 0.999                     # in place of 0.98: RoBERTa" in shown


def test_help_gives_the_reasons_of_the_users_own_yaml_before_a_groups(tmp_path):
    command("cp", "bert_mlm", "mine", cwd=tmp_path)
    settings = tmp_path / "mine.yaml"
    settings.write_text(settings.read_text() + "trainer:\n  learning_rate: 1.0e-3   # mine\n")
    assert "  learning_rate: 0.001                  # mine\n" in command("./mine.py", "--help", cwd=tmp_path).stdout


@pytest.mark.parametrize("verb", ["check", "cp", "inspect", "report"])
def test_help_of_a_verb_says_how_to_type_it(verb):
    for words in ([verb, "--help"], [verb, "bert_mlm", "-h"]):
        done = command(*words)
        assert done.returncode == 0
        assert any(line.strip().startswith(f"genai-hf {verb} ") for line in done.stdout.splitlines()[1:])


def test_cfg_job_shows_the_settings_with_their_interpolations_or_resolved():
    assert "seed: ${seed}" in command("bert_mlm", "--cfg", "job").stdout
    assert "seed: 7" in command("bert_mlm", "--cfg", "job", "--resolve", "seed=7", "--package", "trainer").stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["bert_mln"], "genai-hf bert_mln: no recipe 'bert_mln'; did you mean 'bert_mlm'?\n"),
        (["generat", "a", "b"], "genai-hf generat: no recipe 'generat'; did you mean 'generate'?\n"),
        (
            ["distill", "teacher=a"],
            "genai-hf distill: 'teacher' holds several settings; set one of them, such as teacher.name=…\n",
        ),
        (
            ["glue", "peft=lora", "peft.lora_r=8"],
            "genai-hf glue: 'peft.lora_r' is not a parameter of LoraConfig; did you mean 'peft.r'?\n",
        ),
        (["bert_mlm", "--hlep"], "genai-hf bert_mlm: there is no --hlep; a setting is written key=value"),
        (["bert_mlm", "--lr", "1e-3"], "genai-hf bert_mlm: there is no --lr; a setting is written key=value"),
        (
            ["bert_mlm", "inspect"],
            "genai-hf bert_mlm: 'inspect' is not of the form key=value (no spaces around '='; a verb",
        ),
        (["run", "bert_mlm"], "genai-hf run: no recipe 'run'; "),
        (["inspect", "bert_mlm", "--n", "abc"], "genai-hf inspect: argument --n/-n: invalid int value: 'abc'; "),
        (["inspect", "bert_mlm", "--n", "-3"], "genai-hf inspect: --n must be at least 1, got -3\n"),
        (["bert_mlm", "-m"], "genai-hf bert_mlm: -m needs a setting with several values, such as seed=1,2\n"),
        (["bert_mlm", "--config-dir", "nowhere"], "genai-hf bert_mlm: --config-dir nowhere is not a folder\n"),
        (["inspect"], "genai-hf inspect: name a recipe first; 'genai-hf' lists them\n"),
        (["inspect", "lr=3"], "genai-hf inspect: name a recipe first; 'genai-hf' lists them\n"),
        (["report"], "genai-hf report: name one or more run folders"),
        (["report", "nowhere"], "genai-hf report: "),
        (["predict.py"], "genai-hf predict.py: predict.py does not exist; 'genai-hf cp RECIPE predict' makes one"),
        (["./mine.py"], "genai-hf ./mine.py: mine.py does not exist; 'genai-hf cp RECIPE mine' makes one"),
        (["bert_mlm", "-m", "run=x", "seed=1,2"], "genai-hf bert_mlm: 'run' names one run"),
        (["bert_mlm", "seed=1,2"], "genai-hf bert_mlm: 'seed=1,2' names several values, which takes a sweep: genai-hf"),
        (["bert_mlm", "-m", "seed=1,x"], "genai-hf bert_mlm: 'seed' must be int, got 'x'"),
        (["bert_mlm", "path=a.txt"], "genai-hf bert_mlm: no key 'path'; did you mean 'data.path'?\n"),
        (
            ["bert_mlm", "data.path=a.txt"],
            "genai-hf bert_mlm: no key 'data.path' here; it goes with data=csv or data=json or data=parquet or "
            "data=text\n",
        ),
        (["bert_mlm", "data=text", "data.path=a.txt"], "genai-hf bert_mlm: a.txt: no such file; ./ holds nothing\n"),
        (
            ["train_tokenizer", "model.name=x"],
            "genai-hf train_tokenizer: no key 'model.name'; did you mean 'tokenizer.name'?\n",
        ),
        (["train_tokenizer", "experiment.x=1"], "genai-hf train_tokenizer: no key 'experiment.x'"),
        (["bert_mlm", "tokenizer.path=x"], "genai-hf bert_mlm: no key 'tokenizer.path'"),
        (["train_tokenizer", "trainer.seed=3"], "genai-hf train_tokenizer: 'trainer.seed': train_tokenizer trains no "),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(words, said, tmp_path):
    done = command(*words, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith(said)
    assert len(done.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_under_a_launcher_only_rank_zero_speaks():
    assert command("bert_mlm", "lr=1", RANK="1").stderr == ""
    assert command("bert_mlm", "lr=1", RANK="1").returncode == 2


def test_a_sweep_inside_ranks_is_refused():
    done = command("bert_mlm", "-m", "seed=1,2", WORLD_SIZE="2", RANK="0")
    assert (done.returncode, "-m inside a launcher" in done.stderr) == (2, True)


def test_a_copied_recipe_is_the_users_own(tmp_path):
    assert command("cp", "bert_mlm", "mine", cwd=tmp_path).returncode == 0
    assert sorted(file.name for file in tmp_path.iterdir()) == ["mine.py", "mine.yaml"]
    header = (tmp_path / "mine.yaml").read_text().partition("defaults:")[0]
    assert "genai-hf inspect ./mine.py " in header
    assert "bert_mlm" not in header
    settings = tmp_path / "mine.yaml"
    settings.write_text(settings.read_text().replace("sequence_length: 64", "sequence_length: 32"))
    shown = command("./mine.py", "--cfg", "job", cwd=tmp_path)
    assert "sequence_length: 32" in shown.stdout, shown.stderr
    assert command("cp", "bert_mlm", "mine", cwd=tmp_path).returncode == 2  # nothing is overwritten
    assert command("cp", "bert_mlm", "bert_mlm", cwd=tmp_path).returncode == 2


def test_a_mistake_in_the_users_own_recipe_or_settings_is_one_line_with_its_place(tmp_path):
    command("cp", "bert_mlm", "mine", cwd=tmp_path)
    recipe, settings = tmp_path / "mine.py", tmp_path / "mine.yaml"
    whole, lines = recipe.read_text(), len(recipe.read_text().splitlines())
    recipe.write_text(whole + "def (\n")
    done = command("./mine.py", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == (
        f"genai-hf ./mine.py: mine.py:{lines + 1}: not Python (invalid syntax); mend the recipe there\n"
    )
    recipe.write_text(whole)
    lines = len(settings.read_text().splitlines())
    settings.write_text(settings.read_text() + "extra: [1,\n")
    for words in ([], ["-m", "seed=1,2"], ["+x=1"], ["--cfg", "all"], ["--help"]):
        done = command("./mine.py", *words, cwd=tmp_path)
        assert done.returncode == 2
        assert f"mine.yaml:{lines + 2}: not YAML (" in done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_a_recipe_of_the_users_own_may_train_with_no_settings_for_it(tmp_path):
    command("cp", "bert_mlm", "mine", cwd=tmp_path)
    recipe, settings = tmp_path / "mine.py", tmp_path / "mine.yaml"
    recipe.write_text(recipe.read_text().replace("config.training_arguments(cfg)", "own(cfg)"))
    assert command("./mine.py", "--cfg", "job", cwd=tmp_path).returncode == 0
    settings.write_text(settings.read_text().replace("  - trainer: pretrain\n", ""))
    assert "trainer: {}" in command("./mine.py", "--cfg", "job", cwd=tmp_path).stdout


def test_settings_can_be_shown_where_their_files_are_not():
    assert "path: /far/x.txt" in command("bert_mlm", "--cfg", "job", "data=text", "data.path=/far/x.txt").stdout


def test_a_users_config_folder_wins_over_a_packaged_one(tmp_path):
    (tmp_path / "trainer").mkdir()
    (tmp_path / "trainer" / "pretrain.yaml").write_text("max_steps: 7\n")
    shown = command("bert_mlm", "--config-dir", str(tmp_path), "--cfg", "job")
    assert "max_steps: 7" in shown.stdout


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (MemoryError(), 3, "out of memory; halve trainer.per_device_train_batch_size"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), 3, "out of memory; halve trainer."),
        (OSError(28, "No space left on device", "/disk/x"), 3, "no room left on the disk of /disk/x"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (cli.Interrupted("stopped", 143), 143, "stopped"),
    ],
)
def test_what_the_machine_cannot_do_has_its_own_exit_code(monkeypatch, capsys, error, code, said):
    def fail(words: list[str]) -> int:
        raise error

    monkeypatch.setattr(cli, "dispatch", fail)
    assert cli.main(["bert_mlm"]) == code
    assert said in capsys.readouterr().err


def test_a_fault_of_ours_is_raised_with_its_traceback(monkeypatch):
    def fail(words: list[str]) -> int:
        raise RuntimeError("bug")

    monkeypatch.setattr(cli, "dispatch", fail)
    with pytest.raises(RuntimeError, match="bug"):
        cli.main(["bert_mlm"])


def test_words_that_are_no_text_in_the_terminals_encoding_are_refused_in_a_line():
    said = command("bert_mlm", "run=Käse", LC_ALL="C", PYTHONUTF8="0")
    assert (said.returncode, said.stderr) == (
        2,
        "genai-hf bert_mlm: 'run=K\\xe4se' cannot be read as ascii, this terminal's encoding; "
        "set LC_ALL=C.UTF-8 in the environment\n",
    )


def test_a_terminal_with_few_letters_is_shown_the_others_by_their_numbers():
    shown = command("bert_mlm", "run=Käse", "--cfg", "job", PYTHONIOENCODING="ascii")
    assert shown.returncode == 0, shown
    assert "run: K\\xe4se\n" in shown.stdout


def test_a_working_directory_that_is_gone_is_said(tmp_path):
    (tmp_path / "gone").mkdir()
    script = f"import os; os.chdir({str(tmp_path / 'gone')!r}); os.rmdir(os.getcwd()); " + (
        "from genai_hf import cli; print(cli.main(['bert_mlm', '--cfg', 'job']))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "2\n"
    assert done.stderr == (
        "genai-hf bert_mlm: the working directory is gone (No such file or directory); change into one that is there\n"
    )


def test_the_traceback_of_a_fault_of_ours_has_no_secret_in_it(monkeypatch, capsys):
    monkeypatch.setenv("HF_TOKEN", "hf_Canary0Canary1Canary2")
    cli.tell_fault(KeyError, KeyError("hf_Canary0Canary1Canary2"), None)
    assert capsys.readouterr().err == "KeyError: '<redacted>'\n"
