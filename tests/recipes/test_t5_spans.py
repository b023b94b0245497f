"""The recipe t5_spans: what is particular to it."""

import json
import re

import pytest
from test_recipes import RECIPES, root, text  # noqa: F401 - fixtures

import genai_hf
from genai_hf import cli
from genai_hf.collators.span_corruption import SpanCorruptionCollator
from genai_hf.reports import sections
from genai_hf.training.adamw_rms import AdamWRMS

OWN = RECIPES["t5_spans"]


def build(*words):
    return genai_hf.build(genai_hf.compose("t5_spans", list(words)))


def test_the_inputs_are_as_long_as_asked_for_and_nothing_stands_between_documents(text, root):  # noqa: F811
    trainer = build(text, *OWN, "sequence_length=64")
    batch = next(iter(trainer.get_train_dataloader()))
    assert batch["input_ids"].shape == (8, 64)
    assert batch["labels"].shape == (8, 14)
    assert int(batch["attention_mask"].min()) == 1
    assert trainer.train_dataset.length == 70
    special = {trainer.processing_class.eos_token_id, trainer.processing_class.pad_token_id}
    assert not any(special & set(row["input_ids"].tolist()) for row in trainer.train_dataset)


def test_the_optimizer_is_the_one_that_is_named(text, root, capsys):  # noqa: F811
    assert isinstance(build(text, *OWN).create_optimizer(), AdamWRMS)
    stock = build(text, *OWN, "optimizer=null", "trainer.optim=adafactor").create_optimizer()
    assert type(stock).__name__ == "Adafactor"
    assert cli.main(["t5_spans", text, *OWN, "trainer.optim=adafactor"]) == 2
    assert "say optimizer=null besides" in capsys.readouterr().err
    assert cli.main(["t5_spans", text, *OWN, "optimizer=adam"]) == 2
    assert "'optimizer' must be one of ['adamw_rms'] or None, got 'adam'" in capsys.readouterr().err


def test_adafactor_with_its_schedule_goes_on_and_ends_the_same(text, root):  # noqa: F811
    words = [text, *OWN, "optimizer=null", "trainer.optim=adafactor", "trainer.lr_scheduler_type=inverse_sqrt"]
    whole = build(*words, "run=whole")
    whole.train()
    again = build(*words, "run=again")
    again.train(resume_from_checkpoint=f"{whole.args.output_dir}/checkpoint-3")
    ours, theirs = (trainer.model.state_dict() for trainer in (again, whole))
    assert all((ours[name] == theirs[name]).all() for name in theirs)


def test_the_report_shows_what_the_model_writes(text, root):  # noqa: F811
    hidden = "samples.texts=['The {cat} sleeps in house {number} 7.']"
    genai_hf.run(genai_hf.compose("t5_spans", [text, *OWN, hidden, "run=r"]))
    (table,) = [found for found in sections.load(root / "t5_spans" / "r") if found.title == "Fill in the spans"]
    ((shown, before, after),) = table.rows
    assert shown == "The {cat} sleeps in house {number} 7."
    assert before.count("|") == after.count("|") == 1


