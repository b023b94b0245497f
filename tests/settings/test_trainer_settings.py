"""What the tables say of the installed libraries."""

import inspect

import pytest
import torch.optim.lr_scheduler
import torch.utils.checkpoint
from omegaconf import OmegaConf
from transformers import PreTrainedModel, optimization
from transformers.trainer_utils import SchedulerType

from genai_hf import launching, recipe_files
from genai_hf.errors import ConfigError
from genai_hf.settings import checking, composing, schema, trainer


def test_each_schedule_is_made_by_what_transformers_makes_it_by():
    made = {kind: by.rpartition(".")[2] for kind, by in trainer.SCHEDULES.items()}
    installed = {SchedulerType(kind).value: by.__name__ for kind, by in optimization.TYPE_TO_SCHEDULER_FUNCTION.items()}
    classes = {"greedy": "GreedyLR", "reduce_lr_on_plateau": "ReduceLROnPlateau"}  # which get all that is given
    assert made == installed | classes
    assert all(set(trainer.NEEDED[kind]) <= set(schema.fields(trainer.SCHEDULES[kind]))
               for kind in trainer.NEEDED)  # fmt: skip


def test_activation_checkpointing_takes_what_transformers_and_torch_take():
    takers = (PreTrainedModel.activation_checkpointing_enable, torch.utils.checkpoint.checkpoint)
    taken = {name for taker in takers for name in inspect.signature(taker).parameters} | {"preserve_rng_state"}
    assert trainer.CHECKPOINTING.keys() <= taken


@pytest.mark.parametrize("launch", ["gpus", "fsdp", "deepspeed", "cpu2", "slurm"])
def test_the_words_of_every_launch_are_options_of_its_launcher(launch):
    launching.check(composing.compose(recipe_files.find("bert_mlm"), [f"launch={launch}"]))


@pytest.mark.parametrize(
    "lines",
    [
        ["trainer.lr_scheduler_type=inverse_sqrt", "trainer.lr_scheduler_kwargs.timescale=100"],
        ["trainer.lr_scheduler_type=cosine_with_min_lr", "trainer.lr_scheduler_kwargs.min_lr=0"],
        ["trainer.lr_scheduler_type=reduce_lr_on_plateau", "trainer.lr_scheduler_kwargs={patience: 2, factor: 0.5}"],
        ["trainer.lr_scheduler_type=constant"],  # of a recipe whose own schedule has a warm-up
        ["trainer.num_train_epochs=3", "trainer.max_steps=-1"],
        ["trainer.max_steps=9", "trainer.num_train_epochs=3"],  # both by one who knows that one of them counts
        ["trainer.eval_strategy=no", "trainer.eval_steps=9"],
        ["trainer.eval_strategy=epoch"],
        ["trainer.optim=sgd", "trainer.optim_args='momentum=0.9, nesterov=true'"],
        ["trainer.optim=ademamix", "trainer.optim_args='alpha=3'"],
        ["trainer.save_strategy=best", "trainer.metric_for_best_model=loss"],
        ["trainer.warmup_steps=1.0", "trainer.logging_steps=0.5"],
        ["trainer.save_total_limit=null"],
        ["trainer.gradient_checkpointing_kwargs={use_reentrant: false}", "trainer.activation_checkpointing=true"],
        ["launch=cpu2", "launch.arguments=['--max-restarts=1',--redirects]"],
        ["launch=cpu2", "launch.processes=4"],
        ["trainer.metric_for_best_model=perplexity", "trainer.greater_is_better=false"],
        ["trainer.metric_for_best_model=error_rate", "trainer.greater_is_better=false"],  # of a task of one's own
        ["trainer.metric_for_best_model=eval_loss"],
        ["max_skipped=3", "on_nan=skip"],
        ["masking.unit=token", "masking.longest_span=3"],  # both by one who knows, as in a sweep over the unit
        ["trainer.hub_strategy=every_save", "trainer.bf16=true", "precision=bf16"],  # as it is anyway
    ],
)
def test_what_means_something_is_taken(lines):
    recipe = recipe_files.find("bert_mlm")
    checking.check(composing.compose(recipe, lines), recipe, files=False)


@pytest.mark.parametrize(
    ("line", "taken"),
    [
        ("trainer.max_steps=1e3", 1000),
        ("sequence_length=64.0", 64),
        ("seed=1e0", 1),
        ("trainer.warmup_steps=1.0", 1.0),  # a share or a number
        ("trainer.max_steps=1.5", 1.5),  # which is refused
    ],
)
def test_a_whole_number_may_have_an_exponent_where_only_whole_ones_are_taken(line, taken):
    found = OmegaConf.select(composing.compose(recipe_files.find("bert_mlm"), [line]), line.partition("=")[0])
    assert (type(found), found) == (type(taken), taken)


@pytest.mark.parametrize(
    ("rounds", "is_one"), [("pissa_niter_16", True), ("pissa_niter_", False), ("pissa_niter_1.5", False)]
)
def test_a_choice_with_a_number_in_it_is_one_of_any_number(rounds, is_one):
    recipe = recipe_files.find("glue")
    lines = ["model=pretrained", "model.name=x", "peft=lora", f"peft.init_lora_weights={rounds}"]
    cfg = composing.compose(recipe, lines)
    if is_one:
        checking.check(cfg, recipe, files=False)
        return
    with pytest.raises(ConfigError, match=r"'peft.init_lora_weights' must be bool or one of "):
        checking.check(cfg, recipe, files=False)
