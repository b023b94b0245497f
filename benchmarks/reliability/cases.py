"""Small runs of every recipe that trains, past their first epoch within seconds: a new recipe is covered by a line."""

from pathlib import Path

STEPS, SAVE, EPOCH = 40, 4, 12  # steps of a run, from one checkpoint to the next, in an epoch at most

COMMON = [
    "data=text",
    "tokenizer.vocab_size=300",
    "tokenizer.multiple_of=1",
    "sequence_length=32",
    f"trainer.max_steps={STEPS}",
    f"trainer.save_steps={SAVE}",
    "trainer.per_device_train_batch_size=8",
    "trainer.logging_steps=1",
    "trainer.eval_strategy=no",
    "trainer.eval_on_start=false",
    "trainer.use_cpu=true",
    "precision=fp32",
]
SMALL = {"bert_mlm": ["model.config.hidden_size=32", "model.config.intermediate_size=64"]}
LARGE = {"bert_mlm": ["model.config.hidden_size=512", "model.config.intermediate_size=4096"]}  # checkpoints of 130 MB


def words(recipe: str, folder: Path, *more: str, large: bool = False) -> list[str]:
    """The command's words for a run of `recipe` on the texts in `folder`, with dropout as it is shipped."""
    sizes = LARGE if large else SMALL
    return [recipe, f"data.path={texts(folder)}", *COMMON, *sizes[recipe], *more]


def texts(folder: Path) -> Path:
    """A folder of short English texts, the same each time."""
    folder.mkdir(parents=True, exist_ok=True)
    things, deeds = ["cat", "dog", "bird", "fish", "horse"], ["sleeps", "eats", "runs", "sings", "waits"]
    for number in range(40):
        thing, deed = things[number % 5], deeds[number // 5 % 5]
        lines = [f"The {thing} {deed} in house {number * 7 + line}, and nobody asks why." for line in range(6)]
        (folder / f"{number:02}.txt").write_text("\n".join(lines), encoding="utf-8")
    return folder
