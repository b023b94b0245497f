import errno
import json
import os
import subprocess
import sys

import pytest
from omegaconf import OmegaConf
from transformers import TrainerState

from genai_hf import final_numbers, fingerprints, locks, runs
from genai_hf.errors import ConfigError


@pytest.fixture
def cfg(tmp_path):
    return OmegaConf.create(
        {
            "recipe": "bert_mlm",
            "overrides": ["seed=3"],
            "run": None,
            "root": str(tmp_path / "out"),
            "overwrite": False,
            "resume": {"allow": []},
            "seed": 3,
            "data": {"path": str(tmp_path / "text.txt")},
            "trainer": {"learning_rate": 1e-3, "save_steps": 5, "logging_steps": 2, "hub_token": "t"},
        }
    )


def with_overrides(cfg, *overrides, **changes):
    return OmegaConf.merge(cfg, {"overrides": list(overrides)}, changes)


def test_a_run_is_named_by_its_overrides_and_settings(cfg):
    name = runs.folder(cfg).name
    assert name.startswith("seed=3-")
    assert len(name) == len("seed=3-") + 8
    assert runs.folder(with_overrides(cfg)).name.startswith("default-")


def test_what_cannot_change_the_result_changes_no_name(cfg):
    changed = OmegaConf.merge(cfg, {"overwrite": True, "trainer": {"save_steps": 9, "logging_steps": 1}})
    changed = with_overrides(changed, "seed=3", "overwrite=true", "trainer.save_steps=9")
    assert runs.folder(changed) == runs.folder(cfg)


def test_what_changes_the_result_changes_the_name(cfg):
    assert runs.folder(OmegaConf.merge(cfg, {"trainer": {"learning_rate": 2e-3}})) != runs.folder(cfg)


def test_no_path_and_no_secret_enters_a_name(cfg):
    named = runs.folder(with_overrides(cfg, "data.path=../up/novels.jsonl.gz", "trainer.hub_token=abc", "seed=3")).name
    assert named.startswith("data.path=novels,seed=3-")


@pytest.mark.parametrize(
    ("name", "other"), [("a/b", "a_b"), ("my run", "my_run"), ("../../etc/x y", "____etc_x_y"), ("a..b", "a_b")]
)
def test_a_name_that_is_none_of_a_folder_is_refused_so_that_no_two_runs_share_one(name, other, cfg):
    with pytest.raises(ConfigError) as caught:
        runs.folder(OmegaConf.merge(cfg, {"run": name}))
    assert str(caught.value) == f"'run': '{name}' cannot name a folder; run={other} can"
    assert runs.folder(OmegaConf.merge(cfg, {"run": other})).name == other


def test_the_folder_of_all_runs_may_be_below_the_home_folder_and_has_a_name(cfg, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert runs.folder(OmegaConf.merge(cfg, {"root": "~/runs", "run": "a"})) == tmp_path / "runs/bert_mlm/a"
    with pytest.raises(ConfigError, match="'root' is empty"):
        runs.folder(OmegaConf.merge(cfg, {"root": ""}))


@pytest.mark.parametrize(
    ("several", "named"),
    [
        (1, "trainer.per_device_train_batch_size=32,seed=1"),
        (3, "per_device_train_batch_size=32,per_device_train_batch_size=32,per_device_train_batch_size=32,seed=1"),
        (4, "per_device_t=32,per_device_t=32,per_device_t=32,per_device_t=32,seed=1"),
    ],
)
def test_a_long_name_has_its_keys_shortened_and_keeps_its_values(several, named):
    assert runs.readable([*["trainer.per_device_train_batch_size=32"] * several, "seed=1"]) == named


def test_a_secret_changes_no_name(cfg):
    assert runs.folder(OmegaConf.merge(cfg, {"trainer": {"hub_token": "other"}})) == runs.folder(cfg)


def test_a_finished_run_is_not_begun_again(cfg):
    run = runs.open_run(cfg)
    assert run.metrics is None
    assert {file.name for file in run.folder.iterdir()} >= {"config.yaml", "command.txt", "fingerprint.json"}
    assert runs.open_run(cfg).metrics is None  # unfinished: goes on
    final_numbers.write(run.folder, {"eval_loss": 1.5})
    assert runs.open_run(cfg).metrics == {"eval_loss": 1.5}
    fresh = runs.open_run(OmegaConf.merge(cfg, {"overwrite": True}))
    assert fresh.metrics is None
    assert not (fresh.folder / "metrics.json").exists()


def test_a_run_that_has_taken_all_its_steps_can_go_on_with_more_alone(cfg):
    named = OmegaConf.merge(cfg, {"run": "mine"})
    state = runs.open_run(named).folder / "checkpoint-60" / "trainer_state.json"
    state.parent.mkdir()
    state.write_text('{"global_step": 60, "max_steps": 60}')
    with pytest.raises(ConfigError) as refusal:
        runs.open_run(OmegaConf.merge(named, {"seed": 7}))
    assert str(refusal.value).endswith("; name another with run=…, or begin anew with overwrite=true")
    goes_on = r"go on all the same with resume\.allow="
    with pytest.raises(ConfigError, match=goes_on):
        runs.open_run(OmegaConf.merge(named, {"trainer": {"max_steps": 70}}))
    state.write_text('{"global_step": 60, "max_steps": 90}')  # as a run that was stopped early leaves it
    with pytest.raises(ConfigError, match=goes_on):
        runs.open_run(OmegaConf.merge(named, {"seed": 7}))


def test_a_runs_own_folder_below_its_data_is_no_part_of_them(cfg, tmp_path):
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "a.txt").write_text("A text.")
    below = OmegaConf.merge(cfg, {"root": str(folder / "outputs"), "run": "mine", "data": {"path": str(folder)}})
    run = runs.open_run(below).folder
    (run / "metrics.jsonl").write_text("{}")
    runs.open_run(below)
    (folder / "b.txt").write_text("Another.")
    with pytest.raises(ConfigError, match=r"files\.data\.path"):
        runs.open_run(below)


