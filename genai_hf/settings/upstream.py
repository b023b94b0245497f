"""What transformers and its launchers know by name, read from their sources: architectures, tables, options."""

import ast
import functools
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from genai_hf.settings import sources


def architectures() -> list[str]:
    """Every `model_type` that transformers has a configuration for, by the names of its folders."""
    return sorted(folder.name for folder in sources.path("transformers.models").parent.iterdir() if _configured(folder))


def model_config(architecture: str) -> str | None:
    """Dotted path of the configuration class of a `model_type`, or None where there is no such architecture."""
    stem = architecture.replace("-", "_")
    return _within(stem, architecture) or _within(_folders().get(architecture, ""), architecture)


def _within(stem: str, architecture: str) -> str | None:
    folder = sources.path("transformers.models").parent / stem
    for file in sorted(folder.glob("configuration_*.py")) if stem.isidentifier() else []:
        module = f"transformers.models.{stem}.{file.stem}"
        for node in sources.tree(module).body:
            if isinstance(node, ast.ClassDef) and _model_type(node) == architecture:
                return f"{module}.{node.name}"
    return None


def _configured(folder: Path) -> bool:
    return (folder / f"configuration_{folder.name}.py").is_file()


def _folders() -> Mapping[str, str]:
    """Folders of architectures that are not called after them, such as that of ``openai-gpt``, as transformers says."""
    return pairs("transformers.models.auto.auto_mappings", "SPECIAL_MODEL_TYPE_TO_MODULE_NAME")


@functools.cache
def pairs(module: str, name: str) -> Mapping[str, str]:
    """A table that a module makes of a list of pairs; of a long module nothing else is parsed."""
    _, _, after = f"\n{sources.source(module)}".partition(f"\n{name} = ")
    match ast.parse(after.partition("\n)")[0] + "\n)" if after else ""):
        case ast.Module(body=[ast.Expr(value=ast.Call(args=[listed]))]):
            return dict(ast.literal_eval(listed))
    return {}


@functools.cache
def keys(module: str, name: str) -> list[str]:
    """Keys of a table that a module writes out, whatever they stand for."""
    for node in sources.tree(module).body:
        match node:
            case ast.Assign(targets=[ast.Name(id=found)], value=ast.Dict(keys=listed)) if found == name:
                return [key.value for key in listed if isinstance(key, ast.Constant) and isinstance(key.value, str)]
    return []


@functools.cache
def options(module: str) -> list[str]:
    """Words that a module's command line takes after two dashes: ``parser.add_argument("--word", …)``."""
    calls = (node for node in ast.walk(sources.tree(module)) if isinstance(node, ast.Call))
    added = (node for node in calls if isinstance(node.func, ast.Attribute) and node.func.attr == "add_argument")
    words = (word.value for node in added for word in node.args if isinstance(word, ast.Constant))
    return [word.removeprefix("--") for word in words if isinstance(word, str) and word.startswith("--")]


@functools.cache
def attribute_map(dotted: str) -> Mapping[str, str]:
    """An architecture's own names for what every configuration has by another, such as `n_embd` for `hidden_size`."""
    for item in sources.find(dotted)[1].body:
        if isinstance(item, ast.Assign) and ast.unparse(item.targets[0]) == "attribute_map":
            with suppress(ValueError):  # of a model of several parts, built by code
                return dict(ast.literal_eval(item.value))
    return {}


def _model_type(node: ast.ClassDef) -> str | None:
    for item in node.body:
        match item:
            case ast.Assign(targets=[ast.Name(id="model_type")], value=ast.Constant(value=str(name))):
                return name
            case ast.AnnAssign(target=ast.Name(id="model_type"), value=ast.Constant(value=str(name))):
                return name
    return None
