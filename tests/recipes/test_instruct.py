"""Instruction tuning end to end: what the report has, what is held out, and what is refused."""

import json
import shlex
from pathlib import Path

import pytest
import transformers
from instruct_tiny import MARKED_TEMPLATE, PLAIN_TEMPLATE, make_decoder_tokenizer, make_gpt2
from safetensors.torch import load_file

import genai_hf
from genai_hf import cli
from genai_hf.reports import sections

SOUNDS = {"cat": "meow", "dog": "woof", "cow": "moo", "owl": "hoot"}
SIZES = ["model.config.n_embd=32", "tokenizer.vocab_size=300", "sequence_length=96", "decoding.max_new_tokens=6"]
TRAINING = [
    "trainer.num_train_epochs=12",
    "trainer.per_device_train_batch_size=8",
    "trainer.save_strategy=no",
    "trainer.learning_rate=5e-3",
    "trainer.use_cpu=true",
    "precision=fp32",
]


def write_tasks(folder: Path) -> str:
    """Two tasks of each of three categories; what the animal of a number says is the same in all."""
    for number, (category, verb) in enumerate((c, v) for c in ("says", "sings", "shouts") for v in "ab"):
        names = list(SOUNDS)
        rows = [{"input": f"{names[n % 4]} {n}", "output": [SOUNDS[names[n % 4]], "noise"]} for n in range(24)]
        shown = [{"input": "fox", "output": "yip", "explanation": "it does"}]
        task = {"Definition": [f"It {category}, {verb}."], "Categories": [category.title()], "Instances": rows}
        file = folder / f"task{number}_{category}_{verb}.json"
        file.write_text(json.dumps(task | {"Positive Examples": shown, "Negative Examples": []}))
    return f"data.path={folder}"


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """The folder of a run on what animals say."""
    folder = tmp_path_factory.mktemp("instruct")
    (folder / "tasks").mkdir()
    data = [
        "instructions=super_natural_instructions",
        write_tasks(folder / "tasks"),
        "data.validation_categories=[Shouts]",
    ]
    words = [*data, *SIZES, *TRAINING, "prompt.positive=1", "data.max_per_task=20", f"root={folder}", "run=r"]
    assert cli.main(["instruct", *words, "samples=3"]) == 0
    return folder / "instruct" / "r"


def write(file: Path, rows: list[dict]) -> str:
    file.write_text("\n".join(map(json.dumps, rows)))
    return str(file)


def metrics(run: Path) -> dict[str, float]:
    return json.loads((run / "metrics.json").read_text())


