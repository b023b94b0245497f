"""Models of runs: unfinished, damaged, or of another kind than is asked of them."""

import hashlib
import json
from collections.abc import Sequence

import numpy as np
from asking import Case
from model_parts import (
    GOOD,
    PICKLE,
    TEXTS,
    UNTRAINED,
    WEIGHTS,
    WIDTH,
    WRITER,
    Files,
    adapter,
    bert,
    flipped,
    run,
    tokenizer,
    with_weights,
    without,
)

TABLE: Files = {"rows.csv": "text,label\n" + "".join(f"w{row} w1,{'no' if row % 2 else 'yes'}\n" for row in range(40))}
GLUE = ("glue", "task=local", "data.path=rows.csv", "sequence_length=16", "trainer.use_cpu=true")
BEGIN = (*GLUE, "init_from=run")
TEACH = ("distill", "of=bert_mlm", *UNTRAINED[1:])
WRITE, ASK = ("generate", "run", "w1 w2"), ("predict", "run", "w1 w2")
MODEL, ADAPTER = "run/model/model.safetensors", "run/model/adapter_model.safetensors"
ENCODER, DECODER, LORA = run(bert()) | TABLE, run(WRITER), run(adapter())
ANSWERER = run(bert(architectures=["BertForSequenceClassification"]), recipe="t5_qa")
TRAINED = "recipe: gpt_lm\ntrainer: {max_steps: 1}\n"
NUMBERS = json.dumps({"metrics.json": hashlib.sha256(b'{"eval_loss": 1.5}').hexdigest()}, indent=1) + "\n"
NAN = np.full((WIDTH,), np.nan, np.float32)

