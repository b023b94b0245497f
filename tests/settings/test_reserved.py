"""What is not for setting may say what is so anyway."""

import pytest
import transformers

from genai_hf import config, recipe_files
from genai_hf.errors import ConfigError
from genai_hf.models.adapters import METHODS
from genai_hf.settings import checking, composing, generation, names, reserved, schema


def checked(*overrides):
    recipe = recipe_files.find("bert_mlm")
    cfg = composing.compose(recipe, overrides)
    checking.check(cfg, recipe, files=False)
    return cfg


SO_ANYWAY = [
    "remove_unused_columns=false",
    "logging_nan_inf_filter=false",
    "disable_tqdm=true",
    "fp16=false",
    "push_to_hub=false",
    "auto_find_batch_size=false",
    "label_smoothing_factor=0",
    "average_tokens_across_devices=true",
    "train_sampling_strategy=random",
    "resume_from_checkpoint=null",
    "fsdp=false",
    "include_for_metrics=[]",
    "do_train=true",
]


def test_a_reserved_field_with_the_value_that_it_has_is_no_mistake_and_goes_no_further(tmp_path):
    cfg = checked(*(f"trainer.{line}" for line in SO_ANYWAY), "precision=fp32", f"root={tmp_path}", "run=x")
    arguments = config.training_arguments(cfg)
    assert (arguments.remove_unused_columns, arguments.logging_nan_inf_filter, arguments.disable_tqdm) == (
        False,
        False,
        True,
    )
    assert (arguments.fp16, arguments.do_train, arguments.include_for_metrics) == (False, False, [])


@pytest.mark.parametrize("line", SO_ANYWAY)
def test_with_another_value_it_is_one(line):
    key = line.partition("=")[0]
    other = {"false": "true", "true": "false", "0": "0.1"}.get(line.partition("=")[2], "[other]")
    with pytest.raises(ConfigError, match=f"'trainer.{key}' is not for setting; "):
        checked(f"trainer.{key}={other}")


@pytest.mark.parametrize(
    ("lines", "precision"),
    [
        (["trainer.bf16=false"], "fp32"),
        (["trainer.bf16=false", "precision=fp16"], "fp16"),
        (["trainer.bf16=true", "precision=bf16"], "bf16"),
        ([], "auto"),
    ],
)
def test_what_transformers_calls_no_bf16_is_single_precision_unless_another_is_named(lines, precision):
    assert checked(*lines).precision == precision


def test_a_model_is_in_shards_where_the_launcher_says_so():
    assert checked("launch=fsdp", "trainer.fsdp=true").trainer.fsdp is True


def test_one_text_of_a_prompt_and_no_tables_beside_it_are_so_anyway():
    lines = ["num_return_sequences=1", "num_beam_groups=1", "output_scores=false", "token_healing=false"]
    generation.check(composing.compose_verb("generate", [f"generation.{line}" for line in lines]))


def test_every_reserved_field_exists_upstream():
    assert reserved.OF_TRAINER.keys() <= schema.fields(names.UPSTREAM["trainer"]).keys()
    assert reserved.OF_GENERATION.keys() <= schema.fields(names.GENERATION).keys()
    assert reserved.OF_ADAPTER.keys() <= set.intersection(
        *(set(schema.fields(each)) for each in names.ADAPTERS.values())
    )


def test_the_defaults_that_are_read_are_the_installed_ones():
    read, installed = schema.defaults(schema.fields(names.UPSTREAM["trainer"])), transformers.TrainingArguments
    found = {name: field.default for name, field in installed.__dataclass_fields__.items() if name in read}
    assert len(found) > 100
    assert found == read
    assert METHODS.keys() == names.ADAPTERS.keys()
