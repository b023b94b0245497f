import os
import random
from pathlib import Path

import pytest

from genai_hf.training import checkpoints


def staged(run: Path, step: int, content: str = "weights") -> Path:
    folder = run / checkpoints.STAGE / f"checkpoint-{step}"
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_text(content)
    (folder / "trainer_state.json").write_text("{}")
    (folder / "rank-0.json").write_text("{}")
    return folder


def publish(run: Path, step: int, content: str = "weights", **given: object) -> Path:
    return checkpoints.publish(staged(run, step, content), run, given.pop("keep", None), ranks=1, **given)


def test_a_published_checkpoint_verifies_and_is_the_newest(tmp_path):
    for step in (5, 10, 9):
        publish(tmp_path, step)
    assert [checkpoints.step(path) for path in checkpoints.listed(tmp_path)] == [5, 9, 10]
    assert checkpoints.newest(tmp_path) == (tmp_path / "checkpoint-10", [])


def test_rotation_goes_by_step_not_by_time(tmp_path):
    for step in (3, 20, 100):
        os.utime(publish(tmp_path, step, keep=2), (1000 - step, 1000 - step))
    assert [path.name for path in checkpoints.listed(tmp_path)] == ["checkpoint-20", "checkpoint-100"]
    assert [path.name for path in tmp_path.glob(".deleted*")] == []


def test_rotation_keeps_the_one_just_written_whatever_damaged_ones_stand_after_it(tmp_path):
    for step in (300, 600, 900):
        publish(tmp_path, step)
    for step in (600, 900):
        (tmp_path / f"checkpoint-{step}" / "model.safetensors").write_text("damaged")
    publish(tmp_path, 450, keep=1)
    assert checkpoints.newest(tmp_path)[0] == tmp_path / "checkpoint-450"
    assert not (tmp_path / "checkpoint-300").exists()


def test_a_checkpoint_without_every_ranks_part_is_not_published(tmp_path):
    with pytest.raises(RuntimeError, match="lacks the part of rank 1"):
        checkpoints.publish(staged(tmp_path, 5), tmp_path, None, ranks=2)
    assert checkpoints.listed(tmp_path) == []


def test_what_a_killed_process_left_is_taken_away_and_no_checkpoint_with_it(tmp_path):
    publish(tmp_path, 1)
    staged(tmp_path, 2)
    (tmp_path / ".deleted-checkpoint-0").mkdir()
    checkpoints.tidy(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-1"]


def test_the_best_checkpoint_is_kept_besides_the_newest(tmp_path):
    publish(tmp_path, 1, keep=1)
    for step in (2, 3):
        publish(tmp_path, step, keep=1, best="elsewhere/checkpoint-1")
    assert [path.name for path in checkpoints.listed(tmp_path)] == ["checkpoint-1", "checkpoint-3"]


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda path: (path / "model.safetensors").write_text("weightz"), "model.safetensors is damaged"),
        (lambda path: (path / "model.safetensors").unlink(), "model.safetensors is missing"),
        (lambda path: (path / "manifest.json").unlink(), "manifest.json is missing"),
        (lambda path: (path / "manifest.json").write_text('{"model'), "manifest.json is damaged"),
        (lambda path: (path / "manifest.json").write_text("{}\n"), "manifest.json is damaged"),
    ],
)
def test_a_damaged_checkpoint_is_named_and_an_older_one_used(tmp_path, damage, said):
    for step in (1, 2):
        publish(tmp_path, step)
    damage(tmp_path / "checkpoint-2")
    assert checkpoints.newest(tmp_path) == (tmp_path / "checkpoint-1", [f"{tmp_path}/checkpoint-2: {said}; left alone"])


def test_a_damaged_checkpoint_of_the_same_step_makes_room(tmp_path):
    publish(tmp_path, 2, "old")
    publish(tmp_path, 2, "new")
    assert (tmp_path / "checkpoint-2" / "model.safetensors").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir() if path.name != checkpoints.STAGE] == ["checkpoint-2"]


def test_one_that_was_whole_before_its_process_died_is_let_be_seen(tmp_path):
    """Killed between the two renames of a checkpoint that takes another's place."""
    final = publish(tmp_path, 2)
    staging = tmp_path / checkpoints.STAGE
    staging.mkdir(exist_ok=True)
    final.rename(staging / final.name)
    publish(tmp_path, 1)
    assert checkpoints.newest(tmp_path) == (tmp_path / "checkpoint-2", [])


def test_no_checkpoint_is_none(tmp_path):
    assert checkpoints.newest(tmp_path) == (None, [])


def test_every_flipped_bit_and_every_cut_is_noticed_in_every_file(tmp_path):
    """The manifest's own last line break too."""
    checkpoint, draw = publish(tmp_path, 1), random.Random(0)
    for file in sorted(checkpoint.iterdir()):
        content = file.read_bytes()
        for bit in range(len(content) * 8):
            damaged = bytearray(content)
            damaged[bit // 8] ^= 1 << bit % 8
            file.write_bytes(damaged)
            assert checkpoints.problem(checkpoint), (file.name, bit)
        for length in draw.sample(range(len(content)), min(20, len(content))):
            file.write_bytes(content[:length])
            assert checkpoints.problem(checkpoint), (file.name, length)
        file.write_bytes(content)
    assert checkpoints.problem(checkpoint) is None
