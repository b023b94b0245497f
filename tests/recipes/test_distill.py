"""The recipe of distillation: what a run leaves, from which teachers, of which kinds, and what it refuses."""

import json
import re
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.torch import load_file
from test_recipes import GPT2, QUESTIONS, RECIPES, T5, TRAINING, root, text  # noqa: F401 - fixtures

import genai_hf
from genai_hf import cli, recipe_files
from genai_hf.errors import ConfigError
from genai_hf.reports import sections
from genai_hf.settings import describing

TEACHER = [word for word in RECIPES["glue"] if not word.startswith("run=")]
OWN = ["task=local", *TRAINING, "compare=false"]
LONGER = ["trainer.max_steps=60", "trainer.eval_steps=20", "trainer.save_steps=10", "trainer.logging_steps=10"]


def words(*more: str) -> list[str]:
    return ["distill", *OWN, *more]


@pytest.fixture
def teacher(text, root) -> Path:  # noqa: F811
    assert cli.main(["glue", text, *TEACHER, "run=teacher", "model.config.num_hidden_layers=3"]) == 0
    return root / "glue" / "teacher"


def left(run: Path) -> dict[str, Any]:
    """What is in the end of all trainings in a run's folder: models, and how good they are."""
    models = [file for file in run.rglob("model.safetensors") if "checkpoint" not in str(file)]
    contents = {re.sub(r"-\w{8}/", "/", str(file.relative_to(run))): file.read_bytes() for file in models}
    metrics = json.loads((run / "metrics.json").read_text())
    return contents | {name: metrics[name] for name in metrics if name.endswith("_accuracy") and "majority" not in name}


def table(folder: Path) -> sections.Table:
    (found,) = [section for section in sections.load(folder) if section.title == "Teacher and student"]
    return found


def test_a_finished_run_teaches_a_student_of_every_other_layer(text, root, teacher, capsys):  # noqa: F811
    assert cli.main([*words(text, f"teacher.name={teacher}", "run=r"), "compare=true"]) == 0
    folder = root / "distill" / "r"
    shown = table(folder)
    assert [row[0] for row in shown.rows] == ["teacher", "student", "student without teacher"]
    start, theirs = (
        load_file(place / "model.safetensors") for place in (next(folder.glob("start-*")), teacher / "model")
    )
    for name, weight in start.items():
        assert (weight == theirs[name.replace("layer.1.", "layer.2.")]).all(), name
    metrics = json.loads((folder / "metrics.json").read_text())
    before = json.loads((teacher / "metrics.json").read_text())
    assert metrics["teacher_accuracy"] == before["eval_accuracy"]
    assert metrics["parameters"] < metrics["teacher_parameters"] == before["parameters"]
    assert {"without_teacher_accuracy", "times_faster"} <= metrics.keys()
    assert not [*folder.glob("teacher*")]
    assert next(folder.glob("without_teacher-*/model/model.safetensors"))


def test_a_teacher_without_another_start_is_of_a_bit_the_plain_run(text, root, teacher):  # noqa: F811
    sizes = ["model.config.hidden_size=32", "model.config.intermediate_size=64", f"tokenizer.name={teacher}/model"]
    assert cli.main(words(text, f"teacher.name={teacher}", "loss.alpha=0", *sizes, "run=r")) == 0
    assert cli.main(["glue", text, *OWN[:-1], *sizes, "run=plain"]) == 0
    ours, plain = (root / "distill" / "r" / "model", root / "glue" / "plain" / "model")
    assert (ours / "model.safetensors").read_bytes() == (plain / "model.safetensors").read_bytes()


@pytest.mark.slow
def test_a_student_with_a_tokenizer_of_its_own_learns_from_a_cache_only(text, root, teacher, capsys):  # noqa: F811
    assert cli.main(["glue", text, *TEACHER, "tokenizer.vocab_size=80", "run=other"]) == 0
    own = [f"teacher.name={teacher}", f"tokenizer.name={root}/glue/other/model", "model.config.hidden_size=32"]
    capsys.readouterr()
    assert cli.main(words(text, *own)) == 2
    assert "its vocabulary is not the student's" in capsys.readouterr().err
    assert cli.main(words(text, *own, "teacher.cache=true", "run=cached")) == 0
    assert len(table(root / "distill" / "cached").rows) == 2


KINDS = {
    "bert_mlm": ["data=text", "teacher.model.config.hidden_size=32"],
    "gpt_lm": ["data=text", "teacher.cache=true", *[f"teacher.{word}" for word in GPT2]],
    "t5_qa": [
        *QUESTIONS,
        "teacher.cache=true",
        *[f"teacher.{word}" for word in T5],
        "trainer.lr_scheduler_type=linear",
    ],
}


@pytest.mark.parametrize(
    "kind", [kind if kind == "gpt_lm" else pytest.param(kind, marks=pytest.mark.slow) for kind in KINDS]
)
def test_language_models_are_distilled_too(text, root, kind):  # noqa: F811
    assert cli.main(["distill", f"of={kind}", text, *TRAINING, *KINDS[kind], "compare=false", "run=r"]) == 0
    folder = root / "distill" / "r"
    assert [row[0] for row in table(folder).rows] == ["teacher", "student"]
    assert next(folder.glob("teacher-*/model/model.safetensors"))


