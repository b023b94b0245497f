"""What is cut out of a source is what parsing the whole of it gives."""

import ast
import itertools
from pathlib import Path

import pytest

import genai_hf
from genai_hf.settings import names, schema, sources, trainer, upstream

ROOT = Path(genai_hf.__file__).parent
PARTS = sorted(path for path in ROOT.rglob("*.py") if not {"recipes", "conf"} & set(path.relative_to(ROOT).parts))
OURS = [".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__") for path in PARTS]
UPSTREAM = sorted({*names.UPSTREAM.values(), *names.ADAPTERS.values(), names.BITS, *trainer.SCHEDULES.values()})
MODELS = [f"transformers.models.{name}.modeling_{name}" for name in ("bert", "gpt2", "t5", "llama")]
OTHERS = ["transformers.training_args", "transformers.trainer_utils", "transformers.generation.configuration_utils"]


def definitions(module):
    parsed = sources.tree(module).body
    return [node for node in parsed if isinstance(node, ast.ClassDef | ast.FunctionDef)]


@pytest.mark.parametrize("module", [*OURS, *MODELS, *OTHERS])
def test_a_definition_by_itself_is_that_of_the_whole_module(module):
    for node in definitions(module):
        alone = ast.parse(sources.definition(module, node.name)).body
        assert [ast.unparse(part) for part in alone] == [ast.unparse(undecorated(node))]


def undecorated(node):
    copy = ast.parse(ast.unparse(node)).body[0]
    copy.decorator_list = []
    return copy


@pytest.mark.parametrize("module", [*OURS, *MODELS, *OTHERS])
def test_the_names_that_a_module_imports_are_those_of_the_whole_module(module):
    assert sources.imported(module) == sources.imports(sources.tree(module), module)


@pytest.mark.parametrize(
    "dotted", [*UPSTREAM, *(upstream.model_config(name) for name in ("bert", "gpt2", "t5", "llama", "roberta"))]
)
def test_no_field_stands_behind_the_first_method(dotted):
    (module, short), (where, whole) = sources.declaration(dotted), sources.find(dotted)
    assert module == where
    if isinstance(whole, ast.ClassDef):
        assert list(schema._annotated(short, module)) == list(schema._annotated(whole, module))


MISLEADING = {
    "a text begins a line": 'def taken(key="""\nclass of words"""):\n    return key\n',
    "a definition in a text": 'NOTE = """\ndef taken(\n"""\n\ndef taken(key: int = 1):\n    return key\n',
    "another of the name": "def taken(key: int = 1):\n    return key\n\n\ndef taken_too():\n    return 1\n",
    "a closing bracket": "def taken(\n    key: int = 1,\n):\n    return key\n",
}


@pytest.mark.parametrize("source", MISLEADING.values(), ids=MISLEADING)
def test_what_cannot_be_cut_out_is_found_in_the_whole_module(source, tmp_path, monkeypatch):
    made(source, "misleading", tmp_path, monkeypatch)
    assert list(schema.fields("misleading.taken")) == ["key"]


IMPORTS = {
    "plain": "import os\nfrom re import sub as other\n",
    "in brackets": "from re import (  # a remark\n    sub,\n    match,\n)\n",
    "behind a backslash": "from re import sub, \\\n    match\n",
    "in a text": 'NOTE = """\nfrom here on\nimport nothing at all\n"""\nimport os\n',
    "below a condition": "if True:\n    import os\n",
    "two in a line": "import os; import sys\n",
    "brackets in a remark": "from re import (\n    sub,  # (as in sed)\n    match,\n)\n",
}


@pytest.mark.parametrize("source", IMPORTS.values(), ids=IMPORTS)
def test_imports_are_read_however_they_are_written(source, tmp_path, monkeypatch):
    made(source, "importing", tmp_path, monkeypatch)
    assert sources.imported("importing") == sources.imports(ast.parse(source), "importing")


def made(source, name, folder, monkeypatch):
    (folder / name).mkdir()
    (folder / name / "__init__.py").write_text(source)
    monkeypatch.syspath_prepend(folder)
    cached = [sources.path, sources.source, sources.tree, sources.find, sources.imported, sources.declaration]
    for function in itertools.chain(cached, [schema.fields]):
        function.cache_clear()