def test_other_data_under_the_same_command_is_refused(cfg, tmp_path):
    (tmp_path / "text.txt").write_text("one")
    folder = runs.open_run(cfg).folder
    (tmp_path / "text.txt").write_text("two")
    with pytest.raises(ConfigError, match=r"files\.data\.path: [0-9a-f]{12}… → [0-9a-f]{12}…"):
        runs.open_run(cfg)
    assert folder.exists()


def test_another_version_is_refused_with_old_and_new(cfg):
    folder = runs.open_run(cfg).folder
    recorded = json.loads((folder / "fingerprint.json").read_text())
    recorded["versions"]["torch"] = "2.12.0"
    (folder / "fingerprint.json").write_text(json.dumps(recorded))
    with pytest.raises(ConfigError, match=r"versions\.torch: 2\.12\.0 → 2\.13\.0"):
        runs.open_run(cfg)


def test_another_setting_under_the_same_run_name_is_refused_with_old_and_new(cfg):
    named = OmegaConf.merge(cfg, {"run": "mine"})
    runs.open_run(named)
    with pytest.raises(ConfigError, match=r"trainer\.learning_rate: 0\.001 → 0\.002.*overwrite=true"):
        runs.open_run(OmegaConf.merge(named, {"trainer": {"learning_rate": 2e-3}}))


def test_a_folder_that_is_no_run_is_left_alone(cfg, tmp_path):
    foreign = tmp_path / "out" / "bert_mlm" / "mine"
    foreign.mkdir(parents=True)
    (foreign / "thesis.txt").write_text("x")
    with pytest.raises(ConfigError, match="exists and is not a run"):
        runs.open_run(OmegaConf.merge(cfg, {"run": "mine"}))


@pytest.mark.parametrize("name", [".", ".hidden", "sweeps"])
def test_a_name_that_is_no_runs_is_refused(cfg, name):
    with pytest.raises(ConfigError, match="cannot name a run"):
        runs.folder(OmegaConf.merge(cfg, {"run": name}))


def test_overwrite_touches_nothing_that_is_not_a_run(cfg, tmp_path):
    foreign = tmp_path / "out" / "bert_mlm" / "mine"
    foreign.mkdir(parents=True)
    (foreign / "thesis.txt").write_text("x")
    with pytest.raises(ConfigError, match="exists and is not a run"):
        runs.open_run(OmegaConf.merge(cfg, {"run": "mine", "overwrite": True}))
    assert (foreign / "thesis.txt").exists()


