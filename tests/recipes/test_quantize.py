"""The recipe quantize from a run's model to a packed one that others load, and what it refuses."""

import json

import pytest
import torch
import transformers
from test_recipes import RECIPES, root, text  # noqa: F401 - fixtures

from genai_hf import cli
from genai_hf.models.affine_linear import matrix
from genai_hf.reports.words import number

SMALL = ["data=text", "tokenizer.vocab_size=300", "tokenizer.multiple_of=1", "sequence_length=32", "measure.rounds=1"]


def report(run):
    return (run / "report.md").read_text(), json.loads((run / "metrics.json").read_text())


def test_a_runs_decoder_is_as_good_as_its_run_said_and_the_packed_one_is_smaller(text, root, capsys):  # noqa: F811
    assert cli.main(["gpt_lm", text, *RECIPES["gpt_lm"], "run=base"]) == 0
    words = [text, *SMALL[:1], *SMALL[3:], f"model.name={root / 'gpt_lm' / 'base' / 'model'}", "run=packed"]
    words += ["measure.rows=10000", "methods=[affine8_channel,affine2_group16]", "save=affine3_group16"]
    assert cli.main(["quantize", *words]) == 0
    trained = json.loads((root / "gpt_lm" / "base" / "metrics.json").read_text())
    page, metrics = report(root / "quantize" / "packed")
    assert metrics["original_perplexity"] == pytest.approx(trained["eval_perplexity"], rel=1e-5)
    assert metrics["affine8_channel_perplexity"] == pytest.approx(trained["eval_perplexity"], rel=1e-2)
    assert metrics["affine2_group16_bits"] == 4
    assert metrics["affine2_group16_model_bytes"] < metrics["original_model_bytes"]
    folder = root / "quantize" / "packed" / "model"
    size = (folder / "model.safetensors").stat().st_size
    assert f"| {number(size / 1e6)} | 0 | import genai_hf.models; transformers.GPT2LMHeadModel" in page
    card = (folder / "README.md").read_text()
    assert "GPT2LMHeadModel, its weights quantised (genai_hf_affine)." in card
    assert "import genai_hf.models  # transformers then knows how the weights are packed" in card
    model = transformers.AutoModelForCausalLM.from_pretrained(folder)
    assert model.get_submodule("transformer.h.0.mlp.c_fc").weight.dtype == torch.uint8
    assert cli.main(["quantize", *words[:-2], f"model.name={folder}", "run=again"]) == 2
    assert "is stored in few bits, which no training changes" in capsys.readouterr().err
    assert cli.main(["generate", str(folder), "The cat", "generation.max_new_tokens=3"]) == 0


def test_an_encoder_is_asked_for_hidden_tokens_and_kept_as_bitsandbytes_packs_it(text, root, capsys):  # noqa: F811
    words = [
        text,
        *SMALL,
        "tokenizer=bert",
        "tokenizer.vocab_size=300",
        "model=bert_tiny",
        "model.config.num_hidden_layers=1",
    ]
    assert cli.main(["quantize", *words, "methods=nf4_double", "layers=intermediate", "save=nf4", "run=e"]) == 0
    page, metrics = report(root / "quantize" / "e")
    assert metrics["nf4_double_perplexity"] == pytest.approx(metrics["original_perplexity"], rel=0.05)
    assert "transformers.BertForMaskedLM.from_pretrained" in page
    assert "import genai_hf" not in page
    assert "its weights quantised (bitsandbytes)." in (root / "quantize" / "e" / "model" / "README.md").read_text()
    model = transformers.AutoModelForMaskedLM.from_pretrained(root / "quantize" / "e" / "model")
    packed = [name for name, layer in model.named_modules() if type(layer).__name__ == "Linear4bit"]
    assert packed == ["bert.encoder.layer.0.intermediate.dense"]
    assert matrix(model.get_submodule(packed[0])).shape == (512, 128)
    packed_again = ["model=pretrained", f"model.name={root}/quantize/e/model"]
    capsys.readouterr()
    for more in (["glue", "task=local"], ["glue", "task=local", "peft=lora"], ["bert_mlm", "data=text"]):
        assert cli.main([*more, text, *packed_again]) == 2
        assert "is stored in few bits, which no training changes; name the model that it" in capsys.readouterr().err


def test_a_checkpoint_without_the_head_that_is_asked_is_refused(text, root, capsys):  # noqa: F811
    assert cli.main(["glue", text, *RECIPES["glue"], "run=labels"]) == 0
    capsys.readouterr()
    sizes = [word for word in SMALL if not word.startswith("tokenizer.")]
    words = [f"model.name={root}/glue/labels/model", *sizes, "methods=affine8_channel"]
    assert cli.main(["quantize", text, "data=text", *words]) == 2
    assert "lacks the weights of cls.predictions" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "'model.name' must be given: model.name=…, a Hub id or a folder, such as the model/ that a run of gpt_lm"),
        (["model=gpt2_tiny", "methods=affine4"], "methods: there is no method 'affine4'; it takes affine4_group64, "),
        (["model=gpt2_tiny", "methods=[affine4_group64,nf5]"], "methods: there is no method 'nf5'"),
        (["model=gpt2_tiny", "save=affine4"], "save: there is no method 'affine4'"),
        (["model=gpt2_tiny", "save=[nf4,fp4]"], "'save' must be str or None, got ['nf4', 'fp4']"),
        (["model.name=x", "scales=float8"], "'scales' must be one of ['float16', 'bfloat16', 'float32'], got 'float8'"),
        (["model.name=x", "measure.row=4"], "no key 'measure.row'; did you mean 'measure.rows'?"),
        (["model.name=x", "trainer.max_steps=4"], "'trainer.max_steps': quantize trains no model; leave it out"),
        (["model=t5_tiny", "data=text"], "t5 is no model for causal_lm; take a decoder"),
        (["model=gpt2_tiny", "data=text", "layers=lm_head"], "layers: lm_head has its weights from the embedding"),
        (
            ["model=gpt2_tiny", "data=text", "model.config.n_embd=32"],
            "'methods': on a processor bitsandbytes reads codes of 4 bits wrongly where a width is no multiple of 64",
        ),
        (["model=gpt2_tiny", "data=text", "measure.rows=0"], "measure: rows must be at least 1, got 0"),
    ],
)
def test_what_cannot_be_done_is_one_line(words, said, text, root, capsys):  # noqa: F811
    given = [text, *SMALL] if "data=text" in words else []
    assert cli.main(["quantize", *given, *words]) == 2
    assert said in capsys.readouterr().err


def test_check_knows_the_settings_of_a_recipe_that_trains_nothing(text, root, capsys):  # noqa: F811
    assert cli.main(["check", "quantize", "model=gpt2_tiny", "run=first"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[0] == "settings      every name and type is known"
    assert shown[1].endswith("quantize/first")
    assert not root.exists()
    assert cli.main(["check", "quantize"]) == 2
    assert cli.main(["inspect", "quantize", "model=gpt2_tiny"]) == 2
    assert "quantize trains nothing, so it has no batches to look at; run it" in capsys.readouterr().err
