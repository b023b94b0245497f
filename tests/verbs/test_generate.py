"""The verb generate on tiny runs of decoders and encoder-decoders, from their folders and through the command."""

import io
import json
import shutil
import sys
from pathlib import Path

import pytest

from genai_hf import cli

SMALL = ["tokenizer.vocab_size=300", "tokenizer.multiple_of=1", "sequence_length=32", "trainer.max_steps=2"]
SMALL += ["trainer.eval_strategy=no", "trainer.use_cpu=true", "precision=fp32", "trainer.logging_steps=2"]
GPT2 = [*SMALL, "model.config.n_embd=32", "model.config.n_positions=64"]
GPT2 += ["model.config.initializer_range=0.3", "samples.max_new_tokens=8"]
T5 = [*SMALL, "model.config.d_model=32", "model.config.d_ff=64", "model.config.num_layers=1"]
SHORT = "generation.max_new_tokens=8"
LONG = ("generation.max_new_tokens=30", "--json")
TEMPLATE = "{% for message in messages %}{{ message['content'] }}\n{% endfor %}"


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    """Runs of two steps: `gpt`, `stream`, `prefix`, `spans`, and `lora` on the first."""
    folder = tmp_path_factory.mktemp("generate")
    (folder / "text").mkdir()
    for number in range(40):
        line = f"The {('cat', 'dog', 'bird')[number % 3]} sleeps in house {number}, and nobody asks why.\n"
        (folder / "text" / f"{number:02}.txt").write_text(line * 12)
    data = ["data=text", f"data.path={folder / 'text'}", f"root={folder}"]
    base = ["model=pretrained", f"model.name={folder}/gpt_lm/gpt/model", *SMALL[2:], "peft=lora", GPT2[-1]]
    for recipe, run, words in (
        ("gpt_lm", "gpt", GPT2),
        ("gpt_lm", "stream", [*GPT2, "packing=stream"]),
        ("gpt_lm", "lora", [*base, "trainer.learning_rate=0.1", "trainer.warmup_steps=0"]),
        ("prefix_lm", "prefix", GPT2),
        ("t5_spans", "spans", T5),
    ):
        assert cli.main([recipe, *data, *words, f"run={run}"]) == 0
    return folder


@pytest.fixture
def ask(root, capsys):
    """Standard output of a question to a run; nothing else is said."""

    def asked(run: str, *words: str) -> str:
        capsys.readouterr()
        assert cli.main(["generate", str(root / run), *map(str, words)]) == 0
        said = capsys.readouterr()
        assert said.err == ""
        return said.out

    return asked


@pytest.fixture
def refused(capsys):
    """The line that a question is refused with."""

    def asked(*words: object) -> str:
        capsys.readouterr()
        assert cli.main(["generate", *map(str, words)]) == 2
        said = capsys.readouterr()
        assert said.out == ""
        (line,) = said.err.splitlines()
        return line.removeprefix("genai-hf generate: ")

    return asked


@pytest.fixture
def typed(monkeypatch):
    """Bytes on standard input."""
    return lambda given: monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given), encoding="utf-8"))


@pytest.mark.parametrize("run", ["gpt_lm/gpt", "gpt_lm/lora", "prefix_lm/prefix", "t5_spans/spans"])
def test_a_text_is_said_and_as_json_with_its_prompt_its_tokens_and_why_it_stopped(run, ask):
    text = ask(run, "The cat", SHORT)
    (found,) = map(json.loads, ask(run, "The cat", SHORT, "--json").splitlines())
    assert list(found) == ["prompt", "text", "tokens", "stopped"]
    assert found["prompt"] == "The cat" and text == found["text"] + "\n"
    assert found["tokens"] == 8 if found["stopped"] == "length" else 0 < found["tokens"] <= 8


def test_several_prompts_have_each_its_text_below_it(ask):
    one, other = (ask("gpt_lm/gpt", text, SHORT) for text in ("The cat", "The dog\nsleeps"))
    assert ask("gpt_lm/gpt", "The cat", "The dog\nsleeps", SHORT) == f"> The cat\n{one}\n> The dog sleeps\n{other}\n"


