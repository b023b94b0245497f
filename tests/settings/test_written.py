"""What a source writes out has a value; what reaches for more has none."""

import ast

import pytest
from omegaconf import DictConfig

from genai_hf import recipe_files
from genai_hf.errors import ConfigError
from genai_hf.settings.written import UNKNOWN, Scope

SOURCE = "import re\n\nLEAST = 4\nNAMES = {'one': print, 'two': len}\n"


def value(expression):
    names = {"cfg": DictConfig({"data": {"path": "a.txt"}}), "kind": "word"}
    return Scope(ast.parse(SOURCE), "").value(ast.parse(expression, mode="eval").body, names)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("cfg.data", {"path": "a.txt"}),
        ("LEAST + 1", 5),
        ("sorted(NAMES)", ["one", "two"]),
        ("re.fullmatch('w.*', kind) is not None", True),
        ("math.isfinite(1.0)", True),
        ("type(LEAST) is int", True),
        ("f'supervised.{kind}'", "supervised.word"),
    ],
)
def test_what_is_written_out_has_a_value(expression, expected):
    assert value(expression) == expected


@pytest.mark.parametrize(
    "expression",
    [
        "().__class__.__base__.__subclasses__()",
        "re.enum.sys.modules",
        "math.floor.__self__",
        "vars(re)['enum']",
        "vars(cfg)",
        "type(cfg).mro()",
        "cfg._metadata",
        "hint.__globals__",
        "open('canary', 'w')",
        "nothing",
    ],
)
def test_what_reaches_for_more_has_none(expression):
    assert value(expression) is UNKNOWN


def test_the_recipe_that_another_builds_is_a_packaged_one():
    distill = recipe_files.find("distill")
    assert [one.name for one in recipe_files.with_base(distill, DictConfig({"of": "glue"}))] == ["distill", "glue"]
    with pytest.raises(ConfigError, match=r"'of' must be a packaged recipe, got run/notes\.py; take one of"):
        recipe_files.with_base(distill, DictConfig({"of": "run/notes.py"}))