def test_another_number_of_ranks_is_another_step_unless_each_takes_less(cfg, monkeypatch):
    named = OmegaConf.merge(cfg, {"run": "mine"})
    runs.open_run(named)
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert runs.folder(cfg) != runs.folder(OmegaConf.merge(cfg, {"trainer": {"per_device_train_batch_size": 4}}))
    with pytest.raises(ConfigError, match=r"global_batch: 8 → 16"):
        runs.open_run(named)
    runs.open_run(OmegaConf.merge(named, {"trainer": {"per_device_train_batch_size": 4}}))
    runs.open_run(
        OmegaConf.merge(named, {"trainer": {"per_device_train_batch_size": 2, "gradient_accumulation_steps": 2}})
    )


def test_an_allowed_change_is_written_down_once_training_goes_on_and_another_beside_it_is_refused(cfg, capsys):
    named = OmegaConf.merge(cfg, {"run": "mine"})
    folder = runs.open_run(named).folder
    fingerprints.note(folder, data={"train": "a"})
    final_numbers.write(folder, {"a": 1.0})
    changed = OmegaConf.merge(
        named, {"trainer": {"learning_rate": 2e-3}, "resume": {"allow": ["trainer.learning_rate"]}}
    )
    with pytest.raises(ConfigError, match=r"\(seed: 3 → 4\).* resume\.allow=\[trainer\.learning_rate,seed\]"):
        runs.open_run(OmegaConf.merge(changed, {"seed": 4}))
    opened = runs.open_run(changed)
    assert opened == runs.Run(
        folder, changed=("trainer.learning_rate",)
    )  # with another setting it is not finished any more
    assert "goes on with trainer.learning_rate: 0.001 → 0.002" in capsys.readouterr().err
    decided = OmegaConf.merge(changed, {"precision": "bf16"})  # by the hardware
    with pytest.raises(ConfigError, match="has taken all its 9 steps: other settings change nothing"):
        runs.take_over(folder, changed, decided, {"train": "a"}, TrainerState(global_step=9, max_steps=9))
    assert runs.open_run(named).metrics == {"a": 1.0}
    runs.take_over(folder, changed, decided, {"train": "a"}, TrainerState(global_step=5, max_steps=9))
    assert json.loads((folder / "settings.json").read_text())["trainer.learning_rate"] == 2e-3
    assert OmegaConf.load(folder / "config.yaml").precision == "bf16"  # and the same command is taken again:
    history = fingerprints.read(folder)["changed"]
    assert history == {"after step 5": "trainer.learning_rate: 0.001 → 0.002"}
    assert runs.open_run(OmegaConf.merge(changed, {"resume": {"allow": []}})).metrics is None


def test_allowing_a_change_where_nothing_has_begun_is_refused(cfg):
    with pytest.raises(ConfigError, match=r"resume\.allow is for a run that has begun, .* name it with run="):
        runs.open_run(OmegaConf.merge(cfg, {"resume": {"allow": "trainer.learning_rate"}}))


def test_a_run_begun_and_killed_at_once_is_begun_again(cfg):
    folder = runs.open_run(cfg).folder
    for name in ("config.yaml", "command.txt", "settings.json"):
        (folder / name).unlink()
    assert runs.open_run(cfg).metrics is None
    assert (folder / "config.yaml").exists()


def test_other_data_than_the_run_began_with_are_refused(cfg):
    folder = runs.open_run(cfg).folder
    data = {"train": "a", "validation": "b"}
    assert not fingerprints.is_other_data(folder, data, [])
    fingerprints.note(folder, data=data)
    assert not fingerprints.is_other_data(folder, data, [])
    with pytest.raises(ConfigError, match=r"other settings \(data\.train: a → c"):
        fingerprints.is_other_data(folder, data | {"train": "c"}, [])
    assert fingerprints.is_other_data(folder, data | {"train": "c"}, ["data"])


def test_only_rank_zero_makes_the_folder(cfg, monkeypatch):
    monkeypatch.setenv("RANK", "1")
    assert not runs.open_run(cfg).folder.exists()


def test_numbers_that_json_does_not_know_are_null(cfg):
    folder = runs.open_run(cfg).folder
    final_numbers.write(folder, {"a": float("nan"), "b": float("inf"), "c": 1.0})
    assert json.loads((folder / "metrics.json").read_text()) == {"a": None, "b": None, "c": 1.0}


