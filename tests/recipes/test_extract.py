"""The recipe through the command: every transformation on files, what a run leaves, and what it is asked afterwards."""

import json
from pathlib import Path

import pytest
import transformers
from glue_folder import write_glue

from genai_hf import cli

SMALL = [
    "sequence_length=32",
    "trainer.use_cpu=true",
    "precision=fp32",
    "tokenizer.vocab_size=300",
    "tokenizer.multiple_of=1",
    "trainer.max_steps=2",
    "model.config.n_embd=32",
    "model.config.n_layer=1",
]
RAIN, LATE = ["We got wet.", "We got a tan."], ["To bed!", "To work!", "To school!"]


@pytest.fixture
def root(monkeypatch, tmp_path) -> Path:
    monkeypatch.setenv("GENAI_HF_ROOT", str(tmp_path / "outputs"))
    return tmp_path / "outputs" / "gpt_extract"


@pytest.fixture
def glue(tmp_path) -> str:
    return f"data.path={write_glue(tmp_path / 'glue')}"


@pytest.fixture
def stories(tmp_path) -> str:
    rows = [{"context": f"It rained on day {number}.", "choices": RAIN, "label": RAIN[0]} for number in range(12)]
    rows += [{"context": f"It was {number} at night.", "choices": LATE, "label": 0} for number in range(12)]
    for split in ("train", "validation", "test"):
        (tmp_path / f"{split}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return f"data.path={tmp_path}"


def facts(folder: Path) -> dict:
    return json.loads((folder / "model" / "config.json").read_text())["extract"]


def asked(capsys, *words) -> dict[str, float]:
    """What a run answers, as JSON."""
    capsys.readouterr()
    assert cli.main(["predict", "--json", *map(str, words)]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    (line,) = said.out.splitlines()
    return json.loads(line)


@pytest.mark.parametrize(
    ("task", "taken", "texts", "names"),
    [
        ("sst2", "classification", ["the cat"], {"negative", "positive"}),
        ("rte", "entailment", ["the cat", "a dog"], {"entailment", "not_entailment"}),
        ("mrpc", "similarity", ["the cat", "a dog"], {"not_equivalent", "equivalent"}),
    ],
)
def test_a_task_takes_its_transformation_and_the_run_answers(task, taken, texts, names, glue, root, capsys):
    assert cli.main(["gpt_extract", f"task={task}", glue, *SMALL, "run=r"]) == 0
    folder = root / "r"
    assert facts(folder) == {
        "transformation": taken, "names": facts(folder)["names"], "length": 32,
        "start": "[START]", "delimiter": "[DELIM]", "extract": "[EXTRACT]",
    }  # fmt: skip
    answer = asked(capsys, folder, *texts)
    assert set(answer["labels"]) == names
    assert sum(answer["labels"].values()) == pytest.approx(1.0)
    if task == "mrpc":
        turned = asked(capsys, folder, *reversed(texts))
        assert turned["labels"] == pytest.approx(answer["labels"], abs=1e-6)
    metrics = json.loads((folder / "metrics.json").read_text())
    assert {"eval_loss", "eval_majority_accuracy", "eval_language_model_loss"} <= set(metrics)
    assert "## Confusion matrix" in (folder / "report.md").read_text()
    transformers.AutoModelForCausalLM.from_pretrained(folder / "model", use_safetensors=True)


def test_a_regression_answers_with_a_value(glue, root, capsys):
    assert cli.main(["gpt_extract", "task=stsb", glue, *SMALL, "auxiliary.weight=0", "run=r"]) == 0
    assert facts(root / "r")["names"] == []
    assert set(asked(capsys, root / "r", "the cat", "a dog")) == {"text", "text_pair", "value"}
    assert "eval_language_model_loss" not in json.loads((root / "r" / "metrics.json").read_text())


def test_choices_of_any_number_are_chosen_from(stories, root, tmp_path, capsys):
    words = ["gpt_extract", "task=local_choice", stories, *SMALL, "predict=true", "run=r"]
    assert cli.main(words) == 0
    folder = root / "r"
    assert json.loads((folder / "metrics.json").read_text())["eval_majority_accuracy"] == 1.0
    answer = asked(capsys, folder, "It rained.", "a", "b", "c", "d")["labels"]
    other = asked(capsys, folder, "It rained.", "d", "b", "a", "c")["labels"]
    assert set(answer) == {"a", "b", "c", "d"}
    assert other == pytest.approx(answer, abs=1e-6)
    rows = (folder / "predictions" / "predictions.tsv").read_text().splitlines()
    assert (rows[0], len(rows)) == ("index\tprediction", 25)
    assert {row.split("\t")[1] for row in rows[1:]} <= {"0", "1", "2"}
    capsys.readouterr()
    assert cli.main(["predict", str(folder), str(tmp_path / "test.jsonl")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 24
    assert {line.split("\t")[0] for line in lines[:12]} <= set(RAIN)
    for wrong in (["x"], ["x", "a"], ["x", "a", "a"]):
        assert cli.main(["predict", str(folder), *wrong]) == 2
        assert "chooses between texts: give a text, and two or more different choices" in capsys.readouterr().err


def test_inspect_shows_every_sequence(stories, glue, root, capsys):
    assert cli.main(["inspect", "gpt_extract", "--n", "1", "task=mrpc", glue, *SMALL]) == 0
    shown = capsys.readouterr().out
    assert all(f"{name}: [START]" in shown for name in ("in order", "turned"))
    assert shown.count("[DELIM]") == shown.count("[EXTRACT]") == 2
    assert cli.main(["inspect", "gpt_extract", "--json", "--n", "1", "task=local_choice", stories, *SMALL]) == 0
    example = json.loads(capsys.readouterr().out)
    assert len(example["tokens"]) == len(example["input_ids"]) == example["sequences"][0]
    assert all(tokens[0] == "[START]" and "[DELIM]" in tokens and "[EXTRACT]" in tokens for tokens in example["tokens"])
    assert not root.exists()


def test_a_run_begins_with_a_saved_decoder_and_keeps_its_tokens(glue, root, capsys):
    assert cli.main(["gpt_extract", "task=sst2", glue, *SMALL, "run=first"]) == 0
    begun = [word for word in SMALL if not word.startswith(("model.", "tokenizer."))]
    assert cli.main(["gpt_extract", "task=rte", glue, *begun, f"init_from={root / 'first'}", "run=second"]) == 0
    first, second = (json.loads((root / run / "model" / "config.json").read_text()) for run in ("first", "second"))
    assert first["vocab_size"] == second["vocab_size"]
    assert facts(root / "second")["transformation"] == "entailment"
    assert set(asked(capsys, root / "second", "a", "b")["labels"]) == {"entailment", "not_entailment"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["task=sst2", "input=similarity"], "input: similarity does not suit task=sst2; take classification"),
        (["task=rte", "input=both"], "'input' must be one of ['auto', 'classification', 'entailment', "),
        (["task=rte", "auxiliary.weight=-1"], "auxiliary: weight must be at least 0 and finite, got -1"),
        (["task=rte", "auxiliary.weight=inf"], "'auxiliary.weight' must be a finite number, got inf"),
        (["task=rte", "head.deviation=nan"], "'head.deviation' must be a finite number, got nan"),
        (["task=rte", "head.dropout=1.5"], "head: dropout must be in [0, 1), got 1.5"),
        (["task=rte", "tokens.start=the"], "tokens: 'the' is an ordinary word of the vocabulary"),
        (["task=rte", "sequence_length=4"], "sequence_length: 4 leaves no room for text"),
        (["task=rte", "sequence_length=513"], "'sequence_length': 513 exceeds the model's 512 positions; lower it"),
    ],
)
def test_what_does_not_suit_is_refused_in_a_line(words, said, glue, root, capsys):
    assert cli.main(["gpt_extract", glue, *SMALL, *words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


def test_a_sweep_of_tasks_has_the_table_of_glue(glue, root):
    assert cli.main(["gpt_extract", "-m", "task=rte,mrpc", glue, *SMALL]) == 0
    (summary,) = (root / "sweeps").iterdir()
    assert (summary / "glue.md").read_text().splitlines()[2] == "|  | MRPC | RTE | Average |"


def test_a_classifiers_run_is_still_asked_as_one(glue, root, capsys):
    words = ["glue", "task=sst2", glue, "model.config.hidden_size=32", "model.config.intermediate_size=64"]
    assert cli.main([*words, *SMALL[:6], "run=r"]) == 0
    assert set(asked(capsys, root.parent / "glue" / "r", "the cat")["labels"]) == {"negative", "positive"}
