"""peft= on every recipe: few weights are trained, and they alone are saved, read, merged and taken up."""

import json
import re

import pytest
import torch
from safetensors.torch import load_file
from test_recipes import RECIPES, TRAINED, root, text  # noqa: F401 - fixtures
from transformers import AutoModelForSequenceClassification

import genai_hf
from genai_hf import cli, config
from genai_hf.models import merging
from genai_hf.models.bare import bare
from genai_hf.models.trained_weights import closed_form, counted

FROM_SCRATCH = ("model.config.", "tokenizer.")


def base(recipe, text, *words):  # noqa: F811
    """Words of runs that begin with a tiny model of the recipe's own."""
    own = RECIPES[recipe]
    assert cli.main([recipe, text, *own, "run=base", "trainer.max_steps=2", "trainer.eval_strategy=no", *words]) == 0
    return own, [word for word in own if not word.startswith(FROM_SCRATCH)]


def adapted(recipe, text, root, *words, sizes=()):  # noqa: F811
    _, given = base(recipe, text, *sizes)
    model = root / recipe / "base" / "model"
    return model, [text, *given, "model=pretrained", f"model.name={model}", *words]


FEW = (
    "glue",
    "gpt_extract",
    "spanbert",
    "instruct",
)  # a new head, new tokens, a head for training only, a new collator


@pytest.mark.parametrize(
    "recipe", [name if name in FEW else pytest.param(name, marks=pytest.mark.slow) for name in TRAINED]
)
def test_every_recipe_takes_an_adapter_and_goes_on_with_it(recipe, text, root, capsys):  # noqa: F811
    model, words = adapted(recipe, text, root, "peft=lora", "peft.lora_dropout=0.2")
    trainer = genai_hf.build(genai_hf.compose(recipe, [*words, "run=whole"]))
    trainer.train()
    ours = dict(bare(trainer.model).named_parameters())
    before = load_file(model / "model.safetensors")
    frozen = {name.replace(".base_layer", ""): weight for name, weight in ours.items() if not weight.requires_grad}
    same = [name for name in frozen.keys() & before.keys() if torch.equal(frozen[name], before[name])]
    assert len(same) == len(frozen.keys() & before.keys()) > 10
    counts, (_, expected) = counted(trainer.model), closed_form(trainer.model)
    assert counts["trained"] == expected + counts["heads"] + counts["tokens"]
    again = genai_hf.build(genai_hf.compose(recipe, [*words, "run=again"]))
    again.train(resume_from_checkpoint=f"{trainer.args.output_dir}/checkpoint-3")
    theirs = dict(bare(again.model).named_parameters())
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_an_adapter_at_the_rate_of_all_weights_is_remarked_on_unless_the_rate_was_chosen(capsys):
    for words, is_said in ((["peft=lora"], True), (["peft=lora", "trainer.learning_rate=1e-3"], False), ([], False)):
        config.adapter(genai_hf.compose("glue", words))
        assert ("peft: the learning rate is the recipe's" in capsys.readouterr().err) == is_said


@pytest.mark.parametrize("method", ["lora", "rslora", "dora", "qlora", "ia3"])
def test_what_is_saved_is_the_adapter_alone_and_it_is_all_that_is_needed(method, text, root, capsys):  # noqa: F811
    _, words = adapted("glue", text, root, f"peft={method}", "run=adapted", "trainer.learning_rate=1e-2")
    assert cli.main(["glue", *words]) == 0
    run = root / "glue" / "adapted"
    assert {file.name for file in (run / "model").iterdir()} == {
        "README.md",
        "manifest.json",
        "adapter_config.json",
        "adapter_model.safetensors",
        "config.json",
        "tokenizer.json",
        "tokenizer_config.json",
    }
    assert "## What is trained" in (run / "report.md").read_text()
    assert "peft: the learning rate" not in capsys.readouterr().err  # it was set
    assert json.loads((run / "model" / "config.json").read_text())["architectures"] == ["BertForSequenceClassification"]
    capsys.readouterr()
    assert cli.main(["predict", str(run), "The horse sleeps in house number 3, and nobody asks why."]) == 0
    beside = capsys.readouterr().out
    assert len(beside.splitlines()) == 5
    assert cli.main(["merge", str(run), "--dtype", "float32"]) == 0
    said = capsys.readouterr().out
    assert float(re.search(r"are off the adapter's by ([\d.e-]+) at most", said)[1]) < 1e-5
    merged = AutoModelForSequenceClassification.from_pretrained(run / "merged")
    assert "AutoModelForSequenceClassification.from_pretrained(folder)" in (run / "merged/README.md").read_text()
    read = merging.read(run / "model", AutoModelForSequenceClassification)
    assert all(torch.equal(weight, merged.state_dict()[name]) for name, weight in read.state_dict().items())
    assert cli.main(["merge", str(run)]) == 2
    assert "merged exists; remove it first" in capsys.readouterr().err


