"""The one door: what is refused, and in which words."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest
from omegaconf import OmegaConf
from transformers import GenerationConfig

import genai_hf
from genai_hf import config, recipe_files
from genai_hf.errors import ConfigError
from genai_hf.settings import checking, composing, describing, generation, names, reserved, trainer

RECIPES = sorted(recipe_files.shipped())


@dataclass(frozen=True, kw_only=True)
class Part:
    size: int
    share: float = 0.5
    kind: Literal["a", "b"] = "a"

    def __post_init__(self) -> None:
        if not 0 < self.share < 1:
            raise ValueError(f"share must be in (0, 1), got {self.share}")


@pytest.fixture
def readable_part(monkeypatch):
    """Let `Part`, which stands in a test, be read as if it stood in a package."""
    fields = {"size": "int", "share": "float", "kind": "Literal['a', 'b']"}
    known = {name: config.schema.Field(annotation) for name, annotation in fields.items()}
    monkeypatch.setattr(config.schema, "fields", lambda dotted: known)


def refused(line: str, recipe: str = "bert_mlm") -> str:
    with pytest.raises(ConfigError) as caught:
        found = recipe_files.find(recipe)
        checking.check(composing.compose(found, line.split()), found)
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.usefixtures("readable_part")
def test_build_calls_the_part_with_what_the_node_holds():
    assert config.build(Part, OmegaConf.create({"share": 0.25}), at="part", size=3) == Part(size=3, share=0.25)


@pytest.mark.usefixtures("readable_part")
@pytest.mark.parametrize(
    ("node", "message"),
    [
        ({"shar": 0.2}, "'part.shar' is not a parameter of Part; did you mean 'part.share'?"),
        ({"share": "x"}, "'part.share' must be float, got 'x'"),
        ({"kind": "c"}, "'part.kind' must be one of ['a', 'b'], got 'c'"),
        ({"size": 4}, "'part.size' is set by the recipe; leave it out"),
        ({"share": 2}, "part: share must be in (0, 1), got 2"),
    ],
)
def test_build_refuses_names_types_and_ranges(node, message):
    with pytest.raises(ConfigError) as caught:
        config.build(Part, OmegaConf.create(node), at="part", size=3)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("lr=1", "no key 'lr'; did you mean 'trainer.learning_rate'?"),
        ("epochs=3", "no key 'epochs'; did you mean 'trainer.num_train_epochs'?"),
        ("batch_size=3", "no key 'batch_size'; did you mean 'trainer.per_device_train_batch_size'?"),
        ("trainer.learnign_rate=1e-4",
         "'trainer.learnign_rate' is not a parameter of TrainingArguments; did you mean 'trainer.learning_rate'?"),
        ("trainer.warmup_ratio=0.1",
         "'trainer.warmup_ratio' is not a parameter of TrainingArguments; "
         "did you mean 'trainer.warmup_steps (below 1 it is a share of all steps)'?"),
        ("trainer.evaluation_strategy=no",
         "'trainer.evaluation_strategy' is not a parameter of TrainingArguments; "
         "did you mean 'trainer.eval_strategy'?"),
        ("trainer.learning_rate=fast", "'trainer.learning_rate' must be float, got 'fast'"),
        ("trainer.max_steps=1.5", "'trainer.max_steps' must be int, got 1.5"),
        ("trainer.max_steps=0", "'trainer.max_steps' must be positive, or -1 to count in epochs, got 0"),
        ("trainer.seed=-1", "'trainer.seed' must be at least 0, got -1"),
        ("trainer.seed=3", "'trainer.seed' is the run's; set seed=3"),
        ("trainer.bf16=true", "'trainer.bf16' is not for setting; set precision=bf16"),
        ("trainer.label_smoothing_factor=0.1", "'trainer.label_smoothing_factor' is not for setting; the"),
        ("trainer.report_to=wandb", "'trainer.report_to': wandb is not installed; pip install wandb, or leave it out"),
        ("seed=5000000000", "'seed' must be at most 4294967295, got 5000000000"),
        ("seed=x", "'seed' must be int, got 'x'"),
        ("trainer.output_dir=x", "'trainer.output_dir' is not for setting; set root=…"),
        ("modle=bert_tiny", "no key 'modle'; did you mean 'model'?"),
        ("model=bert_tniy",
         "'model=bert_tniy' is not an option; did you mean 'bert_tiny'? (bert_base, bert_mini, bert_tiny, "),
        ("model=pretrained", "'model.name' must be given: model.name=…"),
        ("model.architecture=brt", "'model.architecture': transformers has no 'brt'; did you mean 'bert'?"),
        ("model.config.num_hiden_layers=3",
         "'model.config.num_hiden_layers' is not a parameter of BertConfig; "
         "did you mean 'model.config.num_hidden_layers'?"),
        ("masking.probabilty=0.2", "no key 'masking.probabilty'; did you mean 'masking.probability'?"),
        ("masking.probability=high", "'masking.probability' must be float, got 'high'"),
        ("masking.selection=all", "'masking.selection' must be one of ['exact', 'bernoulli'], got 'all'"),
        ("sequence_length=long", "'sequence_length' must be int, got 'long'"),
        ("precision=fp17", "'precision' must be one of ['auto', 'fp32', 'bf16', 'fp16'], got 'fp17'"),
        ("+masking.probability=0.2", "'+masking.probability=0.2': write 'masking.probability=0.2' without the '+'"),
        ("+typo=x", "'+typo=x': no such key"),
        ("++masking.typo=x", "'++masking.typo=x': no such key"),
        ("~masking", "'masking' cannot be removed; set it to another value"),
        ("experiment=paper", "'experiment=paper' is not an option; choose from bert_paper, roberta, roberta_paper"),
        ("foo", "'foo' is not of the form key=value"),
        ("trainer=3", "'trainer=3' is not an option; choose from "),
    ],
)  # fmt: skip
def test_a_wrong_setting_is_refused_in_one_line(line, message):
    assert refused(line).startswith(message)


@pytest.mark.parametrize(
    ("recipe", "line", "said"),
    [
        ("instruct", "packing=no", "'packing' must be bool, got 'no'"),
        ("instruct", "sequence_length=abc", "'sequence_length' must be int, got 'abc'"),
        ("distill", "compare=no", "'compare' must be bool, got 'no'"),
        ("glue", "peft=lora peft.inference_mode=true", "'peft.inference_mode' is not for setting; it follows from the"),
    ],
)
def test_what_no_single_part_takes_is_looked_at_too(recipe, line, said):
    assert refused(line, recipe).startswith(said)


def test_settings_that_are_several_are_not_set_to_one_value():
    assert refused("segments=3", "bert_nsp").startswith("'segments' holds several settings; set one of them: segments.")


def test_every_field_of_training_arguments_needs_no_plus():
    found = recipe_files.find("bert_mlm")
    fields = config.schema.fields(names.UPSTREAM["trainer"]).keys() - reserved.OF_TRAINER.keys()
    assert len(fields) > 70
    cfg = composing.compose(found, [f"trainer.{name}=null" for name in sorted(fields)])
    assert set(cfg.trainer) == fields
    cfg = composing.compose(found, ["trainer.torch_compile=true", "trainer.optim=adafactor", "trainer.use_cache=false"])
    checking.check(cfg, found)
    assert cfg.trainer.torch_compile is True


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["tokens_per_batch=0"], "'tokens_per_batch' must be at least 1, got 0"),
        (["tokens_per_batch=99", "group_by_length=false"],
         "'tokens_per_batch' goes by the rows' lengths; say group_by_length=true besides"),
        (["pad_to_multiple_of=0"], "'pad_to_multiple_of' must be at least 1, got 0"),
        (["pad_to_multiple_of=8", "sequence_length=60"],
         "'sequence_length' must be a multiple of pad_to_multiple_of=8, got 60"),
        (["pad_to_multiple_of=true"], "'pad_to_multiple_of' must be int, got True"),
    ],
)  # fmt: skip
def test_how_batches_are_cut_is_checked(overrides, message):
    found = recipe_files.find("glue")
    with pytest.raises(ConfigError, match=re.escape(message)):
        checking.check(composing.compose(found, overrides), found, files=False)


BESIDES = {"quantization": ["peft=lora", "model=pretrained"]}  # what an option of the group needs


def options() -> list[Any]:
    """Every option of every group with every recipe that has it; all but the first of these are slow."""
    every = {recipe: describing.describe(recipe_files.find(recipe)).groups for recipe in RECIPES}
    triples = [(r, g, o) for r, found in every.items() for g, choices in found.items() for o in choices]
    first = {(group, option): recipe for recipe, group, option in reversed(triples)}
    return [
        triple if first[triple[1:]] == triple[0] else pytest.param(*triple, marks=pytest.mark.slow)
        for triple in triples
    ]


@pytest.mark.parametrize(("recipe", "group", "option"), options())
def test_every_recipe_composes_with_every_option_of_every_group(recipe, group, option):
    found = recipe_files.find(recipe)
    cfg = composing.compose(found, [f"{group}={option}", *BESIDES.get(group, [])])
    for key in OmegaConf.missing_keys(cfg):  # what only the user can know; of a path, that something is there
        OmegaConf.update(cfg, key, __file__)
    checking.check(cfg, found, files=False)


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_config_composed_in_python_is_the_commands(recipe):
    cfg = genai_hf.compose(recipe, ["seed=3"])
    assert (cfg.recipe, cfg.seed, cfg.overrides) == (recipe, 3, ["seed=3"])
    assert "hydra" not in cfg


def test_a_users_folder_comes_before_the_packaged_one(tmp_path):
    (tmp_path / "model").mkdir()
    packaged = Path(str(config.__file__)).parents[1] / "conf" / "model" / "bert_tiny.yaml"
    (tmp_path / "model" / "bert_tiny.yaml").write_text(
        packaged.read_text().replace("hidden_size: 128", "hidden_size: 64")
    )
    cfg = composing.compose(recipe_files.find("bert_mlm", (tmp_path,)))
    assert cfg.model.config.hidden_size == 64


def test_what_has_a_range_of_upstreams_is_a_field():
    named = {key for key in [*names.RANGES, *names.VALUES] if key.startswith("trainer.")}
    known = {f"trainer.{name}" for name in config.schema.fields(names.UPSTREAM["trainer"])}
    schedules = [config.schema.fields(dotted) for dotted in trainer.SCHEDULES.values()]
    assert named <= known | {f"trainer.lr_scheduler_kwargs.{name}" for fields in schedules for name in fields}


@pytest.mark.parametrize("option", ["greedy", "beam", "top_k", "top_p"])
def test_each_way_of_generating_is_one_that_transformers_takes(option):
    cfg = composing.compose_verb("generate", [f"generation={option}"])
    generation.check(cfg)
    chosen = GenerationConfig(**cfg.generation)
    chosen.validate(strict=True)
    assert chosen.do_sample is option.startswith("top")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("generation.tempreture=1", "'generation.tempreture' is not a parameter of GenerationConfig; did you mean "
         "'generation.temperature'?"),
        ("+generation.foo=1", "'generation.foo' is not a parameter of GenerationConfig"),
        ("generation.max_new_tokens=many", "'generation.max_new_tokens' must be int or None, got 'many'"),
        ("generation.max_new_tokens=null", "'generation.max_new_tokens' must be at least 1, got None"),
        ("generation.num_beams=0", "'generation.num_beams' must be at least 1, got 0"),
        ("generation.num_return_sequences=2", "'generation.num_return_sequences' is not for setting; a prompt has one "
         "text; another seed gives another"),
        ("generation.penalty_alpha=0.6", "'generation.penalty_alpha' is not for setting; transformers has it as code "
         "on the Hub only, and none is run from there"),
        ("seed=now", "'seed' must be int, got 'now'"),
        ("sed=1", "no key 'sed'; did you mean 'seed'?"),
    ],
)  # fmt: skip
def test_a_wrong_setting_of_generating_is_refused(line, said):
    with pytest.raises(ConfigError) as caught:
        generation.check(composing.compose_verb("generate", [line]))
    assert str(caught.value) == said


def test_a_group_that_is_open_elsewhere_is_no_door_for_a_typo():
    assert refused("+generation.top_p=0.9").startswith("'+generation.top_p=0.9': no such key")
    assert refused("+supervised.a.path=b", "gpt_lm").startswith("'+supervised.a.path=b': no such key")
