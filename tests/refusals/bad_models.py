"""Models: what a folder lacks, what its config.json says, and what is not there."""

from collections.abc import Sequence

from asking import Case
from model_parts import CONFIG, GOOD, NAMED, TEXTS, TRAIN, WEIGHTS, adapter, bert, run, without

CASES: Sequence[Case] = (
    Case(
        cause="The same, by a path",
        words=(*TRAIN, "model.name=./model"),
        files=without(GOOD, CONFIG),
        said="'model.name': ./model holds no config.json; give a folder made by save_pretrained, or a Hub id",
    ),
    Case(
        cause="A config.json cut short",
        words=NAMED,
        files=GOOD | {CONFIG: GOOD[CONFIG][:40]},
        said="'model.name': model/config.json is no JSON (…",
    ),
    Case(
        cause="A config.json that is a list",
        words=NAMED,
        files=GOOD | {CONFIG: "[]"},
        said="'model.name': model/config.json says no 'model_type'; give a folder that save_pretrained wrote",
    ),
    Case(
        cause="A config.json without model_type",
        words=NAMED,
        files=bert(model_type=None) | TEXTS,
        said="'model.name': model/config.json says no 'model_type'; give a folder that save_pretrained wrote",
    ),
    Case(
        cause="A misspelt model_type",
        words=NAMED,
        files=bert(model_type="brt") | TEXTS,
        said="'model.name': model is of 'brt', which transformers has not; did you mean 'bert'?",
    ),
    Case(
        cause="A negative size",
        words=NAMED,
        files=bert(hidden_size=-8) | TEXTS,
        said="'model.name': model/config.json: no bert can be made of it (…",
    ),
    Case(
        cause="A size in words",
        words=NAMED,
        files=bert(hidden_size="wide") | TEXTS,
        said="'model.name': model/config.json: refused by transformers (…",
    ),
    Case(
        cause="Heads that do not divide the width",
        words=NAMED,
        files=bert(num_attention_heads=3) | TEXTS,
        said="'model.config.num_attention_heads': 3 of them cannot share model.config.hidden_size=8; take a divisor …",
    ),
    Case(
        cause="An activation that there is not",
        words=NAMED,
        files=bert(hidden_act="glue") | TEXTS,
        said="'model.name': model/config.json: no bert can be made of it (…",
    ),
    Case(
        cause="A type of numbers that there is not",
        words=NAMED,
        files=bert(dtype="float17") | TEXTS,
        said="'model.name': model/config.json: refused by transformers (…",
    ),
    Case(
        cause="A config.json of a decoder",
        words=NAMED,
        files=bert(model_type="gpt2") | TEXTS,
        said="'model': gpt2 is no model for masked_lm; take an encoder, such as model=bert_tiny",
    ),
    Case(
        cause="A config.json of another encoder",
        words=NAMED,
        files=bert(model_type="roberta") | TEXTS,
        said="'model.name': model lacks roberta.embeddings.LayerNorm.bias and 20 more in this shape; its files are"
        " cut short, or model.config asks for other sizes",
    ),
    Case(
        cause="A model that needs code of its own",
        words=NAMED,
        files=bert(model_type="mine", auto_map={"AutoConfig": "code.Mine"}) | TEXTS,
        said="'model.name': model needs code of its own, which is never run; name another model",
    ),
    Case(
        cause="Attention by native code of the Hub",
        words=NAMED,
        files=bert(attn_implementation="a/b") | TEXTS,
        said="'model.name': model/config.json asks for a/b, native code of the Hub; take that line out",
    ),
    Case(
        cause="Weights of few bits to be trained",
        words=NAMED,
        files=bert(quantization_config={"quant_method": "gptq"}) | TEXTS,
        said="'model.name': model is stored in few bits, which no training changes; name the model that it was "
        "made of; quantization=nf4 peft=lora trains beside so few bits",
    ),
    Case(
        cause="A file instead of a folder",
        words=(*TRAIN, f"model.name={WEIGHTS}"),
        files=GOOD,
        said="'model.name': model/model.safetensors is a file; give the folder in which it lies",
    ),
    Case(
        cause="A folder that is not there",
        words=(*TRAIN, "model.name=./none"),
        files=TEXTS,
        said="'model.name': ./none does not exist; give a folder made by save_pretrained, or a Hub id",
    ),
    Case(
        cause="A model on the Hub without a network",
        words=(*TRAIN, "model.name=me/mine"),
        files=TEXTS,
        said="'model.name': me/mine is no folder here, was not downloaded before, and HF_HUB_OFFLINE forbids …",
    ),
    Case(
        cause="A revision without a network",
        words=(*TRAIN, "model.name=me/mine", "model.revision=v2"),
        files=TEXTS,
        said="'model.name': me/mine is no folder here, was not downloaded before, and HF_HUB_OFFLINE forbids …",
    ),
    Case(
        cause="An adapter as a model",
        words=NAMED,
        files=adapter() | TEXTS,
        said="'model.name': model is an adapter; genai-hf merge writes a model of its run, RUN/merged",
    ),
    Case(
        cause="A run instead of its model",
        words=(*TRAIN, "model.name=./run"),
        files=run(bert()) | TEXTS,
        said="'model.name': ./run holds no config.json; this is a run's folder, and its model is run/model",
    ),
)