BESIDE = {  # what stays beside the weights, by recipe
    "prefix": ["t5_qa"],
    "prompt": ["gpt_lm"],
    "p_tuning": ["glue"],
    "bottleneck": ["bert_mlm"],
}
SMALL = {
    "prefix": ["peft.prefix_projection=true", "peft.encoder_hidden_size=8"],
    "p_tuning": ["peft.encoder_hidden_size=8"],
    "bottleneck": ["peft.width=8"],
}


@pytest.mark.parametrize(("method", "recipe"), [(method, recipe) for method in BESIDE for recipe in BESIDE[method]])
def test_what_stays_beside_the_weights_goes_on_bit_for_bit_and_is_read(method, recipe, text, root, capsys):  # noqa: F811
    small = [*SMALL.get(method, []), *(["peft.num_virtual_tokens=3"] if method != "bottleneck" else [])]
    own = ["packing=stream"] if recipe == "gpt_lm" else []
    length = "sequence_length=" + str(genai_hf.compose(recipe, RECIPES[recipe]).sequence_length - 3)
    _, words = adapted(recipe, text, root, f"peft={method}", *small, *own, length, "trainer.learning_rate=1e-2")
    assert cli.main([recipe, *words, "run=whole"]) == 0
    whole = root / recipe / "whole"
    trainer = genai_hf.build(genai_hf.compose(recipe, [*words, "run=again"]))
    trainer.train(resume_from_checkpoint=str(whole / "checkpoint-3"))
    trainer.save_model(str(root / "again"))
    ours, theirs = (load_file(folder / "adapter_model.safetensors") for folder in (whole / "model", root / "again"))
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(weight, theirs[name]) for name, weight in ours.items())
    assert cli.main(["merge", str(whole)]) == 2
    assert "is no change of a weight, so it stays beside" in capsys.readouterr().err
    model = merging.read(whole / "model", type(bare(trainer.model))).eval()
    batch = trainer.data_collator([trainer.eval_dataset[0]])
    inputs = {name: batch[name] for name in ("input_ids", "attention_mask", "decoder_input_ids") if name in batch}
    with torch.no_grad():
        read, trained = model(**inputs).logits, trainer.model.eval()(**inputs).logits
    torch.testing.assert_close(read, trained, rtol=0, atol=1e-5)


@pytest.mark.parametrize("method", ["prompt", "prefix", "lora"])
def test_behind_virtual_tokens_every_block_is_one_text(method, text, root):  # noqa: F811
    few = [] if method == "lora" else ["peft.num_virtual_tokens=3", "sequence_length=20"]
    _, words = adapted("bert_mlm", text, root, f"peft={method}", *few)
    trainer = genai_hf.build(genai_hf.compose("bert_mlm", words))
    batch = trainer.data_collator([trainer.train_dataset[0, 0]])
    assert ("token_type_ids" in batch) == (method == "lora")
    assert trainer.objective.sums(trainer.model, batch)["masked_lm"].isfinite()


def test_second_texts_that_would_do_nothing(text, root, capsys):  # noqa: F811
    _, words = adapted("bert_mlm", text, root, "peft=prompt", "second_text=0.3")
    assert cli.main(["bert_mlm", *words]) == 2
    said = "'second_text' does nothing behind virtual tokens (peft=prompt); leave it out"
    assert said in capsys.readouterr().err


SIZES = {  # of multiples of 64, which 4 bits take
    "glue": ["model.config.hidden_size=64", "model.config.intermediate_size=64"],
    "gpt_lm": ["model.config.n_embd=64"],
}


@pytest.mark.parametrize(
    ("recipe", "quantization"),
    [
        ("glue", "nf4"),
        pytest.param("gpt_lm", "nf4_double", marks=pytest.mark.slow),
        pytest.param("t5_qa", "int8", marks=pytest.mark.slow),
    ],
)
def test_beside_weights_of_few_bits_it_goes_on_bit_for_bit(recipe, quantization, text, root, capsys):  # noqa: F811
    few = ["peft=lora", "peft.init_lora_weights=false", f"quantization={quantization}"]  # an update from the beginning
    _, words = adapted(recipe, text, root, *few, "trainer.learning_rate=1e-2", sizes=SIZES.get(recipe, ()))
    assert cli.main([recipe, *words, "run=whole"]) == 0
    whole = root / recipe / "whole"
    assert re.search(r"quantization: [\d.]+ MB of weights in float32 take [\d.]+ MB", capsys.readouterr().err)
    trainer = genai_hf.build(genai_hf.compose(recipe, [*words, "run=again"]))
    trainer.train(resume_from_checkpoint=str(whole / "checkpoint-3"))
    trainer.save_model(str(root / "again"))
    ours, theirs = (load_file(folder / "adapter_model.safetensors") for folder in (whole / "model", root / "again"))
    assert all(torch.equal(weight, theirs[name]) for name, weight in ours.items())
    model = merging.read(whole / "model", type(bare(trainer.model))).eval()
    batch = trainer.data_collator([trainer.eval_dataset[0]])
    inputs = {name: batch[name] for name in ("input_ids", "attention_mask", "decoder_input_ids") if name in batch}
    with torch.no_grad():
        read, trained = model(**inputs).logits, trainer.model.eval()(**inputs).logits
    torch.testing.assert_close(read, trained, rtol=0, atol=1e-5)
    capsys.readouterr()
    assert cli.main(["merge", str(whole), "--dtype", "float32"]) == 0
    apart = re.search(r"are off the adapter's by ([\d.e-]+) at most", capsys.readouterr().out)
    assert float(apart[1]) > 1e-4  # what the bits cost: the merged model has all of them
    full = merging.beside(whole / "model", type(bare(trainer.model)), full=True).eval()
    alone = type(bare(trainer.model)).from_pretrained(whole / "merged").eval()
    with torch.no_grad():
        torch.testing.assert_close(alone(**inputs).logits, full(**inputs).logits, rtol=0, atol=1e-5)
    assert "quantization_config" not in json.loads((whole / "merged" / "config.json").read_text())


