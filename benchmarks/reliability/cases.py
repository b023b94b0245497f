"""Small runs of every recipe that trains, past their first epoch within seconds: a new recipe is covered by a line.

The environment variable RECIPES, such as ``RECIPES=glue,t5_spans``, narrows a script to some of them.
"""

import json
import os
from pathlib import Path
from typing import NamedTuple

STEPS, SAVE, EPOCH = 40, 4, 13  # steps of a run, from one checkpoint to the next, in an epoch at most

COMMON = [
    "tokenizer.vocab_size=300",
    "tokenizer.multiple_of=1",
    "sequence_length=32",
    f"trainer.max_steps={STEPS}",
    "trainer.save_strategy=steps",
    f"trainer.save_steps={SAVE}",
    "trainer.save_total_limit=2",
    "trainer.load_best_model_at_end=false",
    "trainer.per_device_train_batch_size=8",
    "trainer.logging_steps=1",
    "trainer.eval_strategy=no",
    "trainer.eval_on_start=false",
    "trainer.use_cpu=true",
    "precision=fp32",
]
TEXT = ["data=text"]
OWN = {
    "bert_mlm": TEXT,
    "bert_nsp": TEXT,
    # Without the soft loss: a teacher in float32 rounds as its batches are cut. The tests have one in float64.
    "distill": ["task=local", "compare=false", "loss.alpha=0"],
    "glue": ["task=local"],
    "gpt_extract": ["task=local"],
    "gpt_lm": TEXT,
    "instruct": [
        "instructions=alpaca",
        "data.rename={text: instruction, label: output}",
        "prompt=alpaca",
        "sequence_length=192",
    ],
    "prefix_lm": TEXT,
    "spanbert": TEXT,
    "t5_qa": ["pairs=questions", "data.input=text", "data.answers=label"],
    "t5_spans": TEXT,
}
if "RECIPES" in os.environ:
    OWN = {recipe: OWN[recipe] for recipe in os.environ["RECIPES"].split(",")}


class Names(NamedTuple):
    """What a model's configuration calls its two widths, its number of layers, and every share of dropout."""

    widths: tuple[str, str]
    layers: str
    dropouts: tuple[str, ...]


BERT = Names(
    ("hidden_size", "intermediate_size"), "num_hidden_layers", ("hidden_dropout_prob", "attention_probs_dropout_prob")
)
GPT2 = Names(("n_embd", "n_inner"), "n_layer", ("embd_pdrop", "resid_pdrop", "attn_pdrop"))
T5 = Names(("d_model", "d_ff"), "num_layers", ("dropout_rate",))
NAMES = {  # the others are BERTs
    **dict.fromkeys(("gpt_extract", "gpt_lm", "instruct", "prefix_lm"), GPT2),
    **dict.fromkeys(("t5_qa", "t5_spans"), T5),
}
NARROW, WIDE = (32, 64), (512, 4096)  # the wide one's checkpoints have 130 MB


def words(recipe: str, folder: Path, *more: str, large: bool = False) -> list[str]:
    """The command's words for a run of `recipe` on the texts in `folder`, with a tenth of dropout everywhere."""
    names = NAMES.get(recipe, BERT)
    values = dict(zip(names.widths, WIDE if large else NARROW, strict=True)) | dict.fromkeys(names.dropouts, 0.1)
    config = [f"model.config.{name}={value}" for name, value in values.items()]
    return [recipe, f"data.path={texts(folder)}", *COMMON, *OWN[recipe], *config, *more]


def texts(folder: Path) -> Path:
    """A folder of short English texts, and of their sentences with the animal as label; the same each time."""
    folder.mkdir(parents=True, exist_ok=True)
    labelled = list[str]()
    things, deeds = ["cat", "dog", "bird", "fish", "horse"], ["sleeps", "eats", "runs", "sings", "waits"]
    for number in range(40):
        thing, deed = things[number % 5], deeds[number // 5 % 5]
        lines = [f"The {thing} {deed} in house {number * 7 + line}, and nobody asks why." for line in range(6)]
        (folder / f"{number:02}.txt").write_text("\n".join(lines), encoding="utf-8")
        labelled += [json.dumps({"text": line, "label": thing}) for line in lines[:2]]
    (folder / "train.jsonl").write_text("\n".join(labelled), encoding="utf-8")
    return folder
