"""On what the time of training goes, and what was trained on."""

import time

import pytest
import torch
from conftest import tiny_bert
from training_script import make_trainer

from genai_hf.analysis.operations import Seen, operations
from genai_hf.analysis.peaks import Peak
from genai_hf.reports.sections import Table
from genai_hf.training import phases as timing
from genai_hf.training import speed
from genai_hf.training.callbacks import Clock
from genai_hf.training.meter import Meter
from genai_hf.training.phases import PHASES, HostMark, Phases

CPU = torch.device("cpu")


class Scripted:
    """Marks like a GPU's: seconds as they are told, seen only once the device has got there."""

    now, reached = 0.0, 0.0

    def record(self):
        self.at = Scripted.now

    def query(self):
        return self.at <= Scripted.reached

    def synchronize(self):
        Scripted.reached = max(Scripted.reached, self.at)

    def elapsed_time(self, other):
        assert other.query()
        return 1000 * (other.at - self.at)


@pytest.fixture
def passed(monkeypatch):
    monkeypatch.setattr(Scripted, "now", 0.0)
    monkeypatch.setattr(Scripted, "reached", 0.0)

    def wait(seconds):
        Scripted.now += seconds

    return wait


def test_the_phases_add_up_to_the_whole(passed):
    phases = Phases(Scripted)
    passed(100)
    phases.end("rest")  # before training begins nothing counts
    phases.begin()
    passed(1)
    with phases.phase("data"):
        passed(2)
    with phases.phase("backward"):
        passed(4)
        phases.end("forward")
        passed(8)
    passed(16)
    phases.end("optimizer")
    with phases.phase(None):  # an evaluation
        passed(32)
    passed(64)
    phases.finish()
    passed(128)
    phases.end("rest")
    phases.wait()
    assert phases.seconds == {"data": 2, "forward": 4, "backward": 8, "optimizer": 16, "rest": 65}


def test_a_device_that_is_behind_is_not_waited_for(passed):
    phases = Phases(Scripted)
    phases.begin()
    for _ in range(200):
        passed(1)
        phases.end("forward")
    assert Scripted.reached == 0
    assert phases.seconds["forward"] == 0
    Scripted.reached = 150
    passed(1)
    phases.end("forward")
    assert phases.seconds["forward"] == 150
    phases.wait()
    assert phases.seconds["forward"] == Scripted.reached == 201


def test_few_marks_wait_where_the_device_keeps_up():
    phases = Phases(HostMark)
    phases.begin()
    for _ in range(1000):
        phases.end("forward")
    assert len(phases._marks) <= timing.MOST_WAITING


def test_only_a_gpu_has_events():
    assert timing.marker(CPU) is HostMark
    assert timing.marker(torch.device("cuda")).func is torch.cuda.Event


def batch(lengths, width, targets=()):
    mask = torch.arange(width) < torch.tensor(lengths)[:, None]
    found = {"attention_mask": mask.long(), "label_positions": torch.arange(5)}
    if targets:
        known = torch.arange(max(targets)) < torch.tensor(targets)[:, None]
        found |= {"labels": torch.where(known, 7, -100), "decoder_input_ids": known.long()}
    return found


def test_padding_and_tokens_are_counted_exactly():
    counted = Meter(CPU)
    counted.add([batch([3, 4], 4), batch([2], 4)])
    counted.add([batch([4], 4) | {"filler": True}])
    assert counted.seen() == Seen(read=9, read_squared=29, rows=3, all=16, labels=10)
    assert counted.seen().padding == 7 / 16


def test_a_decoders_tokens_are_counted_too():
    counted = Meter(CPU)
    counted.add([batch([3, 4], 4, targets=[2, 1])])
    sums = {"written": 3, "written_squared": 5, "crossed": 10}
    assert counted.seen() == Seen(read=7, read_squared=25, rows=2, all=12, labels=5, **sums)
    assert counted.seen().padding == 2 / 12