# A bit flipped in the numbers of somebody else's file cannot be seen: safetensors has no checksum. In what a run left
# it is, for the run's manifest has one; both stand below.
CASES: Sequence[Case] = (
    Case(
        cause="To begin with a run that has not finished",
        words=BEGIN,
        files=run(bert(), finished=False) | TABLE,
        said="'init_from': run holds no model; name the folder of a run that has finished",
    ),
    Case(
        cause="To begin with what is no run",
        words=(*GLUE, "init_from=text"),
        files=TEXTS | TABLE,
        said="'init_from': text holds no model; name the folder of a run that has finished",
    ),
    Case(
        cause="To begin with a model of which a bit has flipped",
        words=BEGIN,
        files=ENCODER | {MODEL: flipped(ENCODER[MODEL], -9)},
        said="'init_from': run/model: model.safetensors is damaged; run it again with overwrite=true, or delete "
        "its manifest.json if the change is yours",
    ),
    Case(
        cause="To begin with a model of which a file is gone",
        words=BEGIN,
        files=without(ENCODER, "run/model/tokenizer_config.json"),
        said="'init_from': run/model: tokenizer_config.json is missing; run it again with overwrite=true, or "
        "delete its manifest.json if the change is yours",
    ),
    Case(
        cause="A teacher that is not there",
        words=(*TEACH, "teacher.name=./none"),
        files=TEXTS,
        said="'teacher.name': ./none holds no model; name a finished run, a model's folder, or a Hub id",
    ),
    Case(
        cause="A teacher without weights",
        words=(*TEACH, "teacher.name=model"),
        files=without(GOOD, WEIGHTS),
        said="'teacher.name': model holds no model.safetensors; give a folder that save_pretrained wrote",
    ),
    Case(
        cause="A teacher with weights cut short",
        words=(*TEACH, "teacher.name=model"),
        files=GOOD | {WEIGHTS: GOOD[WEIGHTS][:-1]},
        said="'teacher.name': model/model.safetensors is no whole safetensors file (…",
    ),
    Case(
        cause="A teacher on the Hub without a network",
        words=(*TEACH, "teacher.name=me/mine"),
        files=TEXTS,
        said="'teacher.name': me/mine is no folder here, was not downloaded before, and HF_HUB_OFFLINE forbids …",
    ),
    Case(
        cause="To write with a model of which a bit has flipped",
        words=WRITE,
        files=DECODER | {MODEL: flipped(DECODER[MODEL], -9)},
        said="run/model: model.safetensors is damaged; run it again with overwrite=true, or delete its "
        "manifest.json if the change is yours",
    ),
    Case(
        cause="To write with a run that has not finished",
        words=WRITE,
        files=run(WRITER, finished=False),
        said="run has not finished; the same command that began it goes on with it",
    ),
    Case(
        cause="To write with an encoder",
        words=WRITE,
        files=run(bert()),
        said="run/model writes no text, being a bert; name a decoder or an encoder-decoder",
    ),
    Case(
        cause="To write with weights that are no numbers",
        words=("generate", "model", "w1"),
        files=with_weights(WRITER, transformer__ln_f__bias=NAN),
        said="model: transformer.ln_f.bias holds what is no finite number; name another checkpoint",
    ),
    Case(
        cause="To write with a pickle",
        words=("generate", "model", "w1"),
        files=without(WRITER, WEIGHTS) | {"model/pytorch_model.bin": PICKLE},
        said="model holds no model.safetensors, only pytorch_model.bin: a pickle, which may run code when it is "
        "read; have it saved anew where it can be trusted, by save_pretrained",
    ),
    Case(
        cause="To write with a model that is not there",
        words=("generate", "./none", "w1"),
        said="./none: no such folder; ./ holds …",
    ),
    Case(
        cause="To write with a model on the Hub without a network",
        words=("generate", "me/mine", "w1"),
        said="me/mine is no folder, was not downloaded before, and the Hub cannot be reached; give a folder, such as"
        " hf download me/mine --local-dir FOLDER makes",
    ),
    Case(
        cause="To write without a tokenizer",
        words=("generate", "model", "w1"),
        files=without(WRITER, *tokenizer()),
        said="model holds no tokenizer.json and no vocabulary; give one that save_pretrained wrote",
    ),
    Case(
        cause="To write with a tokenizer that is too large",
        words=("generate", "model", "w1"),
        files=WRITER | tokenizer(70),
        said="model: its embedding has 64 tokens and its tokenizer 70; give it the tokenizer's files that belong to it",
    ),
    Case(
        cause="To ask a model of which a bit has flipped",
        words=ASK,
        files=ANSWERER | {MODEL: flipped(ANSWERER[MODEL], -9)},
        said="run/model: model.safetensors is damaged; run it again with overwrite=true, or delete its "
        "manifest.json if the change is yours",
    ),
    Case(
        cause="To ask a run that has not finished",
        words=ASK,
        files=run(bert(), finished=False),
        said="run has not finished; the same command that began it goes on with it",
    ),
    Case(
        cause="To ask what is no run",
        words=("predict", "model", "w1"),
        files=bert(),
        said="model is not a run; name its folder, such as outputs/glue/…",
    ),
    Case(
        cause="To merge a run without an adapter",
        words=("merge", "run"),
        files=run(WRITER),
        said="run holds no adapter; name a run of peft=lora or the like that has finished",
    ),
    Case(
        cause="To merge an adapter of which a bit has flipped",
        words=("merge", "run"),
        files=LORA | {ADAPTER: flipped(LORA[ADAPTER], -3)},
        said="run/model: adapter_model.safetensors is damaged; run it again with overwrite=true, or delete its "
        "manifest.json if the change is yours",
    ),
    Case(
        cause="To merge an adapter whose base is gone",
        words=("merge", "run"),
        files=run(adapter("./gone")),
        said="run/model is an adapter of ./gone, which cannot be read; bring it back there (./gone is no folder; "
        "give one that save_pretrained wrote, or a Hub id)",
    ),
    Case(
        cause="To merge an adapter of another method than there is",
        words=("merge", "run"),
        files=run(adapter(peft_type="LOAR")),
        said="run/model/adapter_config.json is refused by PEFT (…",
    ),
    Case(
        cause="To merge an adapter of another width",
        words=("merge", "run"),
        files=run(adapter("model", r=2)) | WRITER,
        said="run/model: its adapter does not fit model (…",
    ),
    Case(
        cause="To merge an adapter that is a pickle",
        words=("merge", "run"),
        files=run(without(adapter(), "model/adapter_model.safetensors") | {"model/adapter_model.bin": PICKLE}),
        said="run/model holds no adapter_model.safetensors; have the adapter saved anew as safetensors",
    ),
    Case(
        cause="The report of a run whose final numbers are none",
        words=("report", "run"),
        files=ENCODER | {"run/metrics.json": '{"eval_loss": NaN}'},
        said="run/metrics.json holds no finite number as 'eval_loss', but nan; run it again with overwrite=true",
    ),
    Case(
        cause="To verify a run of whose model a bit has flipped",
        words=("verify", "run", "--steps", "0"),
        files=DECODER | {MODEL: flipped(DECODER[MODEL], -9)},
        said="run: model damaged; run it again with overwrite=true",
    ),
    Case(
        cause="To verify a finished run whose model is gone",
        words=("verify", "run", "--steps", "0"),
        files={name: content for name, content in DECODER.items() if "/model/" not in name}
        | {"run/config.yaml": TRAINED},
        said="run: model missing; run it again with overwrite=true",
    ),
    Case(
        cause="To verify a finished run whose model has lost its manifest",
        words=("verify", "run", "--steps", "0"),
        files=without(DECODER, "run/model/manifest.json"),
        said="run: model without manifest.json; run it again with overwrite=true",
    ),
    Case(
        cause="To verify a run whose final numbers were changed",
        words=("verify", "run", "--steps", "0"),
        files=DECODER | {"run/metrics.json": '{"eval_loss": 1.0}', "run/manifest.json": NUMBERS},
        said="run: final numbers damaged; run it again with overwrite=true",
    ),
    *(
        Case(
            cause=f"To replay a run whose log holds {what}",
            words=("verify", "run"),
            files=DECODER | {"run/config.yaml": TRAINED, "run/metrics.jsonl": b'{"step": 1}\n' + line + b"\n"},
            said="run/metrics.jsonl holds a line that is no object with a step; --steps 0 looks at the files",
        )
        for what, line in {
            "a list as a step": b'{"step": [1]}',
            "a text as a step": b'{"step": "5"}',
            "no text": b"\xff",
            "brackets without an end": b"[" * 99999,
        }.items()
    ),
    Case(
        cause="To verify a run beside whose model lies what it did not write",
        words=("verify", "run", "--steps", "0"),
        files=DECODER | {f"run/model/{name}": "" for name in ("modeling_mine.py", "pytorch_model.bin", ".note")},
        said="run: model holds files that the run did not write; take them out",
    ),
    Case(
        cause="To write with a run's model to which a chat template was added",
        words=WRITE,
        files=DECODER | {"run/model/chat_template.jinja": "{{ messages }}"},
        said="run/model: chat_template.jinja was not written by its run; take it out, or delete its manifest.json if "
        "the change is yours",
    ),
    Case(
        cause="To begin with a run's model to which other weights were added, with an index of them",
        words=BEGIN,
        files=ENCODER
        | {"run/model/part.safetensors": ENCODER[MODEL]}
        | {"run/model/model.safetensors.index.json": '{"weight_map": {"x": "part.safetensors"}}'},
        said="'init_from': run/model: model.safetensors.index.json was not written by its run; take it out, or delete "
        "its manifest.json if the change is yours",
    ),
)
