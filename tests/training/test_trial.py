"""A few steps before a run begins say what a step takes."""

import mmap

import numpy as np
import pytest
import torch
import transformers
from conftest import tiny_bert
from training_script import make_trainer

from genai_hf.analysis.cost import Cost
from genai_hf.errors import NoRoomError
from genai_hf.training import memory, trial
from genai_hf.training.batches import TrainingBatches
from genai_hf.training.out_of_memory import StepTooLargeError

CPU = torch.device("cpu")
SIZES = {"vocab_size": 64, "hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 32}


def weightless(layers):
    with torch.device("meta"):
        return transformers.BertForMaskedLM(transformers.BertConfig(num_hidden_layers=layers, **SIZES))


@pytest.fixture
def trainer(tmp_path, tokenizer):
    made = make_trainer(tmp_path, tokenizer, accumulation=2, epochs=1)
    made.model = made.model_wrapped = weightless(6)
    return made


def test_the_steps_are_the_largest_and_others_from_all_over_the_epoch():
    lengths = np.arange(1, 101)
    batches = TrainingBatches(size=100, seed=0, batch_size=3, accumulation=2, ranks=1, rank=0, lengths=lengths)

    def size(part):
        return len(part) * lengths[[row for _, row in part]].max()

    def padded(step):
        return [size(part) for part in step]

    steps, sizes, usual = trial.chosen(batches, size)

    assert len(steps) == len(sizes) == trial.MOST
    assert sizes == [sum(padded(step)) for step in steps]
    epoch = list(batches)
    whole = [epoch[first : first + 2] for first in range(0, 32, 2)]  # four rows of the hundred make no whole step
    assert max(padded(steps[0])) == max(max(padded(step)) for step in whole)
    assert all(step in whole for step in steps)
    assert usual == pytest.approx(np.mean([sum(padded(step)) for step in whole]))


def test_of_a_step_of_many_micro_batches_the_largest_are_taken_and_stand_for_all():
    lengths = np.arange(64) % 7 + 1
    batches = TrainingBatches(64, 0, 2, 16, 1, 0)
    steps, sizes, usual = trial.chosen(batches, lambda part: int(sum(lengths[row] for _, row in part)))
    (whole,) = {tuple(tuple(part) for part in step) for step in steps[:1]}
    every = sorted(
        (int(lengths[list(batches.order()[first : first + 2])].sum()) for first in range(0, 32, 2)), reverse=True
    )
    others = sorted(
        (int(lengths[list(batches.order()[first : first + 2])].sum()) for first in range(32, 64, 2)), reverse=True
    )
    assert len(whole) == trial.PARTS
    assert {*sizes} == {float(sum(every[: trial.PARTS])), float(sum(others[: trial.PARTS]))}
    assert usual == (sum(every) + sum(others)) / 2


def test_a_set_too_small_for_one_step_is_one():
    steps, sizes, usual = trial.chosen(TrainingBatches(10, 0, 4, 8, 1, 0), len)
    assert {tuple(len(part) for part in step) for step in steps} == {(4, 4, 2)}
    assert {*sizes} == {usual} == {10}


def test_a_model_without_weights_gets_some_and_keeps_its_ties_and_positions():
    model, like = weightless(2), tiny_bert()
    trial.fill(model, CPU)
    assert {tensor.device.type for tensor in [*model.parameters(), *model.buffers()]} == {"cpu"}
    assert model.get_output_embeddings().weight is model.get_input_embeddings().weight
    positions = dict(like.named_buffers())["bert.embeddings.position_ids"][:, :64]
    assert torch.equal(model.bert.embeddings.position_ids[:, :64], positions)
    assert 0 < float(model.bert.encoder.layer[1].output.dense.weight.detach().abs().max()) <= 0.05


def test_frozen_weights_stay_frozen():
    model = weightless(1)
    model.bert.encoder.requires_grad_(False)
    trial.fill(model, CPU)
    assert not any(weight.requires_grad for weight in model.bert.encoder.parameters())
    assert model.get_output_embeddings().weight.requires_grad


def test_a_few_steps_are_taken_and_nothing_else(trainer, monkeypatch):
    evaluated = []
    monkeypatch.setattr(trainer, "measure", lambda *_: evaluated.append(1))
    found = trial.attempt(trainer, (6,), own=0)
    assert len(trainer.model.bert.encoder.layer) == 6
    assert trial.FEWEST <= trainer.state.global_step <= trial.MOST
    assert 0 < found.step_seconds < 1
    assert found.memory > 50e6  # the libraries are in it: they were said to be of no size
    assert not evaluated


def test_from_two_layers_and_one_it_goes_on_to_all(trainer, monkeypatch):
    def steps(made, counts):
        layers, watch = len(made.model.bert.encoder.layer), trial.Watch(1.0)
        watch.made.most = 100 + 10 * layers
        watch.seconds = [9.0, 9.0, *[16.0] * 4]  # of sixteen rows
        made.meter.add([{"attention_mask": torch.ones(2, 5)}])
        made.meter.head_positions += 3
        return watch

    monkeypatch.setattr(trial, "_steps", steps)
    monkeypatch.setattr(memory, "most_held", lambda device, own: 1000 - own)
    each = trial.weight_bytes(weightless(2)) - trial.weight_bytes(weightless(1))
    monkeypatch.setattr(trial, "weight_bytes", lambda model: each * len(model.bert.encoder.layer))
    found = trial.attempt(trainer, (2, 1), own=100)
    assert found.memory == 900 + 4 * (10 + each)
    layer = 6 * 2224 * 10 + 12 * 16 * 50  # of ten tokens and fifty pairs
    rest = 6 * (32 + 304) * 10 + 3 * 6 * 1088
    assert found.step_seconds == pytest.approx(16 * (6 * layer + rest) / (2 * layer + rest))


@pytest.mark.slow
def test_two_real_trials_follow_each_other(trainer):
    found = trial.attempt(trainer, (2, 1), own=0)
    assert len(trainer.model.bert.encoder.layer) == 1
    assert 0 < found.step_seconds < 2


def test_what_takes_long_or_much_memory_is_thinned_or_not_tried():
    model = weightless(6)
    assert trial.depths(model, Cost(1e6, 0.1), free=1e9) == (6,)
    assert trial.depths(model, Cost(1e6, 5.0), free=1e9) == (2, 1)
    assert trial.depths(model, Cost(8e8, 0.1), free=1e9) == (2, 1)
    assert trial.depths(model, Cost(1e6, 30.0), free=1e9) is None
    assert trial.depths(model, Cost(1e10, 0.1), free=1e9) is None
    assert trial.depths(weightless(2), Cost(1e6, 5.0), free=1e9) is None


def test_steps_that_do_not_fit_are_said_in_a_line(trainer, monkeypatch):
    def train():
        raise StepTooLargeError

    monkeypatch.setattr(trainer, "train", train)
    with pytest.raises(NoRoomError, match=r"lower trainer\.per_device_train_batch_size"):
        trial.attempt(trainer, (6,), own=0)


def test_the_most_memory_is_remembered_and_can_be_forgotten():
    memory.forget_most(CPU)
    before = memory.most_held(CPU)
    held = mmap.mmap(-1, 80_000_000)  # fresh from the system: the allocator may have as much left from before
    torch.frombuffer(held, dtype=torch.uint8).fill_(1)
    assert memory.most_held(CPU) - before >= 0.9 * len(held) or not memory.RESET.exists()
    held.close()
    memory.forget_most(CPU)
    assert memory.most_held(CPU) - before < 40e6 or not memory.RESET.exists()
    assert memory.most_held(CPU, own=1000) < memory.most_held(CPU) + 1e6
    assert memory.free(CPU) > 0


def test_what_is_made_is_counted_while_it_lives():
    weight = torch.randn(100, 100, requires_grad=True)
    optimizer, rows = torch.optim.AdamW([weight]), torch.randn(50, 100)
    with memory.Made() as made:
        for _ in range(2):
            (rows @ weight).relu().sum().backward()
            optimizer.step()
            optimizer.zero_grad()
    state, gradient, activation = 2 * 40_000, 40_000, 20_000
    assert state <= made.now < state + 100
    assert state + gradient + activation <= made.most <= state + 2 * gradient + 2 * activation
