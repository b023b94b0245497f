"""What each lever of conf/base.yaml's `speed` gives by itself: a recipe's training with one, with none and with all.

    python benchmarks/levers.py bert_mlm model=bert_mini sequence_length=128 … [--steps 14] [--rounds 2]

All other arguments are settings of the recipe. The first two steps are not timed; the loss is the mean of training's.
"""

from functools import partial

import arms

from genai_hf import allocator
from genai_hf.training import Trainer, trial

WARM = 2  # steps that are not timed
OF_MODELS = ("attention", "dropout", "unpadded", "last_layer")
LEVERS = (*OF_MODELS, "keep_memory")
ARMS = {"none": (), **{lever: (lever,) for lever in LEVERS}, "all": LEVERS}


def make(folder: str, arm: str, recipe: str, settings: list[str], steps: int) -> Trainer:
    """The recipe's Trainer with an arm's levers."""
    allocator.keep() if "keep_memory" in ARMS[arm] else allocator.settled()
    chosen = {lever: "auto" if lever in ARMS[arm] else "library" for lever in OF_MODELS}
    built = arms.built(recipe, *settings, *(f"speed.{lever}={choice}" for lever, choice in chosen.items()))
    trial.only_train(built)
    built.args.max_steps, built.args.output_dir = steps, folder
    return built


def measure(trainer: Trainer) -> dict[str, float]:
    """The mean loss of training."""
    return {"loss": next(entry["train_loss"] for entry in trainer.state.log_history if "train_loss" in entry)}


def main() -> None:
    """Print a table and, as the last line, JSON."""
    parser = arms.parser(__doc__, steps=14, rounds=2)
    parser.add_argument("recipe")
    parser.add_argument("settings", nargs="*")
    asked = arms.parse(parser)
    if asked.steps <= WARM or any(setting.startswith("speed.") for setting in asked.settings):
        parser.error(f"--steps must be more than {WARM}, and speed.* is what the arms differ in")
    given = {"recipe": asked.recipe, "settings": asked.settings, "steps": asked.steps}
    turns = {arm: partial(arms.train, partial(make, arm=arm, **given), measure, WARM) for arm in ARMS}
    found = arms.in_turns(turns, asked.rounds)
    print(arms.table(found))
    print(arms.as_json(asked, found))


if __name__ == "__main__":
    arms.run(main)