@pytest.mark.slow
def test_a_student_that_tells_no_texts_apart_learns_from_a_bert(text, root, capsys):  # noqa: F811
    own = root.parent / "own" / "model"
    own.mkdir(parents=True)
    (own / "small.yaml").write_text(
        "defaults:\n  - /open@config\n  - _self_\narchitecture: distilbert\nname: null\nrevision: null\n"
        "config: {dim: 32, n_layers: 1, n_heads: 2, hidden_dim: 64}\n"
    )
    words = ["distill", "--config-dir", str(own.parent), "of=bert_mlm", text, *TRAINING, *KINDS["bert_mlm"]]
    words += ["model=small", "layers=null", "compare=false", "loss.cosine=0"]
    assert cli.main([*words, "run=r"]) == 0
    assert cli.main([*words, "run=s", "second_text=0.5"]) == 2
    said = "'second_text' does nothing with a model of one token type; leave it out"
    assert said in capsys.readouterr().err
    words = ["distill", "of=bert_mlm", text, *TRAINING, "data=text", f"teacher.name={root}/distill/r/model"]
    words += ["model=bert_tiny", "layers=null", "compare=false", "loss.cosine=0", "second_text=0.5"]
    assert cli.main(words) == 2
    said = "its token_type_ids are not the student's, and both read the same batches; say second_text=0"
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["loss.temperature=0"], "loss: temperature must be above 0, got 0"),
        (["loss.alpha=1.5"], "loss: alpha must be in [0, 1], got 1.5"),
        (["loss.alpha=x"], "'loss.alpha' must be float, got 'x'"),
        (["teacher.name=./nowhere"], "'teacher.name': ./nowhere holds no model"),
        (["layers=[0]", "model=bert_mini"], "leave them out, or model=bert_mini"),
        (["of=bert_mlm", "data=text", "teacher.cache=true"], "what is predicted is drawn anew in each epoch"),
        (["loss.cosine=1"], "labels are of texts"),
        (["sequence_lenght=3"], "did you mean 'sequence_length'?"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(text, root, capsys, more, said):  # noqa: F811
    task = [] if "data=text" in more else ["task=local"]
    assert cli.main(["check", "distill", text, *task, *TRAINING, *more]) == 2
    shown = capsys.readouterr().err
    assert said in shown
    assert len(shown.strip().splitlines()) == 1


def test_a_teacher_of_other_labels_or_without_a_head_is_refused(text, root, teacher, capsys):  # noqa: F811
    config = teacher / "model" / "config.json"
    known = json.loads(config.read_text())
    (teacher / "model" / "manifest.json").unlink()  # as one is told to who has changed a file
    for changes, said in (
        ({"id2label": {str(place): name for place, name in enumerate("abcde")}}, "its head is for a, b, c, d, e, and"),
        ({"architectures": ["BertForMaskedLM"]}, "it has no head for labels, and the task is bird, cat, dog,"),
    ):
        config.write_text(json.dumps(known | changes))
        capsys.readouterr()
        assert cli.main(words(text, f"teacher.name={teacher}/model")) == 2
        assert said in capsys.readouterr().err


@pytest.mark.slow
def test_killed_anywhere_it_goes_on_to_the_same_end(text, root, tmp_path, monkeypatch):  # noqa: F811
    """In the teacher's training, in asking it, in the student's, or in that of the student without a teacher."""
    given = [*words(text, "teacher.cache=true", *LONGER), "compare=true", "teacher.model.config.hidden_size=32"]

    def begun(run: str) -> subprocess.Popen:
        monkeypatch.setenv("GENAI_HF_CACHE", str(tmp_path / f"cache of {run}"))
        command = [sys.executable, "-m", "genai_hf", *given, f"run={run}"]
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    began = time.perf_counter()
    assert begun("whole").wait() == 0
    patience, parts = (time.perf_counter() - began) * np.random.default_rng(0).uniform(0.3, 0.8, 9), set[str]()
    for seconds in patience:
        process = begun("killed")
        with suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
        process.kill()
        process.wait()
        parts.add(" ".join(sorted(file.name.split("-")[0] for file in (root / "distill/killed").glob("*-*"))))
    assert begun("killed").wait() == 0
    assert len(parts) > 1  # it was killed in more than one of its parts
    whole, killed = (left(root / "distill" / run) for run in ("whole", "killed"))
    assert whole == killed
    assert len(whole) == 4 + 3  # models: teacher, start, student, and student without a teacher


def test_a_named_model_is_the_student():
    found = recipe_files.find("distill")
    assert genai_hf.compose("distill", []).layers == "every_other"
    assert genai_hf.compose("distill", ["model=bert_mini"]).layers is None
    with pytest.raises(ConfigError, match="'layers' makes the student of its teacher's own"):
        genai_hf.compose("distill", ["model=bert_mini", "layers=every_other"])
    assert {"of", "model", "task"} <= describing.describe(found).groups.keys()