def test_the_model_learns_and_a_category_that_is_held_out_is_scored_before_and_after(run):
    after, lines = metrics(run), [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    before = next(line for line in lines if "eval_loss" in line)
    assert before["step"] == 0
    assert after["eval_loss"] < after["eval_unigram_loss"] < before["eval_loss"]
    assert after["eval_rougeL"] > before["eval_rougeL"]
    assert after["eval_rougeL"] == pytest.approx(after["eval_rougeL_of_shouts"])
    found = {section.title: section for section in sections.load(run)}
    assert list(found) == [
        "What it answers", "The data", "Epochs", "Categories held out", "Best answers", "Worst answers", "Ask it",
        "Speed",
    ]  # fmt: skip
    (row,) = found["Categories held out"].rows
    assert row[:2] == ["Shouts", 48]
    assert float(row[3]) == pytest.approx(after["eval_rougeL"], abs=1e-3)
    assert float(row[2]) == pytest.approx(before["eval_rougeL"], abs=1e-3)
    train, held = found["The data"].rows
    assert train[:4] == ["train", 80, 4, "Says, Sings"]
    assert held[:4] == ["validation", 48, 2, "Shouts"]
    answers = found["What it answers"]
    assert answers.columns == ["prompt", "before training", "after training"]
    assert len(answers.rows) == len(found["Best answers"].rows) == 3
    assert all("It shouts" in text and text.endswith("Output:") for text, _, _ in answers.rows)
    assert {after for _, _, after in answers.rows} <= {*SOUNDS.values()}


def test_the_report_says_how_to_ask_and_what_is_asked_stands_in_the_words_of_training(run, capsys):
    (command,) = {section.title: section for section in sections.load(run)}["Ask it"].rows[0]
    program, *words = shlex.split(command)
    assert program == "genai-hf" and words[:4] == ["generate", str(run), "--instruction", "It shouts, a."]
    given = words[4]
    capsys.readouterr()
    assert cli.main([*words, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    spelt = f"Definition: It shouts, a.\n\nNow complete the following example -\nInput: {given}.\nOutput:"
    assert cli.main(["generate", str(run), "--json", "--", spelt]) == 0
    assert said["prompt"] == given and said["stopped"] == "end"
    assert json.loads(capsys.readouterr().out) == said | {"prompt": spelt}
    assert cli.main(["generate", f"{run}/model", "--instruction", "It shouts, a.", given]) == 2
    assert "--instruction is for runs of instruct" in capsys.readouterr().err
    assert cli.main(["predict", str(run), given]) == 2
    assert f"{run} was tuned on instructions; ask it: genai-hf generate {run} --inst" in capsys.readouterr().err


def test_instructions_come_in_their_own_words_unless_others_are_named():
    for name, wording in (("alpaca", "alpaca"), ("natural_instructions_v1",) * 2):
        assert genai_hf.compose("instruct", [f"instructions={name}", "data.path=x"]).prompt.wording == wording
    named = genai_hf.compose("instruct", ["instructions=alpaca", "prompt=tk_instruct"])
    assert named.prompt.wording == "tk_instruct"


def test_the_saved_model_stops_by_itself(run):
    model = transformers.AutoModelForCausalLM.from_pretrained(run / "model")
    tokenizer = transformers.AutoTokenizer.from_pretrained(run / "model")
    assert tokenizer.eos_token_id in [model.generation_config.eos_token_id]
    asked = "Definition: It says, a.\n\nNow complete the following example -\nInput: cat 3.\nOutput:"
    ids = model.generate(**tokenizer(asked, return_tensors="pt"), max_new_tokens=20, do_sample=False)
    said = ids[0, len(tokenizer(asked)["input_ids"]) :].tolist()
    assert said[-1] == tokenizer.eos_token_id
    assert tokenizer.decode(said[:-1]).strip() in SOUNDS.values()


def test_packed_or_not_a_run_takes_the_same_steps(tmp_path, run):
    tasks = run.parents[1] / "tasks"
    data = ["instructions=super_natural_instructions", f"data.path={tasks}", "data.validation_categories=[Shouts]"]
    curves = []
    for name, packing in (("packed", "true"), ("apart", "false")):
        words = [*data, *SIZES, *TRAINING, f"packing={packing}", "trainer.max_steps=6", "trainer.logging_steps=1"]
        genai_hf.run(genai_hf.compose("instruct", [*words, f"root={tmp_path}", f"run={name}"]))
        lines = map(json.loads, (tmp_path / "instruct" / name / "metrics.jsonl").read_text().splitlines())
        curves.append([line.get("loss", line.get("eval_loss")) for line in lines])
    assert len(curves[0]) > 6
    assert curves[0] == pytest.approx(curves[1], rel=1e-5)


@pytest.mark.parametrize("template", [PLAIN_TEMPLATE, MARKED_TEMPLATE])
def test_conversations_tune_a_pretrained_model_and_an_adapter_by_its_template(tmp_path, template):
    tokenizer, base = make_decoder_tokenizer(template), tmp_path / "base"
    make_gpt2(len(tokenizer)).float().save_pretrained(base)
    tokenizer.save_pretrained(base)
    rows = [
        {"conversations": [
            {"from": "human", "value": f"the {name} {number}?"}, {"from": "gpt", "value": sound},
            {"from": "human", "value": "again?"}, {"from": "gpt", "value": f"{sound} {sound}"},
        ]}
        for number in range(8) for name, sound in SOUNDS.items()
    ]  # fmt: skip
    data = ["instructions=messages", f"data.path={write(tmp_path / 'c.jsonl', rows)}"]
    words = [*data, "model=pretrained", f"model.name={base}", *SIZES[2:], *TRAINING, "peft=lora", f"root={tmp_path}"]
    after = genai_hf.run(genai_hf.compose("instruct", [*words, "run=r", "trainer.learning_rate=3e-2"]))
    lines = [json.loads(line) for line in (tmp_path / "instruct/r/metrics.jsonl").read_text().splitlines()]
    assert after["eval_loss"] < 0.9 * next(line["eval_loss"] for line in lines if "eval_loss" in line)
    saved = load_file(tmp_path / "instruct/r/model/adapter_model.safetensors")
    assert all("lora" in name for name in saved)


def test_a_response_with_no_room_is_named_and_counted(tmp_path, capsys):
    rows = [{"instruction": f"say {n}", "output": "a b c " * (200 if n == 3 else 1)} for n in range(9)]
    file = write(tmp_path / "t.jsonl", rows)
    words = [
        "instructions=alpaca",
        f"data.files.train={file}",
        f"data.files.validation={write(tmp_path / 'v.jsonl', rows)}",
        "prompt=alpaca",
        *SIZES[1:3],
    ]
    assert (
        cli.main(["inspect", "instruct", *words, "sequence_length=400", "decoding.max_new_tokens=8", "--n", "2"]) == 0
    )
    shown = capsys.readouterr()
    assert (
        f"left out of train: no room for the response and what the prompt cannot lose in 400 tokens: {file}:4"
        in shown.err
    )
    assert "predicted, of tokens" in shown.out
    assert cli.main(["inspect", "instruct", *words, "sequence_length=20"]) == 2
    assert (
        "no row of 9 has room for the response and what the prompt cannot lose in 20 tokens" in capsys.readouterr().err
    )


def test_inspect_gives_labels_that_spell_the_response(capsys):
    assert cli.main(["inspect", "instruct", "--n", "5", "--json"]) == 0
    for line in capsys.readouterr().out.splitlines():
        example = json.loads(line)
        learnt = [place for place, label in enumerate(example["labels"]) if label != -100]
        assert learnt == [*range(learnt[0], len(example["labels"]) - 1)]
        assert [example["labels"][place] for place in learnt] == example["original_ids"][learnt[0] + 1 :]
        assert example["tokens"][-1] == "<|endoftext|>"
        assert (
            example["tokens"][learnt[0]] == ":"
        )  # the last token of the prompt is where the response is predicted from


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["prompt.positive=-1"], "prompt: positive must be at least 0, got -1"),
        (["prompt.order=[reason]"], "prompt: order must be different ones of title"),
        (["prompt.wording=flan"], "'prompt.wording' must be one of"),
        (["data.validation_categories=[nothing]"], "'data.validation_categories': no task is of 'nothing'; there are"),
        (["instructions=alpaca"], "'data.path' must be given"),
        (["instructions=super_natural_instructions"], "'data.path' must be given: data.path=…"),
        (["samples=-1"], "'samples' must be at least 0, got -1"),
        (["model=t5_tiny"], "'model': t5 is no model for causal_lm"),
        (["model=bert_tiny"], "'model': "),
        (["sequence_length=4"], "sequence_length: sequence_length must be at least 8, got 4"),
        (["scores=[bleu]"], "scores: scores must be different ones of"),
    ],
)
def test_a_wrong_setting_is_refused_in_one_line(words, said, capsys):
    assert cli.main(["inspect", "instruct", *words]) == 2
    assert capsys.readouterr().err.splitlines()[-1].partition(": ")[2].startswith(said)
