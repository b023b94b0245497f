"""What is read from source must be what the installed classes take."""

from dataclasses import fields

import pytest
import transformers

from genai_hf.settings import annotations, schema, sources, upstream


def test_the_fields_of_training_arguments_are_the_installed_ones():
    installed = {field.name for field in fields(transformers.TrainingArguments) if field.init}
    assert set(schema.fields("transformers.training_args.TrainingArguments")) == installed


def test_the_fields_of_a_generation_configuration_are_the_installed_ones_with_their_types():
    found = schema.fields("transformers.generation.configuration_utils.GenerationConfig")
    installed = {name for name in vars(transformers.GenerationConfig()) if not name.startswith("_")}
    assert installed - {"transformers_version"} <= set(found) <= installed | {"continuous_batching_config"}
    types = {"max_new_tokens": "int", "temperature": "float", "do_sample": "bool", "stop_strings": "Any"}
    assert {name: found[name].annotation for name in types} == {name: f"{kind} | None" for name, kind in types.items()}


ARCHITECTURES = ["bert", "roberta", "distilbert", "modernbert", "gpt2", "openai-gpt", "llama", "t5"]
ARCHITECTURES += ["data2vec-text", "musicgen"]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_fields_of_a_model_configuration_are_the_installed_ones(architecture):
    dotted = upstream.model_config(architecture)
    assert dotted is not None
    installed = transformers.CONFIG_MAPPING[architecture]
    assert dotted == f"{installed.__module__}.{installed.__name__}"
    assert set(schema.fields(dotted)) == {field.name for field in fields(installed) if field.init}


def test_an_unknown_architecture_is_none():
    assert upstream.model_config("brt") is None


def test_a_part_is_found_where_it_is_re_exported():
    assert sources.find("genai_hf.models.load")[0] == "genai_hf.models.loading"
    assert "sequence_length" in schema.fields("genai_hf.models.load")


def test_a_name_that_is_not_defined_is_said():
    with pytest.raises(LookupError, match=r"genai_hf\.models\.lood is not defined"):
        schema.fields("genai_hf.models.lood")


@pytest.mark.parametrize(
    ("value", "annotation", "expected"),
    [
        (1, "float", True),
        (1.5, "int", False),
        (True, "int", False),
        (True, "float", False),
        ("a", "float", False),
        (None, "int | None", True),
        (None, "int", False),
        (None, "Optional[int]", True),
        ("x", "Optional[int]", False),
        ("no", "IntervalStrategy | str", True),
        ("linear", "SchedulerType", True),
        ("exact", "Literal['exact', 'bernoulli']", True),
        ("all", "Literal['exact', 'bernoulli']", False),
        (3, "'int | str'", True),
        ([1], "int", False),
        ([1], "Sequence[int] | None", True),
        ([1], "list[str]", False),
        ([1, "a"], "tuple[int, str]", True),
        ([1], "SchedulerType", True),  # a class's owner will judge
        ({"a": 1}, "Mapping[str, int]", True),
        ({"a": "b"}, "dict[str, int]", False),
        ({"a": 1}, "list[int]", False),
        ("a", "Union[int, float]", False),
        (2, "typing.Union[int, str]", True),
    ],
)
def test_a_scalar_is_held_against_an_annotation(value, annotation, expected):
    assert annotations.fits(value, annotation) is expected