@pytest.mark.slow
def test_new_tokens_and_the_head_at_them_are_learnt_and_merged(text, root, capsys):  # noqa: F811
    own = [word for word in RECIPES["gpt_extract"] if not word.startswith(FROM_SCRATCH)]
    assert cli.main(["gpt_lm", text, *RECIPES["gpt_lm"], "run=base", "trainer.max_steps=2"]) == 0
    model = f"model.name={root / 'gpt_lm' / 'base' / 'model'}"
    words = ["gpt_extract", text, *own, "model=pretrained", model, "run=adapted"]
    assert cli.main([*words, "peft=ia3"]) == 2
    assert "cannot learn the new tokens; take peft=lora" in capsys.readouterr().err
    assert cli.main([*words, "peft=lora"]) == 0
    run, sentence = root / "gpt_extract" / "adapted", "The horse sleeps in house number 3, and nobody asks why."
    saved = load_file(run / "model" / "adapter_model.safetensors")
    assert {part for name in saved for part in name.split(".")} >= {"extract_head", "token_adapter"}
    capsys.readouterr()
    assert cli.main(["predict", str(run), sentence]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 5
    assert cli.main(["merge", str(run)]) == 0
    assert any(name.startswith("extract_head") for name in load_file(run / "merged" / "model.safetensors"))


def test_a_head_that_only_training_needs_is_in_checkpoints_and_not_in_the_final_adapter(text, root):  # noqa: F811
    _, words = adapted("spanbert", text, root, "peft=lora", "run=adapted")
    assert cli.main(["spanbert", *words]) == 0
    run = root / "spanbert" / "adapted"
    final, checkpoint = (load_file(run / folder / "adapter_model.safetensors") for folder in ("model", "checkpoint-6"))
    assert {name for name in checkpoint if "span_boundary" in name}
    assert final.keys() == {name for name in checkpoint if "span_boundary" not in name}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["peft=lora"], "'peft': an adapter is for pretrained weights, and these are new"),
        (["peft=lora", "peft.rank=4"], "'peft.rank' is not a parameter of LoraConfig; did you mean 'peft.r'?"),
        (["peft.r=4"], "'peft.r' is for an adapter; name one, such as peft=lora"),
        (
            ["peft=prefix", "trainer.activation_checkpointing=true"],
            "'peft': a prefix is lost where activations are",
        ),
        (["peft=prompt", "peft.num_virtual_tokens=500"], "'peft.num_virtual_tokens': 500 before texts of"),
        (["peft=bottleneck", "peft.width=0"], "'peft.width' must be at least 1, got 0"),
        (
            ["quantization=nf4"],
            "'quantization': weights of so few bits cannot be trained; add an adapter, such",
        ),
        (["quantization=nf5", "peft=lora"], "'quantization=nf5' is not an option; choose from fp4, int8,"),
        (["quantization=nf4", "peft=lora", "quantization.load_in_4bits=true"], "'quantization.load_in_4bits' is not a"),
        (["peft=lorra"], "'peft=lorra' is not an option; did you mean 'lora'?"),
        (["peft=lora", "peft.r=0"], "'peft.r' must be at least 1, got 0"),
        (["peft=lora", "peft.target_modules=[nothing]"], "'peft.target_modules': bert has no layer 'nothing'"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(text, root, capsys, words, said):  # noqa: F811
    _, given = adapted("bert_mlm", text, root) if "new" not in said else (None, [text, *RECIPES["bert_mlm"]])
    assert cli.main(["bert_mlm", *given, *words]) == 2
    assert said in re.sub(r"\s+", " ", capsys.readouterr().err)


def test_a_weight_that_never_has_a_gradient_stops_the_run(text, root):  # noqa: F811
    _, words = adapted("gpt_lm", text, root, "peft=lora")
    trainer = genai_hf.build(genai_hf.compose("gpt_lm", words))
    layers = [module for module in bare(trainer.model).modules() if hasattr(module, "lora_B")]
    layers[0].lora_B["default"].register_forward_hook(lambda _, __, output: output.detach())
    with pytest.raises(genai_hf.errors.UserError, match=r"after 3 steps .*c_attn\.lora_A.* has had no gradient"):
        trainer.train()
