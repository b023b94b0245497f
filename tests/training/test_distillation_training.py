"""Training beside a teacher: exact however a step is cut up, the teacher untouched, its cache whole or mended."""

import dataclasses
import re
import shutil
from typing import Any

import pytest
import torch
from distillation_script import LOSS, PROBLEMS, launched, make, make_causal, taught
from labelling_script import make_trainer as make_labelling
from test_trainer import relative
from training_script import gradients

from genai_hf.collators.causal import CausalLMCollator
from genai_hf.errors import ConfigError
from genai_hf.objectives.distillation import Mixture
from genai_hf.training import teacher_cache, teaching
from genai_hf.training.teacher_cache import Kept, cached

PROBLEMS = pytest.mark.parametrize("problem", PROBLEMS)


@pytest.fixture(scope="module")
def ranks(tmp_path_factory) -> dict[str, Any]:
    """What two gloo ranks gave, each problem with the teacher in the loop and from its cache."""
    return launched(tmp_path_factory.mktemp("ranks"))


@pytest.mark.slow  # accumulation, which is the same sum, runs every time
@PROBLEMS
@pytest.mark.parametrize("cache", [False, True])
def test_two_ranks_do_not_change_the_gradient(ranks, tmp_path, monkeypatch, problem, cache):
    monkeypatch.setenv("GENAI_HF_CACHE", str(tmp_path))
    whole, loss = gradients(taught(tmp_path, problem, cache=cache, dtype=torch.float64, accumulation=1)[1])
    found = ranks[f"{problem} {cache}"]
    ours = {name: torch.tensor(found["gradients"][name], dtype=torch.float64) for name in whole}
    assert relative(ours, {name: gradient.flatten() for name, gradient in whole.items()}) < 1e-10
    assert found["loss"] == pytest.approx(loss, rel=1e-6)


@PROBLEMS
def test_accumulation_does_not_change_the_gradient(tmp_path, problem):
    def cut(accumulation: int, loss: Mixture = LOSS) -> tuple[Any, float]:
        return gradients(taught(tmp_path, problem, loss, dtype=torch.float64, accumulation=accumulation)[1])

    whole, whole_loss = cut(1)
    for accumulation in (2, 4, 8):
        ours, loss = cut(accumulation)
        assert relative(ours, whole) < 1e-10, accumulation
        assert loss == pytest.approx(whole_loss, rel=1e-6)
    assert relative(cut(1, Mixture(alpha=0.0))[0], whole) > 1e-2  # the teacher does say something


def test_hidden_states_are_exact_too(tmp_path):
    loss = Mixture(alpha=0.6, cosine=0.5)
    whole, _ = gradients(taught(tmp_path, "causal_lm", loss, dtype=torch.float64)[1])
    ours, _ = gradients(taught(tmp_path, "causal_lm", loss, dtype=torch.float64, accumulation=4)[1])
    assert relative(ours, whole) < 1e-10
    assert relative(gradients(taught(tmp_path, "causal_lm", dtype=torch.float64)[1])[0], whole) > 1e-3


@PROBLEMS
def test_the_teacher_stays_as_it_is_in_evaluation_mode_and_in_nobodys_parameters(tmp_path, problem):
    teacher, student = taught(tmp_path, problem, accumulation=2)
    before = {name: weight.clone() for name, weight in teacher.model.state_dict().items()}
    modes = set()
    teacher.model.register_forward_hook(lambda model, *_: modes.add((model.training, student.model.training)))
    student.train()
    assert (False, True) in modes
    assert not any(is_training for is_training, _ in modes)
    assert all(torch.equal(weight, before[name]) for name, weight in teacher.model.state_dict().items())
    assert all(weight.grad is None and not weight.requires_grad for weight in teacher.model.parameters())
    ours = {id(weight) for group in student.optimizer.param_groups for weight in group["params"]}
    assert ours == {id(weight) for weight in student.model.parameters()}
    assert not ours & {id(weight) for weight in teacher.model.parameters()}


@PROBLEMS
def test_without_weight_the_teacher_changes_no_bit(tmp_path, problem):
    _, student = taught(tmp_path, problem, Mixture(alpha=0.0), accumulation=2)
    plain = make(tmp_path, problem, accumulation=2)
    for trainer in (student, plain):
        trainer.train()
    ours, theirs = student.model.state_dict(), plain.model.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


@pytest.mark.parametrize("problem", ["classification", "regression"])
def test_cached_logits_teach_the_same_bit_for_bit_of_what_is_padded_alike(tmp_path, monkeypatch, problem):
    monkeypatch.setenv("GENAI_HF_CACHE", str(tmp_path / "cache"))
    asked, _ = gradients(taught(tmp_path, problem, accumulation=1)[1])
    read, _ = gradients(taught(tmp_path, problem, accumulation=1, cache=True)[1])
    assert relative(read, asked) < 1e-5  # other batches were padded otherwise


def test_all_tokens_in_the_cache_are_the_teacher_in_the_loop(tmp_path):
    teacher, student = taught(tmp_path, "causal_lm")
    asked, _ = gradients(student)
    kept = Kept(classes=64, top_k=8, temperature=LOSS.temperature)
    object.__setattr__(kept, "top_k", 64)  # more than 32 bytes hold
    _, again = taught(tmp_path, "causal_lm")
    says = cached(teacher, range(64), kept, tmp_path)
    again.objective = dataclasses.replace(again.objective, teacher=says)
    read, _ = gradients(again)
    assert relative(read, asked) < 2e-3  # log probabilities in float16