def test_a_run_is_one_processs_at_a_time(cfg, tmp_path):
    folder = runs.open_run(cfg).folder
    runs.open_run(cfg)  # the same process may look again
    script = (
        "import sys; from genai_hf import runs; from omegaconf import OmegaConf; "
        "runs.open_run(OmegaConf.load(sys.argv[1]))"
    )
    OmegaConf.save(cfg, tmp_path / "cfg.yaml")
    done = subprocess.run(
        [sys.executable, "-c", script, tmp_path / "cfg.yaml"], capture_output=True, text=True, check=False
    )
    assert f"{folder} is in use by process {os.getpid()}; wait for it" in done.stderr


@pytest.mark.parametrize("name", ["settings.json", "fingerprint.json"])
def test_a_damaged_record_is_named(cfg, name):
    folder = runs.open_run(cfg).folder
    (folder / name).write_text("{")
    with pytest.raises(ConfigError, match=f"{name} is missing or damaged; begin the run anew"):
        runs.open_run(cfg)


def test_a_record_without_what_each_has_is_damaged(cfg):
    folder = runs.open_run(cfg).folder
    (folder / "fingerprint.json").write_text("{}")
    with pytest.raises(ConfigError, match=r"fingerprint.json is missing or damaged; begin the run anew"):
        runs.open_run(cfg)


def test_a_folder_that_cannot_be_made_is_one_line(cfg, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be made"):
        runs.open_run(OmegaConf.merge(cfg, {"root": str(tmp_path / "file")}))
    (tmp_path / "bert_mlm").mkdir()
    (tmp_path / "bert_mlm" / "mine").write_text("")
    with pytest.raises(ConfigError, match="exists and is not a run"):
        runs.open_run(OmegaConf.merge(cfg, {"root": str(tmp_path), "run": "mine"}))


def test_a_misspelt_key_of_an_allowed_change_is_refused(cfg):
    named = OmegaConf.merge(cfg, {"run": "mine"})
    runs.open_run(named)
    with pytest.raises(ConfigError, match=r"no key 'trainer\.learnign_rate'; did you mean 'trainer\.learning_rate'"):
        runs.open_run(OmegaConf.merge(named, {"resume": {"allow": ["trainer.learnign_rate"]}}))


def test_a_run_that_was_killed_while_it_was_being_set_aside_is_begun_anew(cfg):
    folder = runs.open_run(cfg).folder
    (folder / "checkpoint-5").mkdir()
    (folder / locks.REPLACED).mkdir()
    (folder / "config.yaml").unlink()
    assert runs.open_run(cfg).is_new
    assert not (folder / "checkpoint-5").exists()


def test_a_disk_without_locks_is_no_reason_to_stop(cfg, monkeypatch, capsys):
    def refuse(file, how):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.lockf", refuse)
    assert runs.open_run(cfg).is_new
    assert "is on a disk without locks" in capsys.readouterr().err


def test_names_of_other_letters_are_other_folders(cfg):
    names = {runs.folder(OmegaConf.merge(cfg, {"run": name})).name for name in ("grüße", "größe")}
    assert names == {"grüße", "größe"}


def test_what_was_there_comes_back_where_the_new_run_cannot_begin(cfg):
    (path := runs.open_run(cfg).folder).joinpath("mine.txt").write_text("mine")
    locks.release(path)
    before = {file.name: file.read_bytes() for file in path.iterdir() if file.name != locks.LOCK}
    fresh = runs.open_run(
        OmegaConf.merge(cfg, {"overwrite": True, "trainer": {"learning_rate": 2e-3}, "run": path.name})
    )
    assert fresh.folder == path
    assert not (path / "mine.txt").exists()
    locks.put_back(path)
    assert {file.name: file.read_bytes() for file in path.iterdir() if file.name != locks.LOCK} == before


def test_what_a_killed_process_had_set_aside_is_not_lost_to_the_next(cfg):
    (path := runs.open_run(cfg).folder).joinpath("mine.txt").write_text("mine")
    afresh = OmegaConf.merge(cfg, {"overwrite": True})
    for _ in range(2):  # each is killed before it can begin
        locks.release(path)
        assert runs.open_run(afresh).is_new
        assert not (path / "mine.txt").exists()
    locks.put_back(path)
    assert (path / "mine.txt").read_text() == "mine"


def test_a_run_without_its_settings_is_not_begun_over(cfg):
    (path := runs.open_run(cfg).folder).joinpath("metrics.jsonl").write_text("")
    locks.release(path)
    (path / "config.yaml").unlink()
    with pytest.raises(ConfigError, match=r"holds a run without its config\.yaml; bring it back"):
        runs.open_run(cfg)
    assert (path / "metrics.jsonl").exists()
