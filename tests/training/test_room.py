"""A disk without room: said before, said when it ends, and nothing that was there is lost."""

import errno
import resource
import shutil

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from training_script import digest, make_trainer
from transformers import TrainerCallback

from genai_hf.errors import NoRoomError
from genai_hf.training import checkpoints, room, run

SIZES = [0, 1, 50, 150, 400, 800, 1200, 2000, 3000, 4500, 7000, 10_000, 13_000, 16_000, 20_000, 24_000]


class Limit(TrainerCallback):
    """From the end of a step on no file may be larger than so many bytes."""

    def __init__(self, size, step):
        self.size, self.step = size, step

    def on_step_end(self, args, state, control, **kwargs):
        if state.global_step == self.step:
            resource.setrlimit(resource.RLIMIT_FSIZE, (self.size, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))


@pytest.fixture(autouse=True)
def _limit():
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.slow
def test_wherever_in_a_checkpoint_the_room_ends_the_one_before_is_whole_and_goes_on(tmp_path, tokenizer):
    whole = make_trainer(tmp_path / "whole", tokenizer, accumulation=1, steps=4, save=2)
    whole.train()
    largest = max(file.stat().st_size for file in (tmp_path / "whole" / "checkpoint-4").iterdir())
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    for size in SIZES:
        assert size < largest
        folder = tmp_path / str(size)
        trainer = make_trainer(folder, tokenizer, accumulation=1, steps=4, save=2)
        trainer.add_callback(Limit(size, step=4))
        with pytest.raises(NoRoomError, match=rf"^{folder}: the disk filled up in saving step 4, [\d.,]+ .B are free"):
            trainer.train()
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert [path.name for path in folder.iterdir()] == ["checkpoint-2"]
        assert checkpoints.problem(folder / "checkpoint-2") is None
    resumed = make_trainer(folder, tokenizer, accumulation=1, steps=4, save=2)
    resumed.train(resume_from_checkpoint=str(folder / "checkpoint-2"))
    assert digest(resumed.model) == digest(whole.model)


def disk_of(monkeypatch, free):
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=free))


def test_a_run_that_will_not_fit_is_not_begun(tmp_path, tokenizer, monkeypatch):
    trainer = make_trainer(tmp_path, tokenizer, accumulation=1, steps=4, save=2)
    one = room.checkpoint_bytes(trainer.model, "adamw_torch")
    disk_of(monkeypatch, 2 * one)
    said = rf"^{tmp_path}: this run with 2 checkpoints more takes 1\.2 MB, 0\.1 MB are free; free some, lower"
    with pytest.raises(NoRoomError, match=said):
        run.train(trainer)
    assert list(tmp_path.iterdir()) == []


def test_a_checkpoint_that_will_not_fit_is_not_begun(tmp_path, tokenizer, monkeypatch):
    trainer = make_trainer(tmp_path, tokenizer, accumulation=1, steps=4, save=2)
    disk_of(monkeypatch, room.model_bytes(trainer.model))
    with pytest.raises(NoRoomError, match=rf"^{tmp_path}: the checkpoint of step 2 takes"):
        trainer.train()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("steps", "save", "limit", "number"),
    [(100, 10, 2, 3), (100, 30, 9, 4), (100, 0.25, None, 4), (-1, 10, 1, 2), (9, None, 2, 0)],
)
def test_the_new_checkpoint_lies_beside_those_that_are_kept(tmp_path, tokenizer, steps, save, limit, number):
    trainer = make_trainer(tmp_path, tokenizer, accumulation=1, steps=steps, save=save, save_total_limit=limit)
    assert run._checkpoints_at_once(trainer) == number


@pytest.mark.parametrize("lora", [False, True])
@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")  # peft asks for it
def test_the_estimate_is_what_a_checkpoint_with_adam_holds(tmp_path, tokenizer, lora):
    trainer = make_trainer(tmp_path, tokenizer, accumulation=1, steps=1, save=1, lora=lora)
    trainer.train()
    saved = [load_file(file) for file in (tmp_path / "checkpoint-1").glob("*.safetensors") if "rank" not in file.name]
    size = sum(tensor.numel() * tensor.element_size() for tensors in saved for tensor in tensors.values())
    assert room.checkpoint_bytes(trainer.model, "adamw_torch") == pytest.approx(size, rel=0.02)


def test_a_full_disk_elsewhere_is_not_called_the_runs(tmp_path):
    (tmp_path / "run").mkdir()
    for file, error in ((tmp_path / "run" / "a", NoRoomError), (tmp_path / "cache", OSError), (None, NoRoomError)):
        with pytest.raises(error), room.named(tmp_path / "run" if file else tmp_path, "saving"):
            raise OSError(errno.ENOSPC, "No space left on device", *([str(file)] if file else []))


@pytest.mark.parametrize(
    ("error", "is_full"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), True),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), True),
        (OSError(errno.EACCES, "Permission denied"), False),
        (SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)"), True),
        (SafetensorError("Error while deserializing header: invalid"), False),
        (torch.OutOfMemoryError("out of memory"), False),
    ],
)
def test_what_a_full_disk_looks_like(error, is_full):
    assert room.is_full(error) is is_full