def test_inspect_shows_encoder_and_decoder_and_rates(text, root, capsys):  # noqa: F811
    assert cli.main(["inspect", "t5_spans", "--n", "50", text, *OWN]) == 0
    shown = capsys.readouterr().out
    assert shown.count("encoder reads:") == shown.count("decoder writes:") == 50
    assert shown.count("inside") == 2
    assert "outside" not in shown
    assert cli.main(["inspect", "t5_spans", "--json", "--n", "3", text, *OWN]) == 0
    for example in map(json.loads, capsys.readouterr().out.splitlines()):
        assert example["tokens"].count("<extra_id_0>") == 1
        assert example["decoder_input_ids"] == [0, *example["labels"][:-1]]


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("corruption.density=0.6", "corruption: density must be in (0, 0.5]"),
        (
            "sequence_length=2048",
            "corruption: inputs of 2,048 tokens hide 114 spans and the tokenizer has 100 sentinels",
        ),
        ("sequence_length=2", "corruption: inputs of 2 tokens have no room"),
        ("tokenizer.family=bert", "<extra_id_0>; take a T5's (tokenizer.name), or train one with tokenizer.family=t5"),
        ("samples.texts=[nothing]", "samples: each text needs a span in braces"),
        ("samples.max_new_tokens=0", "samples: max_new_tokens must be at least 1"),
        ("sequence_length=long", "'sequence_length' must be int"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(text, root, capsys, word, said):  # noqa: F811
    assert cli.main(["t5_spans", text, *OWN, word]) == 2
    assert said in re.sub(r"\s+", " ", capsys.readouterr().err)


def test_the_objective_is_given_what_is_no_text(text, root):  # noqa: F811
    trainer = build(text, *OWN)
    assert isinstance(trainer.data_collator, SpanCorruptionCollator)
    names = trainer.processing_class.convert_ids_to_tokens(trainer.objective.text.special)
    assert names == [*(f"<extra_id_{number}>" for number in range(100)), "</s>"]


def test_supervised_examples_come_in_the_same_batches(text, root, capsys):  # noqa: F811
    rows = [
        {"question": f"Where does the cat {number} sleep?", "answers": [f"in house {number}"]} for number in range(20)
    ]
    (root.parent / "wq.jsonl").write_text("\n".join(map(json.dumps, rows)))
    words = [text, *OWN, f"supervised.wq.path={root.parent / 'wq.jsonl'}", "supervised.wq.prefix='question: '"]
    trainer = build(*words, "mixture.limit=15")
    assert trainer.train_dataset.sizes == {"text": 15, "wq": 15}
    assert len({trainer.train_dataset[0, number]["example_id"] for number in range(30)}) == 30
    trainer.train()
    assert cli.main(["inspect", "t5_spans", "--n", "30", *words, "mixture.limit=15"]) == 0
    shown = re.sub(r"\s+", " ", capsys.readouterr().out)
    assert "supervised, of rows" in shown
    assert cli.main(["t5_spans", *words, "supervised.wq.column=text"]) == 2
    assert "'supervised.wq.column' is not a parameter of text_pairs" in capsys.readouterr().err
    assert cli.main(["t5_spans", *words[:-2], "supervised.wq.path=nowhere.jsonl"]) == 2
    assert "nowhere.jsonl" in capsys.readouterr().err
    assert cli.main(["t5_spans", *words, "mixture.target_length=1"]) == 2
    assert "mixture: target_length must be at least 6, got 1" in capsys.readouterr().err


def test_a_changed_share_of_a_set_is_taken_with_the_rows_that_follow_from_it(text, root, capsys):  # noqa: F811
    rows = "".join(f'{{"question": "Where does cat {number} sleep?", "answers": "here"}}\n' for number in range(30))
    (root.parent / "wq.jsonl").write_text(rows)
    words = ["t5_spans", text, *OWN, f"supervised.wq.files.train={root.parent / 'wq.jsonl'}", "run=r"]
    longer = [*words, "trainer.max_steps=8"]
    assert cli.main([*words, "mixture.limit=12"]) == 0
    assert cli.main([*longer, "mixture.limit=10"]) == 2
    said = capsys.readouterr().err
    assert "mixture.limit: 12 → 10; trainer.max_steps: 6 → 8" in said
    assert cli.main([*longer, "mixture.limit=10", "resume.allow=[mixture.limit,trainer.max_steps]"]) == 0
    assert "not the place in the data (8 of 24 rows a step before, 8 of 20 now)" in capsys.readouterr().err
    (root.parent / "wq.jsonl").write_text(rows.replace("cat", "dog"))
    assert cli.main([*longer, "mixture.limit=10"]) == 2
    assert "files.supervised.wq.files.train: " in capsys.readouterr().err


def test_what_is_wrong_with_a_set_is_said_of_its_own_keys(text, root, capsys):  # noqa: F811
    for words, said in (
        (["supervised.wq.input=q"], "'supervised.wq.path' must be given"),
        (["supervised.wq.files.train=7"], "'supervised.wq.files.train' must be str or Sequence[str] or None, got 7"),
        (["supervised.wq.source=python_questions", "supervised.wq.path=a.jsonl"], "say supervised.wq.source=files"),
    ):
        assert cli.main(["t5_spans", text, *OWN, *words]) == 2
        assert said in capsys.readouterr().err


def test_a_new_tokenizer_knows_what_only_the_supervised_sets_have(text, root):  # noqa: F811
    rows = [{"question": f"Wer schrieb Buch №{number}?", "answers": f"Autor §{number}"} for number in range(40)]
    (root.parent / "wq.jsonl").write_text("\n".join(map(json.dumps, rows)))
    given = [f"supervised.wq.path={root.parent / 'wq.jsonl'}", "supervised.wq.prefix='frage| '"]
    tokenizer = build(text, *OWN, *given).processing_class
    assert tokenizer.unk_token_id not in tokenizer("frage| Wer schrieb Buch №3? Autor §3")["input_ids"]


def test_a_run_folder_and_an_adapter_are_no_model(text, root, capsys):  # noqa: F811
    words = ["t5_spans", text, *OWN, "trainer.max_steps=2", "trainer.eval_strategy=no"]
    assert cli.main([*words, "run=base"]) == 0
    run = root / "t5_spans" / "base"
    given = ["t5_spans", text, *(word for word in OWN if not word.startswith(("model.config", "tokenizer")))]
    given += ["model=pretrained", "trainer.eval_strategy=no", "trainer.max_steps=2"]
    assert cli.main([*given, f"model.name={run}"]) == 2
    assert f"this is a run's folder, and its model is {run / 'model'}" in capsys.readouterr().err
    assert cli.main([*given, f"model.name={run / 'model'}", "peft=lora", "run=adapter"]) == 0
    adapter = root / "t5_spans" / "adapter" / "model"
    assert json.loads((adapter / "adapter_config.json").read_text())["base_model_name_or_path"] == str(run / "model")
    assert cli.main([*given, f"model.name={adapter}"]) == 2
    assert f"'model.name': {adapter} is an adapter; genai-hf merge writes" in capsys.readouterr().err