def test_a_training_is_shared_out_and_its_evaluations_are_not_in_it(tmp_path, tokenizer, monkeypatch):
    trainer = make_trainer(tmp_path, tokenizer, accumulation=2, epochs=2)
    tally, evaluated = trainer._tally, []

    def slow(batch):
        evaluated.append(0.1)
        time.sleep(0.1)
        return tally(batch)

    monkeypatch.setattr(trainer, "_tally", slow)
    began = time.perf_counter()
    trainer.train()
    whole = time.perf_counter() - began
    trainer.meter.read()
    seconds = trainer.meter.phases.seconds
    assert len(evaluated) == 8
    assert list(seconds) == list(PHASES)
    assert all(spent > 0 for spent in seconds.values())
    assert sum(seconds.values()) < whole - sum(evaluated)
    assert sum(seconds.values()) > trainer.meter.all_seconds * 0.9


@pytest.mark.parametrize("head_on_labels", [True, False])
def test_the_vocabulary_head_is_counted_where_it_is_computed(tmp_path, tokenizer, head_on_labels):
    trainer = make_trainer(tmp_path, tokenizer, accumulation=2, epochs=1, head_on_labels=head_on_labels)
    trainer.train()
    seen = trainer.meter.seen()
    assert seen.rows == 57
    assert seen.read == sum(len(row) for row in trainer.train_dataset.rows)
    assert trainer.meter.head_positions == (seen.labels if head_on_labels else seen.all)
    assert not trainer.model.get_output_embeddings()._forward_hooks


def test_the_first_step_is_counted_from_the_processs_start_or_its_training_before(tmp_path, tokenizer):
    first, second = (make_trainer(tmp_path / name, tokenizer, accumulation=1, steps=2) for name in "ab")
    first.train()
    time.sleep(0.2)
    began = time.time()
    second.train()
    assert 0.2 <= second.clock.first_step <= time.time() - began + 0.3
    Clock.earlier = None
    assert Clock(second.meter.phases).first_step is None


def test_measuring_costs_less_than_a_two_hundredth_of_a_step_of_20_ms():
    """At best: what other work does to a machine is not the meter's doing."""
    counted, model, given = Meter(CPU), tiny_bert(), batch([64] * 16, 64)
    clock = Clock(counted.phases)
    counted.phases.begin()

    def step():
        with counted.phases.phase("data"):
            counted.add([given])
        with counted.phases.phase("backward"), counted.head(model):
            counted.phases.end("forward")
        clock.on_optimizer_step(None, None, None)

    def seconds(steps=100):
        began = time.perf_counter()
        for _ in range(steps):
            step()
        return (time.perf_counter() - began) / steps

    assert min(seconds() for _ in range(10)) < 0.020 / 200


def test_the_figures_of_a_training_by_hand():
    counted, work = Meter(CPU), operations(tiny_bert())
    counted.add([batch([3, 4], 4)])
    counted.seen()
    counted.all_seconds, counted.head_positions = 2.0, 5
    counted.phases.seconds = dict(zip(PHASES, (0.25, 0.5, 1.0, 0.125, 0.125), strict=True))
    most = Peak(1e6, "by hand")
    done = 7 * 6 * 2560 + 5 * 6 * 1088 + 25 * 192
    found = speed.figures(counted, 3.5, work, most)
    assert found == {
        "padding_share": 1 / 8,
        "flops_per_token": done / 7,
        "flops_per_second": done / 2,
        "peak_flops_per_second": 1e6,
        "mfu": done / 2e6,
        "seconds_to_first_step": 3.5,
        "seconds_of_training": 2.0,
        "seconds_data": 0.25,
        "seconds_forward": 0.5,
        "seconds_backward": 1.0,
        "seconds_optimizer": 0.125,
        "seconds_rest": 0.125,
    }
    shown = speed.table(found, work, most)
    assert isinstance(shown, Table)
    assert dict(shown.rows)["of it forward passes"] == "0.5 s, 25.0%"
    assert dict(shown.rows)["padding, of all tokens in training"] == "12.5%"
    assert "15,360, 6,528 a position" in shown.note
