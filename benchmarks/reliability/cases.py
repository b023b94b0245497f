"""Small runs of every recipe that trains, past their first epoch within seconds: a new recipe is covered by a line.

The environment variable RECIPES, such as ``RECIPES=glue,t5_spans``, narrows a script to some of them.
"""

import json
import os
from pathlib import Path

STEPS, SAVE, EPOCH = 40, 4, 12  # steps of a run, from one checkpoint to the next, in an epoch at most

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
    "glue": ["task=local"],
    "gpt_extract": ["task=local"],
    "gpt_lm": TEXT,
    "prefix_lm": TEXT,
    "spanbert": TEXT,
    "t5_qa": ["pairs=questions", "data.input=text", "data.answers=label"],
    "t5_spans": TEXT,
}
if "RECIPES" in os.environ:
    OWN = {recipe: OWN[recipe] for recipe in os.environ["RECIPES"].split(",")}
GPT2, T5 = ("n_embd", "n_inner"), ("d_model", "d_ff")
SIZES = {
    "gpt_extract": GPT2,
    "gpt_lm": GPT2,
    "prefix_lm": GPT2,
    "t5_qa": T5,
    "t5_spans": T5,
}  # how it calls the two widths, if not as BERT
DEPTHS = {GPT2: "n_layer", T5: "num_layers"}
NARROW, WIDE = (32, 64), (512, 4096)  # the wide one's checkpoints have 130 MB


def words(recipe: str, folder: Path, *more: str, large: bool = False) -> list[str]:
    """The command's words for a run of `recipe` on the texts in `folder`, with dropout as it is shipped."""
    names = SIZES.get(recipe, ("hidden_size", "intermediate_size"))
    sizes = [f"model.config.{name}={size}" for name, size in zip(names, WIDE if large else NARROW, strict=True)]
    return [recipe, f"data.path={texts(folder)}", *OWN[recipe], *COMMON, *sizes, *more]


def depth(recipe: str) -> str:
    """What its model's configuration calls the number of layers."""
    return DEPTHS.get(SIZES.get(recipe, ()), "num_hidden_layers")


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
