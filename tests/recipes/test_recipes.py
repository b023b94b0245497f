"""Every recipe for real, end to end and through the command, on a small text: what a run leaves, resumes, refuses."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

import genai_hf
from genai_hf import cli, recipe_files, runs
from genai_hf.models.extract import read_extract_head
from genai_hf.settings import trainer

SMALL = ["tokenizer.vocab_size=300", "tokenizer.multiple_of=1"]
TRAINING = [
    *SMALL,
    "sequence_length=32",
    "trainer.max_steps=6",
    "trainer.per_device_train_batch_size=8",
    "trainer.logging_steps=2",
    "trainer.eval_strategy=steps",
    "trainer.eval_steps=3",
    "trainer.save_strategy=steps",
    "trainer.save_steps=3",
    "trainer.save_total_limit=2",
    "trainer.load_best_model_at_end=false",
    "trainer.use_cpu=true",
    "precision=fp32",
]
QUESTIONS = ["pairs=questions", "data.input=text", "data.answers=label"]
INSTRUCTIONS = [
    "instructions=alpaca",
    "prompt=alpaca",
    "data.rename={text: instruction, label: output}",
    "decoding.max_new_tokens=4",
]
BERT = ["model.config.hidden_size=32", "model.config.intermediate_size=64"]
GPT2 = ["model.config.n_embd=32"]
QUANTISING = ["sequence_length=32", "methods=[affine4_group8]", "save=affine4_group8", "measure.rounds=1"]
T5 = ["model.config.d_model=32", "model.config.d_ff=64"]
OWN = {
    "bert_mlm": ["data=text", *TRAINING, *BERT],
    "bert_nsp": ["data=text", *TRAINING, *BERT],
    "distill": ["task=local", *TRAINING, *BERT, "teacher.model.config.hidden_size=32"],
    "glue": ["task=local", *TRAINING, *BERT],
    "gpt_extract": ["task=local", *TRAINING, *GPT2],
    "gpt_lm": ["data=text", *TRAINING, *GPT2],
    "instruct": [*INSTRUCTIONS, *TRAINING, *GPT2, "sequence_length=192"],
    "prefix_lm": ["data=text", *TRAINING, *GPT2],
    "quantize": ["data=text", *SMALL, "model=gpt2_tiny", *GPT2, *QUANTISING],
    "spanbert": ["data=text", *TRAINING, *BERT],
    "t5_qa": [*QUESTIONS, *TRAINING, *T5, "trainer.lr_scheduler_type=linear"],
    "t5_spans": ["data=text", *TRAINING, *T5],
    "train_tokenizer": ["data=text", *SMALL],
}
RECIPES = {name: OWN[name] for name in recipe_files.shipped()}
TRAINED = [name for name, recipe in recipe_files.shipped().items() if recipe.trains]
HEADS = {
    "bert_mlm": "AutoModelForMaskedLM",
    "bert_nsp": "AutoModelForPreTraining",
    "distill": "AutoModelForSequenceClassification",
    "glue": "AutoModelForSequenceClassification",
    "gpt_extract": "AutoModelForCausalLM",
    "gpt_lm": "AutoModelForCausalLM",
    "instruct": "AutoModelForCausalLM",
    "prefix_lm": "AutoModelForCausalLM",
    "spanbert": "AutoModelForMaskedLM",
    "t5_qa": "AutoModelForSeq2SeqLM",
    "t5_spans": "AutoModelForSeq2SeqLM",
}


KEPT_HEADS = {"gpt_extract": {"extract_head"}}  # beside the model's own in its files


@pytest.fixture
def text(tmp_path: Path) -> str:
    """Eighty documents of one file each, and sentences of them labelled with the animal that they name."""
    folder = tmp_path / "text"
    folder.mkdir()
    labelled: dict[str, list[str]] = {"train": [], "validation": []}
    things, deeds = ["cat", "dog", "bird", "fish", "horse"], ["sleeps", "eats", "runs", "sings", "waits"]
    for number in range(80):
        thing, deed = things[number % 5], deeds[number // 5 % 5]
        sentences = [
            f"The {thing} {deed} in house number {number * 7 + line}, and nobody asks why." for line in range(12)
        ]
        (folder / f"{number:02}.txt").write_text("\n".join(sentences), encoding="utf-8")
        for split, some in (("train", sentences[:3]), ("validation", sentences[3:4])):
            labelled[split] += [json.dumps({"text": sentence, "label": thing}) for sentence in some]
    for split, lines in labelled.items():
        (folder / f"{split}.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return f"data.path={folder}"


@pytest.fixture
def root(monkeypatch, tmp_path) -> Path:
    monkeypatch.setenv("GENAI_HF_ROOT", str(tmp_path / "outputs"))
    return tmp_path / "outputs"


FEW = ("bert_mlm", "glue", "t5_spans")  # of what is every recipe's alike, one of each kind; the others are slow
MORE = (*FEW, "gpt_extract", "spanbert")  # and some with something of their own to save
EACH = [name if name in FEW else pytest.param(name, marks=pytest.mark.slow) for name in TRAINED]
MOST = [name if name in MORE else pytest.param(name, marks=pytest.mark.slow) for name in TRAINED]


@pytest.mark.parametrize("recipe", [*MOST, *sorted({*RECIPES} - {*TRAINED})])
def test_a_run_leaves_everything_that_a_run_folder_holds(recipe, text, root, capsys):
    assert cli.main([recipe, text, *RECIPES[recipe], "run=first"]) == 0
    folder = root / recipe / "first"
    kept = {file.name for file in folder.iterdir()}
    assert kept >= {
        "config.yaml",
        "command.txt",
        "fingerprint.json",
        "metrics.json",
        "report.html",
        "report.md",
        "model",
    }
    metrics = json.loads((folder / "metrics.json").read_text())
    assert all(isinstance(value, float | int) for value in metrics.values())
    for page in ("report.html", "report.md"):
        assert ("model FLOPs utilisation" in (folder / page).read_text()) == ("mfu" in metrics) == (recipe in TRAINED)
    assert not list(folder.rglob("training_args.bin"))
    assert f"report: {folder / 'report.html'}" in capsys.readouterr().err


@pytest.mark.parametrize("recipe", [*EACH, *sorted({*RECIPES} - {*TRAINED})])
def test_a_finished_run_is_not_run_again(recipe, text, root, capsys):
    words = [recipe, text, *RECIPES[recipe]]
    assert cli.main(words) == 0
    (folder,) = (root / recipe).iterdir()
    written = (folder / "metrics.json").stat().st_mtime_ns
    assert cli.main(words) == 0
    assert "finished before" in capsys.readouterr().err
    assert (folder / "metrics.json").stat().st_mtime_ns == written


@pytest.mark.parametrize("recipe", MOST)
def test_an_unfinished_run_goes_on_and_ends_the_same(recipe, text, root, capsys):
    overrides = [text, *RECIPES[recipe]]
    whole = genai_hf.run(genai_hf.compose(recipe, [*overrides, "run=whole"]))
    lines = (root / recipe / "whole" / "metrics.jsonl").read_text().splitlines()
    broken = root / recipe / "broken"
    genai_hf.run(genai_hf.compose(recipe, [*overrides, "run=broken"]))
    for name in ("metrics.json", "report.html"):
        (broken / name).unlink()
    for name in ("model", "checkpoint-6"):
        subprocess.run(["rm", "-r", broken / name], check=True)
    again = genai_hf.run(genai_hf.compose(recipe, [*overrides, "run=broken"]))
    assert f"resumed {broken} after step 3" in capsys.readouterr().err
    assert {name: again[name] for name in again if name.startswith("eval_")} == {
        name: whole[name] for name in whole if name.startswith("eval_")
    }
    weights = [(root / recipe / run / "model" / "model.safetensors").read_bytes() for run in ("whole", "broken")]
    assert weights[0] == weights[1]
    resumed = (broken / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in resumed] == [json.loads(line)["step"] for line in lines]


@pytest.mark.parametrize("recipe", EACH)
def test_a_change_that_cannot_be_taken_leaves_the_run_as_it_was(recipe, text, root, capsys):
    words = [recipe, text, *RECIPES[recipe], "run=first"]
    assert cli.main(words) == 0
    folder = root / recipe / "first"
    before = {name: (folder / name).read_bytes() for name in ("config.yaml", "settings.json", "metrics.json")}
    wider = next(word for word in words if word.startswith("model.config.")).partition("=")[0] + "=64"
    for change, said in (
        (wider, "its weights do not fit this model"),
        ("trainer.learning_rate=1e-5", "has taken all its 6 steps: other settings change nothing"),
    ):
        capsys.readouterr()
        assert cli.main([*words, change, f"resume.allow=[{change.partition('=')[0]}]"]) == 2
        assert said in capsys.readouterr().err
    assert {name: (folder / name).read_bytes() for name in before} == before
    assert cli.main(words) == 0
    assert "finished before" in capsys.readouterr().err


def test_a_run_from_before_there_were_some_settings_was_without_them(text, root, capsys):
    young = ("speed.attention", "speed.dropout", "speed.documents", "speed.unpadded", "speed.last_layer", "second_text")
    command = ["bert_mlm", text, *RECIPES["bert_mlm"], "run=old"]
    assert cli.main(command) == 0
    folder = root / "bert_mlm" / "old"
    settings = json.loads((folder / "settings.json").read_text())
    old = {key: value for key, value in settings.items() if key not in young}
    assert len(old) == len(settings) - len(young)
    (folder / "settings.json").write_text(json.dumps(old))
    capsys.readouterr()
    assert cli.main(command) == 2
    said = capsys.readouterr().err
    assert "speed.attention: library → auto" in said
    assert "second_text: 0.0 → 0.5" in said
    library = [f"speed.{key}=library" for key in ("attention", "dropout", "unpadded", "last_layer")]
    assert cli.main([*command, *library, "second_text=0"]) == 0
    assert "finished before" in capsys.readouterr().err


@pytest.mark.parametrize("recipe", EACH)
def test_a_run_is_made_longer_with_what_was_changed_written_down(recipe, text, root, capsys):
    words = [recipe, text, *RECIPES[recipe], "run=first"]
    assert cli.main(words) == 0
    longer = [*words, "trainer.max_steps=8", "trainer.learning_rate=1e-5"]
    assert cli.main([*longer, "resume.allow=[trainer.max_steps,trainer.learning_rate]"]) == 0
    folder = root / recipe / "first"
    lines = map(json.loads, (folder / "metrics.jsonl").read_text().splitlines())
    rates = {line["step"]: line["learning_rate"] for line in lines if "learning_rate" in line}
    assert max(rate for step, rate in rates.items() if step > 6) < 1e-5
    assert "- changed, after step 6: trainer.learning_rate: " in (folder / "report.md").read_text()
    capsys.readouterr()
    assert cli.main(longer) == 0
    assert "finished before" in capsys.readouterr().err


def test_a_run_of_which_no_checkpoint_is_whole_does_not_begin_anew_by_itself(text, root, capsys):
    words = ["bert_mlm", text, *RECIPES["bert_mlm"], "run=first"]
    assert cli.main(words) == 0
    folder = root / "bert_mlm" / "first"
    (folder / "metrics.json").unlink()
    for checkpoint in ("checkpoint-3", "checkpoint-6"):
        (folder / checkpoint / "model.safetensors").write_bytes(b"")
    assert cli.main(words) == 2
    said = capsys.readouterr().err
    assert f"{folder / 'checkpoint-6'}: model.safetensors is damaged; left alone" in said
    assert f"no checkpoint of {folder} is whole; mend one, or begin anew with overwrite=true" in said
    assert (folder / "checkpoint-6").is_dir()


@pytest.mark.parametrize("recipe", EACH)
def test_a_replay_gives_what_was_written_down_and_notices_what_was_not(recipe, text, root, capsys):
    assert cli.main([recipe, text, *RECIPES[recipe], "run=first"]) == 0
    folder = root / recipe / "first"
    assert cli.main(["verify", str(folder)]) == 0
    said = capsys.readouterr().out
    assert "checkpoint-3        whole" in said
    assert "final numbers       whole, as they were written" in said
    assert "checkpoint-3 to step 6" in said
    assert "came out again, bit for bit" in said
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    changed = [line | {"loss": line["loss"] * (1 + 1e-7)} if line["step"] == 4 and "loss" in line else line
               for line in map(json.loads, lines)]  # fmt: skip
    (folder / "metrics.jsonl").write_text("\n".join(map(json.dumps, changed)))
    assert cli.main(["verify", str(folder)]) == 2
    assert "loss at step 4" in capsys.readouterr().out


def test_what_cannot_be_verified_is_said(text, root, capsys):
    assert cli.main(["verify"]) == 2
    assert cli.main(["verify", str(root)]) == 2
    assert "is not a run" in capsys.readouterr().err
    assert cli.main(["train_tokenizer", text, *RECIPES["train_tokenizer"], "run=first"]) == 0
    assert cli.main(["verify", str(root / "train_tokenizer" / "first")]) == 2
    assert "trained no model" in capsys.readouterr().err
    assert cli.main(["bert_mlm", text, *RECIPES["bert_mlm"], "run=first"]) == 0
    folder = root / "bert_mlm" / "first"
    (folder / "checkpoint-6" / "config.json").write_text("{}")
    assert cli.main(["verify", str(folder), "--steps", "0"]) == 2
    assert "checkpoint-6        config.json is damaged" in capsys.readouterr().out
    (folder / "model" / "modeling_mine.py").touch()
    assert cli.main(["verify", str(folder), "--steps", "0"]) == 2
    said = capsys.readouterr()
    assert "model               every file as it was written, but modeling_mine.py besides" in said.out
    assert "checkpoint-6 damaged and model holds files that the run did not write; training goes on from" in said.err
    (folder / "model" / "manifest.json").unlink()
    assert cli.main(["verify", str(folder), "--steps", "0"]) == 2
    assert "model               has no manifest.json, so that nobody knows" in capsys.readouterr().out
    shutil.rmtree(folder / "model")
    assert cli.main(["verify", str(folder)]) == 2
    said = capsys.readouterr()
    assert "model               is missing, though the run has finished" in said.out
    assert "checkpoint-6 damaged and model missing; " in said.err
    (folder / "metrics.jsonl").write_text("[3]\n")
    assert cli.main(["verify", str(folder)]) == 2
    assert "metrics.jsonl holds a line that is no object with a step; --steps 0 looks" in capsys.readouterr().err


@pytest.mark.parametrize("recipe", MOST)
def test_the_saved_model_loads_with_its_tokenizer_and_repeats_its_score(recipe, text, root):
    import transformers

    cfg = genai_hf.compose(recipe, [text, *RECIPES[recipe]])
    metrics = genai_hf.run(cfg)
    saved = runs.folder(cfg) / "model"
    tokenizer = transformers.AutoTokenizer.from_pretrained(saved)
    head = getattr(transformers, HEADS[recipe])
    model, found = head.from_pretrained(saved, use_safetensors=True, output_loading_info=True)
    assert not found["missing_keys"]
    assert {key.partition(".")[0] for key in found["unexpected_keys"]} == KEPT_HEADS.get(recipe, set())
    assert model.get_input_embeddings().weight.shape[0] == len(tokenizer)
    if recipe == "gpt_extract":
        read_extract_head(model, saved)
    trainer = genai_hf.build(genai_hf.compose(recipe, [text, *RECIPES[recipe], "run=scored"]))
    missing, unexpected = trainer.model.load_state_dict(model.state_dict(), strict=False)
    assert {name.partition(".")[0] for name in missing} == set(trainer.training_heads)
    assert not unexpected
    assert trainer.evaluate()["eval_loss"] == pytest.approx(metrics["eval_loss"], rel=1e-6)


def test_a_model_that_is_compiled_is_compiled_once(text, root):
    compiled = ["trainer.torch_compile=true", "trainer.torch_compile_backend=eager"]
    quiet = ["trainer.eval_on_start=false", "trainer.eval_strategy=no"]
    trainer = genai_hf.build(genai_hf.compose("bert_mlm", [text, *RECIPES["bert_mlm"], *compiled, *quiet]))
    torch._dynamo.reset()
    with torch._dynamo.config.patch(error_on_recompile=True):
        trainer.train()
    assert trainer.state.global_step == 6


def test_edited_data_under_a_finished_run_is_refused(text, root, capsys):
    words = ["bert_mlm", text, *RECIPES["bert_mlm"]]
    assert cli.main(words) == 0
    file = next(Path(text.partition("=")[2]).iterdir())
    file.write_text(file.read_text() + "\nOne line more.")
    assert cli.main(words) == 2
    assert "files.data.path" in capsys.readouterr().err


def test_bad_data_is_refused_before_a_model_is_built(text, root, capsys, monkeypatch):
    folder = Path(text.partition("=")[2])
    (folder / "03.txt").write_bytes(b"caf\xe9\n")
    monkeypatch.setattr("genai_hf.models.load", None)
    assert cli.main(["bert_mlm", text, *RECIPES["bert_mlm"]]) == 2
    assert f"{folder / '03.txt'}:1: " in capsys.readouterr().err


def test_a_sweep_runs_every_cell_once_and_sums_them_up(text, root, capsys):
    words = ["bert_mlm", "-m", text, *RECIPES["bert_mlm"], "seed=1,2"]
    assert cli.main(words) == 0
    cells = [path for path in (root / "bert_mlm").iterdir() if path.name != "sweeps"]
    assert len(cells) == 2
    (summary,) = (root / "bert_mlm" / "sweeps").iterdir()
    assert {file.name for file in summary.iterdir()} >= {"sweep.md", "sweep.csv", "sweep.svg", "report.html"}
    assert len((summary / "sweep.csv").read_text().splitlines()) == 3
    capsys.readouterr()
    assert cli.main(words) == 0
    assert capsys.readouterr().err.count("finished before") == 2


def test_a_sweep_with_a_wrong_cell_runs_none(text, root, capsys):
    assert cli.main(["bert_mlm", "-m", text, *RECIPES["bert_mlm"], "seed=1,x"]) == 2
    assert not root.exists()


def test_inspect_prints_what_the_model_receives(text, root, capsys):
    assert cli.main(["inspect", "bert_mlm", "--json", "--n", "20", text, *RECIPES["bert_mlm"]]) == 0
    examples = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(examples) == 20
    for example in examples:
        assert len(example["tokens"]) == len(example["input_ids"]) == len(example["attention_mask"]) == 32
        for original, label in zip(example["original_ids"], example["labels"], strict=True):
            assert label in {-100, original}
        changed = [i for i, o in zip(example["input_ids"], example["original_ids"], strict=True) if i != o]
        assert len(changed) <= sum(label != -100 for label in example["labels"]) == 5
    assert not root.exists()


def test_inspect_shows_rates_in_their_bands(text, root, capsys):
    assert cli.main(["inspect", "bert_mlm", "--n", "100", text, *RECIPES["bert_mlm"]]) == 0
    shown = capsys.readouterr().out
    assert shown.count("inside") == 5
    assert "outside" not in shown


def test_check_says_what_a_run_would_be_and_leaves_nothing(text, root, capsys):
    assert cli.main(["check", "bert_mlm", text, *RECIPES["bert_mlm"]]) == 0
    shown = capsys.readouterr().out
    assert "6 of 8 rows" in shown
    assert "BertForMaskedLM" in shown
    assert "accelerate launch -m genai_hf bert_mlm" in shown
    assert "beside the libraries' own (measured)" in shown
    assert "seconds of training (measured)" in shown
    assert not root.exists()


def test_report_is_written_again_from_the_folder(text, root, capsys):
    assert cli.main(["bert_mlm", text, *RECIPES["bert_mlm"], "run=r"]) == 0
    page = root / "bert_mlm" / "r" / "report.html"
    before = page.read_bytes()
    page.unlink()
    capsys.readouterr()
    assert cli.main(["report", str(page.parent)]) == 0
    assert capsys.readouterr().out.strip() == str(page)
    assert page.read_bytes() == before


def test_a_terminated_run_saves_and_goes_on(text, root):
    words = [sys.executable, "-m", "genai_hf", "bert_mlm", text, *RECIPES["bert_mlm"], "trainer.max_steps=150", "run=t"]
    log = root / "bert_mlm" / "t" / "metrics.jsonl"
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True, env=os.environ.copy()) as process:
        while process.poll() is None and not (log.exists() and "grad_norm" in log.read_text()):
            time.sleep(0.05)
        process.terminate()
        process.terminate()  # a launcher passes on what the scheduler has sent already
        _, said = process.communicate()
    assert process.returncode == 143
    assert "the same command goes on from there" in said
    assert list(log.parent.glob("checkpoint-*"))
    assert not (log.parent / "metrics.json").exists()
    with log.open("a") as stream:
        stream.write('{"step": 9, "lo')  # as a killed run leaves it
    again = subprocess.run(words, capture_output=True, text=True, check=False, env=os.environ.copy())
    assert (again.returncode, "resumed" in again.stderr) == (0, True), again.stderr
    steps = [json.loads(line)["step"] for line in log.read_text().splitlines()]
    assert steps == sorted(steps)
    assert steps[-1] == 150


@pytest.mark.slow
def test_a_library_writes_into_the_runs_log_and_not_to_the_terminal(text, root):
    words = ["bert_mlm", text, *RECIPES["bert_mlm"], "trainer.log_level=info", "run=logged"]
    done = subprocess.run([sys.executable, "-m", "genai_hf", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Running training" in (root / "bert_mlm" / "logged" / "run.log").read_text()
    assert "Running training" not in done.stderr


def test_a_setting_that_is_refused_while_building_leaves_no_folder(text, root, capsys):
    assert cli.main(["bert_mlm", text, *RECIPES["bert_mlm"], "sequence_length=2"]) == 2
    assert "sequence_length: a length of 2 leaves no room for text" in capsys.readouterr().err
    assert not list((root / "bert_mlm").iterdir())


def test_other_documents_behind_a_glob_are_noticed(text, root, capsys):
    folder = Path(text.partition("=")[2])
    words = ["bert_mlm", f"data.path='{folder}/*.txt'", *RECIPES["bert_mlm"]]
    assert cli.main(words) == 0
    (folder / "03.txt").write_text("Something else altogether, said once and for all in this house.")
    assert cli.main(words) == 2
    assert "files.data.path" in capsys.readouterr().err


def test_a_model_that_was_saved_is_taken_up_again_with_its_tokenizer(text, root):
    genai_hf.run(genai_hf.compose("bert_mlm", [text, *RECIPES["bert_mlm"], "run=first"]))
    saved = root / "bert_mlm" / "first" / "model"
    settings = [word for word in RECIPES["bert_mlm"] if not word.startswith(("model.", "tokenizer."))]
    trainer = genai_hf.build(genai_hf.compose("bert_mlm", [text, *settings, "model=pretrained", f"model.name={saved}"]))
    assert trainer.processing_class.get_vocab() == trainer.processing_class.from_pretrained(saved).get_vocab()
    assert trainer.model.config.hidden_size == 32


def test_a_users_own_recipe_runs_and_is_noticed_when_edited(text, root, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["cp", "bert_mlm", "mine"]) == 0
    words = ["./mine.py", text, *RECIPES["bert_mlm"]]
    assert cli.main(words) == 0
    assert len(list((root / "mine").iterdir())) == 1
    source = tmp_path / "mine.py"
    source.write_text(source.read_text() + "\n# another thought\n")
    assert cli.main(words) == 2
    assert "files.recipe" in capsys.readouterr().err


def test_a_sweep_writes_no_secret(text, root, capsys):
    words = ["bert_mlm", "-m", text, *RECIPES["bert_mlm"], "trainer.hub_token=plainsecret77", "seed=1,2"]
    assert cli.main(words) == 0
    assert "plainsecret77" not in capsys.readouterr().err
    written = [
        path for path in root.rglob("*") if path.suffix in {".json", ".yaml", ".md", ".csv", ".html", ".txt", ".log"}
    ]
    assert len(written) > 10
    assert all("plainsecret77" not in path.read_text() for path in written)


def test_the_best_model_can_be_loaded_at_the_end(text, root, monkeypatch):
    # By the largest loss, which the third step has and not the last; nobody else may ask for it.
    monkeypatch.setattr(trainer, "LESS_IS_BETTER", re.compile("none"))
    best = [
        "trainer.load_best_model_at_end=true",
        "trainer.greater_is_better=true",
        "trainer.metric_for_best_model=loss",
    ]
    best += ["trainer.save_total_limit=1", "run=best"]
    metrics = genai_hf.run(genai_hf.compose("bert_mlm", [text, *RECIPES["bert_mlm"], *best]))
    lines = [json.loads(line) for line in (root / "bert_mlm" / "best" / "metrics.jsonl").read_text().splitlines()]
    third, sixth = [line["eval_loss"] for line in lines if "eval_loss" in line and line["step"]]
    assert sixth < third
    assert metrics["eval_loss"] == pytest.approx(third)


def test_the_best_by_a_figure_that_there_is_not_is_refused_and_leaves_no_folder(text, root, capsys):
    best = [
        "trainer.load_best_model_at_end=true",
        "trainer.metric_for_best_model=accuracy",
        "trainer.eval_on_start=true",
    ]
    assert cli.main(["bert_mlm", text, *RECIPES["bert_mlm"], *best, "run=best"]) == 2
    assert "'trainer.metric_for_best_model': accuracy is not among loss, perplexity, " in capsys.readouterr().err
    assert not (root / "bert_mlm" / "best").exists()


def test_two_ranks_make_one_run(text, root):
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m", "genai_hf"]
    words = ["bert_mlm", text, *RECIPES["bert_mlm"], "trainer.per_device_train_batch_size=4", "run=two"]
    done = subprocess.run([*launcher, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    alone = ["bert_mlm", text, *RECIPES["bert_mlm"], "trainer.per_device_train_batch_size=4"]
    assert cli.main([*alone, "trainer.gradient_accumulation_steps=2", "run=one"]) == 0
    curves = [
        [json.loads(line) for line in (root / "bert_mlm" / run / "metrics.jsonl").read_text().splitlines()]
        for run in ("two", "one")
    ]
    assert [entry["step"] for entry in curves[0]] == [entry["step"] for entry in curves[1]]
    for key in ("loss", "eval_loss"):
        two, one = ([entry[key] for entry in curve if key in entry] for curve in curves)
        assert two == pytest.approx(one, rel=1e-5)