def test_a_token_takes_32_bytes_and_all_parts_are_memory_mapped(tmp_path, monkeypatch):
    monkeypatch.setattr(teacher_cache, "ROWS", 8)
    teacher, _ = taught(tmp_path, "causal_lm")
    says = cached(teacher, range(64), Kept(classes=64, top_k=8), tmp_path)
    parts = sorted(says.folder.iterdir())
    assert [part.name for part in parts] == ["part-00000", "part-00001", "part-00002"]
    taken = sum(
        file.stat().st_size for part in parts for name in ("ids", "scores") for file in part.glob(f"{name}.npy")
    )
    assert taken <= 32 * 21 * 16 + 6 * 128  # rows of 16 tokens, and a header a file
    assert all(array.filename for part in says._parts for array in part.values())
    assert re.match(r"The cache holds the teacher's 8 most probable tokens of each place, [3-9]\d\.\d% of", says.note)


def test_what_is_damaged_or_missing_is_asked_again_and_nothing_else(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(teacher_cache, "ROWS", 8)
    teacher, _ = taught(tmp_path, "causal_lm")
    kept = Kept(classes=64, top_k=8)
    says = cached(teacher, range(64), kept, tmp_path)
    whole = {file: file.read_bytes() for file in sorted(says.folder.rglob("*.npy"))}
    first, second, third = (says.folder / f"part-{number:05}" for number in range(3))
    shutil.rmtree(third)  # as a kill leaves it
    data = bytearray((second / "scores.npy").read_bytes())
    data[-3] ^= 1
    (second / "scores.npy").write_bytes(data)
    written = (first / "scores.npy").stat().st_mtime_ns
    asked = []
    teacher.model.register_forward_hook(lambda *_: asked.append(1))
    cached(teacher, range(64), kept, tmp_path)
    assert f"{second} is damaged; the teacher is asked again" in capsys.readouterr().err
    assert len(asked) == 2 + 2  # batches of 4: of 8 rows, and of the last 5
    assert (first / "scores.npy").stat().st_mtime_ns == written
    assert {file: file.read_bytes() for file in sorted(says.folder.rglob("*.npy"))} == whole


def test_another_teacher_or_temperature_has_another_place(tmp_path):
    teacher, _ = taught(tmp_path, "causal_lm")
    places = {cached(teacher, range(64), Kept(classes=64, top_k=k, temperature=t), tmp_path).folder
              for k, t in ((8, 1.0), (8, 2.0), (4, 1.0))}  # fmt: skip
    with torch.no_grad():
        next(teacher.model.parameters())[0, 0] += 1e-3
    places.add(cached(teacher, range(64), Kept(classes=64, top_k=8), tmp_path).folder)
    assert len(places) == 4


@pytest.mark.parametrize(("classes", "most"), [(65_536, 8), (65_537, 5)])
def test_no_more_is_kept_than_32_bytes_hold(classes, most):
    Kept(classes=classes, top_k=most)
    for wrong in (0, most + 1):
        with pytest.raises(ValueError, match=f"top_k must be from 1 to {most} with"):
            Kept(classes=classes, top_k=wrong)


def test_what_does_not_fit_together_is_refused(tmp_path):
    teacher, student = make_causal(tmp_path, width=8), make_causal(tmp_path)
    given = {"teacher": teacher, "student": student, "top_k": 8}
    with pytest.raises(ConfigError, match=r"'loss\.cosine': 8 and 16 numbers wide are not alike"):
        teaching.teacher_of(**given, loss=Mixture(cosine=1.0), cache=False)
    with pytest.raises(ConfigError, match=r"'loss\.cosine': a cache holds no hidden states"):
        teaching.teacher_of(teacher=make_causal(tmp_path), student=student, top_k=8, loss=Mixture(cosine=1), cache=True)
    teacher.data_collator = CausalLMCollator(end_of_text=3, packing="stream")
    with pytest.raises(ConfigError, match=r"its position_ids are not the student's"):
        teaching.teacher_of(**given, loss=LOSS, cache=False)
    teacher.processing_class.add_tokens(["more"])
    with pytest.raises(ConfigError, match=r"its vocabulary is not the student's \('more' is 64 there and not here\)"):
        teaching.teacher_of(**given, loss=LOSS, cache=False)
    head = {"objective": dataclasses.replace(student.objective, head_rows=4)}
    vars(teacher).update(head)
    with pytest.raises(ConfigError, match="'head_rows': a teacher's distribution needs all logits at once"):
        teaching.teacher_of(**given, loss=LOSS, cache=False)


def test_labels_of_another_order_are_matched_by_their_names(tmp_path):
    teacher, student = (make_labelling(tmp_path, "classification", accumulation=1) for _ in range(2))
    student.model.config.id2label = dict(enumerate(["no", "maybe", "yes"]))
    teacher.model.config.id2label = dict(enumerate(["Yes", "no", "maybe"]))
    assert teaching._columns(teacher, student) == [1, 2, 0]