def test_a_prompt_that_is_the_name_of_a_file_is_a_prompt_and_the_flag_is_told(root, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("prompts.txt").write_text("The cat\n")
    assert cli.main(["generate", str(root / "gpt_lm/gpt"), "prompts.txt", SHORT]) == 0
    hint = "prompts.txt is a file, and is taken as a prompt; --file prompts.txt reads the prompts in it\n"
    assert capsys.readouterr().err.endswith(hint)


def test_what_a_terminal_is_told_word_by_word_is_the_same_text(ask, monkeypatch):
    asked = ("gpt_lm/gpt", "The cat", "The dog", "generation=top_p", "generation.max_new_tokens=30")
    whole = ask(*asked)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert ask(*asked) == whole
    assert ask("gpt_lm/gpt", "The cat", "generation=beam", SHORT).endswith("\n")


def test_another_seed_is_another_text_and_the_same_the_same(ask):
    drawn = [ask("gpt_lm/gpt", "The cat", "generation=top_k", f"seed={seed}", SHORT) for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_a_runs_adapter_writes_what_its_merged_model_does(ask, root):
    text = ask("gpt_lm/lora", "The cat sleeps", *LONG)
    assert text != ask("gpt_lm/gpt", "The cat sleeps", *LONG)
    assert cli.main(["merge", str(root / "gpt_lm/lora"), "--dtype", "float32"]) == 0
    assert ask("gpt_lm/lora/merged", "The cat sleeps", *LONG) == text
    assert ask("gpt_lm/lora/model", "The cat sleeps", *LONG) == text


def test_a_model_that_was_trained_to_reads_a_prompt_in_both_directions(ask, root, tmp_path):
    asked = ("The cat sleeps in house 7, and", *LONG)
    text = ask("prefix_lm/prefix", *asked)
    shutil.copytree(root / "prefix_lm/prefix/model", tmp_path / "causal")
    settings = json.loads((tmp_path / "causal" / "config.json").read_text())
    assert settings.pop("prefix_lm") is True
    (tmp_path / "causal" / "config.json").write_text(json.dumps(settings))
    assert ask(tmp_path / "causal", *asked) != text


def test_a_stream_has_an_end_of_text_before_each_text(ask, root):
    end = json.loads((root / "gpt_lm/stream/model/tokenizer_config.json").read_text())["eos_token"]
    begun = json.loads(ask("gpt_lm/stream", "The cat", *LONG))
    alone = [json.loads(ask("gpt_lm/stream/model", text, *LONG)) for text in (f"{end}The cat", "The cat")]
    assert begun["text"] == alone[0]["text"] != alone[1]["text"]


def test_a_decoder_with_marks_of_its_own_begins_a_text_with_the_first(ask, root, tmp_path):
    model = shutil.copytree(root / "gpt_lm/gpt/model", tmp_path / "marked")
    settings, end = json.loads((model / "config.json").read_text()), "<|endoftext|>"
    marks = dict.fromkeys(("start", "delimiter", "extract"), end)
    facts = {"transformation": "classification", "names": ["a", "b"], "length": 32} | marks
    (model / "config.json").write_text(json.dumps(settings | {"extract": facts}))
    begun, alone = (json.loads(ask("gpt_lm/gpt", text, *LONG))["text"] for text in (f"{end}The cat", "The cat"))
    assert json.loads(ask(model, "The cat", *LONG))["text"] == begun != alone


def test_a_run_of_text_to_text_reads_a_prompt_behind_the_prefix_that_it_was_trained_with(ask, root, tmp_path):
    run = shutil.copytree(root / "gpt_lm/gpt", tmp_path / "qa")
    settings = json.loads((run / "settings.json").read_text())
    (run / "settings.json").write_text(json.dumps(settings | {"data.prefix": "in house 7, "}))
    framed = json.loads(ask(run, "The cat", *LONG))
    plain = [json.loads(ask("gpt_lm/gpt", text, *LONG))["text"] for text in ("in house 7, The cat", "The cat")]
    assert framed["text"] == plain[0] != plain[1]
    assert framed["prompt"] == "The cat"


def test_prompts_come_from_standard_input_and_from_files(ask, typed, tmp_path):
    expected = ask("gpt_lm/gpt", "The cat\nsleeps", SHORT)
    typed(b"The cat\nsleeps\n")
    assert ask("gpt_lm/gpt", "-", SHORT) == expected
    rows = {"jsonl": '{"prompt": "The cat"}\n{"prompt": "The dog"}\n', "txt": "The cat\n\nThe dog\n"}
    for kind, content in rows.items():
        (tmp_path / f"prompts.{kind}").write_text(content)
        found = ask("gpt_lm/gpt", "--file", tmp_path / f"prompts.{kind}", "--json", SHORT)
        assert found == ask("gpt_lm/gpt", "The cat", "The dog", "--json", SHORT)


def test_a_prompt_that_looks_like_a_setting_or_a_flag_comes_after_two_dashes(ask):
    found = [json.loads(line) for line in ask("gpt_lm/gpt", "--json", SHORT, "--", "x=1", "-b").splitlines()]
    assert [row["prompt"] for row in found] == ["x=1", "-b"]


def test_a_conversation_goes_turn_by_turn_with_all_that_was_said(ask, root, tmp_path, typed, capsys):
    shutil.copytree(root / "gpt_lm/gpt/model", tmp_path / "talks")
    (tmp_path / "talks" / "chat_template.jinja").write_text(TEMPLATE)
    asked = (tmp_path / "talks", "--chat", "generation.max_new_tokens=5", "--json")
    typed(b"The cat\n\nThe dog\n")
    first, second = (json.loads(line) for line in ask(*asked).splitlines())
    assert (first["prompt"], second["prompt"]) == ("The cat", "The dog")
    plain = (tmp_path / "talks", "generation.max_new_tokens=5", "--json")
    assert json.loads(ask(*plain, "The cat\n"))["text"] == first["text"]
    whole = f"The cat\n{first['text']}\nThe dog\n"
    assert json.loads(ask(*plain, whole))["text"] == second["text"]
    assert ask(*asked, "The cat", "The dog").splitlines() == [json.dumps(row) for row in (first, second)]
    told = json.loads(ask(*asked, "The cat", "--system", "The dog sleeps"))
    template = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system here') }}{% endif %}" + TEMPLATE
    (tmp_path / "talks" / "chat_template.jinja").write_text(template)
    assert cli.main(["generate", str(tmp_path / "talks"), "--chat", "The cat", "--system", "The dog"]) == 2
    said = "the tokenizer's chat template takes no such conversation (no system here); change it, or the tokenizer"
    assert capsys.readouterr().err == f"genai-hf generate: {said}\n"
    assert told["text"] == json.loads(ask(*plain, "The dog sleeps\nThe cat\n"))["text"]


def test_a_model_of_no_text_no_run_and_an_unfinished_one_are_refused(root, refused, tmp_path):
    words = [*SMALL, "data=text", f"data.path={root / 'text'}", f"root={tmp_path}", "run=r"]
    assert cli.main(["bert_mlm", *words, "model.config.hidden_size=32", "model.config.intermediate_size=64"]) == 0
    model = tmp_path / "bert_mlm/r/model"
    assert refused(tmp_path / "bert_mlm/r", "a") == (
        f"{model} writes no text, being a bert; name a decoder or an encoder-decoder"
    )
    begun = shutil.copytree(root / "gpt_lm/gpt", tmp_path / "begun")
    (begun / "metrics.json").unlink()
    assert refused(begun, "a") == f"{begun} has not finished; the same command that began it goes on with it"
    (begun / "metrics.json").write_text("{}")
    (begun / "model" / "config.json").unlink()
    assert refused(begun, "a") == f"{begun} holds no model; name a run of gpt_lm or another that trains one"
    assert refused(root, "a") == f"{root} holds no model; name a run's folder, or one with a config.json"
    assert refused("no/model", "a").startswith("no/model is no folder, was not downloaded before, and the Hub cannot")
    assert refused(f"{root}/gpt_lm/none", "a") == (
        f"{root}/gpt_lm/none: no such folder; {root}/gpt_lm/ holds gpt/, lora/, stream/"
    )


def test_what_is_wrong_in_a_prompt_a_setting_or_a_flag_is_said_in_a_line(root, refused, typed, tmp_path):
    run = root / "gpt_lm/gpt"
    usage = 'name a run or a model, and a prompt: genai-hf generate outputs/gpt_lm/… "a prompt"'
    assert [refused(), refused(run), refused(run, "seed=1")] == [usage] * 3
    assert refused(run, " ") == "a text is empty; give one"
    typed(b"caf\xe9")
    assert refused(run, "-") == "a text is not UTF-8 at letter 4; write it as UTF-8"
    assert refused(run, "a", "generation=top_q") == (
        "'generation=top_q' is not an option; did you mean 'top_p'? (beam, greedy, top_k, top_p)"
    )
    assert refused(run, "a", "generation.topp=0.5") == (
        "'generation.topp' is not a parameter of GenerationConfig; did you mean 'generation.top_p'?"
    )
    assert refused(run, "a", "generation.max_length=5") == (
        "'generation.max_length' is not for setting; set generation.max_new_tokens"
    )
    assert refused(run, "a", "generation.temperature=0.5") == (
        "'generation.temperature' is of drawing the next token; say generation=top_p or generation=top_k"
    )
    assert refused(run, "a", "--system", "b") == "--system is of a conversation; say --chat too"
    assert refused(run, "a", "generation=top_p", "generation.top_p=5") == "'generation.top_p' must be in (0, 1], got 5"
    assert refused(run, "a", "generation.max_new_tokens=0") == "'generation.max_new_tokens' must be at least 1, got 0"
    assert refused(run, "a", "seed=-1") == "'seed' must be at least 0, got -1"
    assert refused(run, "x=1").startswith("no key 'x'")
    assert refused(run, "--chat", "hello") == (
        "this model's tokenizer has no chat template; leave --chat out, or name a model of chats"
    )
    assert refused(run, "The cat " * 40).endswith(" tokens, and the model 64 positions; shorten it")
    assert refused(run, "--instruction", "Say it", "a") == (
        "--instruction is for runs of instruct, by their folder; write all that is asked as one prompt"
    )
    assert refused(run, "--file", tmp_path / "no.txt").startswith(f"{tmp_path}/no.txt: no such file of prompts")
    (tmp_path / "other.jsonl").write_text('{"text": "a"}\n')
    assert refused(run, "--file", tmp_path / "other.jsonl").endswith("no column 'prompt' among text; call one prompt")
    assert "--loud" in refused(run, "a", "--loud")
