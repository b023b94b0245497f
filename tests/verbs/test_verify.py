"""What the verb verify says of a run's files."""

import json

import pytest

from genai_hf import cli, final_numbers, manifests
from genai_hf.errors import ConfigError


@pytest.fixture
def run(tmp_path):
    """A run that has finished, of which only what is looked at is there."""
    model = tmp_path / "run" / "model"
    model.mkdir(parents=True)
    (model / "config.json").write_text("{}")
    manifests.write(model)
    (tmp_path / "run" / "config.yaml").write_text("recipe: gpt_lm\ntrainer: {max_steps: 1}\n")
    (tmp_path / "run" / "fingerprint.json").write_text("{}")
    final_numbers.write(tmp_path / "run", {"eval_loss": 1.5, "eval_accuracy": float("nan")})
    return tmp_path / "run"


def verify(run, capsys) -> tuple[int, str]:
    code = cli.main(["verify", str(run), "--steps", "0"])
    return code, capsys.readouterr().out


WHOLE = "final numbers       whole, as they were written\n"


def test_a_run_is_whole_with_its_model_and_its_final_numbers(run, capsys):
    assert verify(run, capsys) == (0, "model               whole, every file as it was written\n" + WHOLE)


def test_final_numbers_that_were_changed_are_seen(run, capsys):
    (run / "metrics.json").write_text((run / "metrics.json").read_text().replace("1.5", "1.4"))
    code, said = verify(run, capsys)
    assert code == 2
    assert "final numbers       metrics.json is damaged\n" in said


def test_of_older_runs_it_is_said_that_nobody_knows(run, capsys):
    (run / "manifest.json").unlink()
    code, said = verify(run, capsys)
    assert code == 0
    assert "final numbers       of an older version, without a manifest.json: nobody knows" in said


def test_a_model_without_a_manifest_is_a_fault_once_its_run_has_finished(run, capsys):
    (run / "model" / "manifest.json").unlink()
    code, said = verify(run, capsys)
    assert code == 2
    assert "a finished run left one, unless it is of an older version" in said
    (run / "metrics.json").unlink()
    assert verify(run, capsys)[0] == 0


def test_what_lies_where_nothing_reads_is_named_and_no_fault(run, capsys):
    (run / "model" / "onnx").mkdir()
    (run / "model" / "onnx" / "config.json").write_text("{}")
    said = "model               every file as it was written, but onnx/config.json besides, where nothing reads them\n"
    assert verify(run, capsys) == (0, said + WHOLE)
    manifests.require_whole(run / "model")


@pytest.mark.parametrize("name", ["generation_config.json", "additional_chat_templates/tool_use.jinja"])
def test_what_lies_where_a_library_reads_is_refused_by_both(name, run, capsys):
    (run / "model" / name).parent.mkdir(exist_ok=True)
    (run / "model" / name).write_text(json.dumps({}))
    assert verify(run, capsys)[0] == 2
    with pytest.raises(ConfigError, match=f"{name} was not written by its run; take it out"):
        manifests.require_whole(run / "model")
