"""Composing without Hydra's own node gives what composing with it gives."""

import pytest
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import OmegaConf

from genai_hf import recipe_files
from genai_hf.settings import composing, composition

ASKED = {
    "glue": [
        "task=rte",
        "peft=lora",
        "trainer.learning_rate=1e-3",
        "+trainer.use_cpu=true",
        "quantization.bnb_4bit_quant_type=fp4",
    ],
    "bert_mlm": ["experiment=roberta"],
    "distill": ["of=glue", "task=sst2"],
    "gpt_lm": ["data=text", "data.path='a, b'", "~trainer.learning_rate"],
}


@pytest.mark.parametrize("name", [*recipe_files.shipped()])
def test_without_hydras_node(name: str) -> None:
    recipe = recipe_files.find(name)
    for overrides in ([], ASKED.get(name, ["seed=3"])):
        app = composing.application(recipe)
        found = composition.compose(app, name, overrides)
        whole = app.compose_config(name, [*overrides, *composition.QUIET], run_mode=RunMode.RUN)
        chosen = {group: option for group, option in whole.hydra.runtime.choices.items() if "hydra" not in group}
        expected = composition.split(whole)
        assert "hydra" not in found.settings
        assert OmegaConf.to_yaml(found.settings) == OmegaConf.to_yaml(expected.settings)
        assert list(found.settings) == list(expected.settings)
        assert found.choices == expected.choices == chosen
        assert OmegaConf.is_struct(found.settings)


@pytest.mark.parametrize("wrong", ["nothing=1", "task=1,2", "seed=1,2", "task=nothing"])
def test_the_same_faults(wrong: str) -> None:
    app = composing.application(recipe_files.find("glue"))
    with pytest.raises(HydraException) as quick:
        composition.compose(app, "glue", [wrong])
    with pytest.raises(HydraException) as whole:
        app.compose_config("glue", [wrong, *composition.QUIET], run_mode=RunMode.RUN)
    assert (type(quick.value), str(quick.value)) == (type(whole.value), str(whole.value))


def test_a_launcher_has_hydras_node_made() -> None:
    app = composing.application(recipe_files.find("glue"))
    assert composition.compose(app, "glue", ["hydra/launcher=basic"]).choices["task"] == "python_docs"
    with pytest.raises(HydraException, match="nothing"):
        composition.compose(app, "glue", ["hydra/launcher=nothing"])
