from pathlib import Path

import pytest

from genai_hf.training import checkpoints


def staged(run: Path, step: int, content: str = "weights") -> Path:
    folder = run / checkpoints.STAGE / f"checkpoint-{step}"
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_text(content)
    (folder / "trainer_state.json").write_text("{}")
    return folder


def test_a_published_checkpoint_verifies_and_is_the_newest(tmp_path):
    for step in (5, 10, 9):
        checkpoints.publish(staged(tmp_path, step), tmp_path, keep=None)
    assert [checkpoints.step(path) for path in checkpoints.listed(tmp_path)] == [5, 9, 10]
    assert checkpoints.newest(tmp_path) == (tmp_path / "checkpoint-10", [])


def test_rotation_goes_by_step_not_by_time(tmp_path):
    for step in (100, 20, 3):
        checkpoints.publish(staged(tmp_path, step), tmp_path, keep=2)
    assert [path.name for path in checkpoints.listed(tmp_path)] == ["checkpoint-20", "checkpoint-100"]
    assert [path.name for path in tmp_path.glob(".deleted*")] == []


def test_the_best_checkpoint_is_kept_besides_the_newest(tmp_path):
    best = checkpoints.publish(staged(tmp_path, 1), tmp_path, keep=1)
    for step in (2, 3):
        checkpoints.publish(staged(tmp_path, step), tmp_path, keep=1, best=best)
    assert [path.name for path in checkpoints.listed(tmp_path)] == ["checkpoint-1", "checkpoint-3"]


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda path: (path / "model.safetensors").write_text("weightz"), "model.safetensors is damaged"),
        (lambda path: (path / "model.safetensors").unlink(), "model.safetensors is missing"),
        (lambda path: (path / "manifest.json").unlink(), "manifest.json is missing"),
        (lambda path: (path / "manifest.json").write_text('{"model'), "manifest.json is damaged"),
    ],
)
def test_a_damaged_checkpoint_is_named_and_an_older_one_used(tmp_path, damage, said):
    for step in (1, 2):
        checkpoints.publish(staged(tmp_path, step), tmp_path, keep=None)
    damage(tmp_path / "checkpoint-2")
    assert checkpoints.newest(tmp_path) == (tmp_path / "checkpoint-1", [f"{tmp_path}/checkpoint-2: {said}; left alone"])


def test_a_damaged_checkpoint_of_the_same_step_makes_room(tmp_path):
    checkpoints.publish(staged(tmp_path, 2, "old"), tmp_path, keep=None)
    checkpoints.publish(staged(tmp_path, 2, "new"), tmp_path, keep=None)
    assert (tmp_path / "checkpoint-2" / "model.safetensors").read_text() == "new"
    assert len(list(tmp_path.glob(".damaged-checkpoint-2-*"))) == 1


def test_no_checkpoint_is_none(tmp_path):
    assert checkpoints.newest(tmp_path) == (None, [])
