"""What a class or function takes, read from its source: no import, so 40 ms where importing costs 12 s.

Upstream classes (``transformers.TrainingArguments``) and our own parts are read in the same way. The annotated fields
of a class are gathered through all its bases; a class without any, and a function, are read from their signature.
"""

import ast
import functools
import importlib.util
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CONTAINERS = {"Sequence", "Mapping", "list", "dict", "tuple"}
SCALARS = {"float": float, "int": int, "bool": bool, "str": str, "None": type(None)}


@dataclass(frozen=True)
class Field:
    """One parameter: its annotation as written, and whether it must be given."""

    annotation: str
    required: bool = False


@functools.cache
def fields(dotted: str) -> Mapping[str, Field]:
    """Parameters of the class or function at ``package.module.Name``, in order of declaration.

    Raises:
        LookupError: No such name is defined there.
    """
    module, node = find(dotted)
    if isinstance(node, ast.FunctionDef):
        return _signature(node)
    inherited: dict[str, Field] = {}
    for base in reversed(node.bases):
        inherited |= _inherited(module, base)
    inits = (item for item in node.body if isinstance(item, ast.FunctionDef) and item.name == "__init__")
    own = next((_popped(node, init) | dict(_signature(init)) for init in inits), {})
    return inherited | dict(_annotated(node)) | own


@functools.cache
def find(dotted: str) -> tuple[str, ast.ClassDef | ast.FunctionDef]:
    """Where ``package.module.Name`` is really defined, following re-exports: its module and its syntax tree."""
    module, _, name = dotted.rpartition(".")
    tree = _tree(module)
    for node in tree.body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and node.name == name:
            return module, node
    target = imports(tree, module).get(name)
    if target is None:
        raise LookupError(f"{dotted} is not defined")
    return find(target)


def architectures() -> list[str]:
    """Every `model_type` that transformers has a configuration for, by the names of its folders."""
    return sorted(folder.name for folder in _path("transformers.models").parent.iterdir() if _configured(folder))


def model_config(architecture: str) -> str | None:
    """Dotted path of the configuration class of a `model_type`, or None where there is no such architecture."""
    stem = _folders().get(architecture, architecture.replace("-", "_"))
    if not stem.isidentifier() or not _configured(_path("transformers.models").parent / stem):
        return None
    module = f"transformers.models.{stem}.configuration_{stem}"
    for node in _tree(module).body:
        if isinstance(node, ast.ClassDef) and _model_type(node) == architecture:
            return f"{module}.{node.name}"
    return None


def _configured(folder: Path) -> bool:
    return (folder / f"configuration_{folder.name}.py").is_file()


def undeclared(dotted: str) -> set[str]:
    """What a dataclass takes without declaring it: ``kwargs.pop("name", …)`` in its own ``__post_init__``."""
    _, node = find(dotted)
    inits = (item for item in node.body if isinstance(item, ast.FunctionDef) and item.name == "__post_init__")
    return {name for init in inits for name in _pops(init)}


def _popped(node: ast.ClassDef, init: ast.FunctionDef) -> dict[str, Field]:
    """What an ``__init__`` takes out of its ``**kwargs``; of one plain type where the class's docstring says so."""
    said = dict(re.findall(r"^ *(\w+) \(`(\w+)`(?! or)", ast.get_docstring(node) or "", re.MULTILINE))
    return {name: Field(f"{said.get(name, 'Any')} | None") for name in _pops(init) if not name.startswith("_")}


def _pops(function: ast.FunctionDef) -> Iterator[str]:
    for part in ast.walk(function):
        if isinstance(part, ast.Call) and ast.unparse(part.func) == "kwargs.pop":
            yield str(ast.literal_eval(part.args[0]))


@functools.cache
def _folders() -> Mapping[str, str]:
    """Folders of architectures that are not called after them, such as that of ``openai-gpt``, as transformers says."""
    for node in _tree("transformers.models.auto.auto_mappings").body:
        match node:
            case ast.Assign(targets=[ast.Name(id="SPECIAL_MODEL_TYPE_TO_MODULE_NAME")], value=ast.Call(args=[pairs])):
                return dict(ast.literal_eval(pairs))
    return {}


def _model_type(node: ast.ClassDef) -> str | None:
    for item in node.body:
        if isinstance(item, ast.Assign) and ast.unparse(item.targets[0]) == "model_type":
            return str(ast.literal_eval(item.value))
    return None


def imports(tree: ast.Module, module: str) -> dict[str, str]:
    """Names that a module imports at its top level, each with the dotted path that it stands for."""
    package = module if _path(module).name == "__init__.py" else module.rpartition(".")[0]
    names: dict[str, str] = {}
    for node in tree.body:
        if isinstance(node, ast.Import):
            names |= {alias.asname or alias.name: alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            source = ".".join([*parents, *([node.module] if node.module else [])])
            names |= {alias.asname or alias.name: f"{source}.{alias.name}" for alias in node.names}
    return names


def fits(value: Any, annotation: str) -> bool:
    """Whether a YAML scalar suits an annotation; containers, enumerations and classes are left to their owner."""
    if not isinstance(value, (float, int, bool, str, type(None))):
        return True
    return any(_fits_one(value, option) for option in _options(ast.parse(annotation, mode="eval").body))


def _fits_one(value: Any, option: ast.expr) -> bool:
    if isinstance(option, ast.Subscript) and ast.unparse(option.value).endswith("Literal"):
        return value in ast.literal_eval(ast.Tuple(elts=_elements(option.slice), ctx=ast.Load()))
    kind = SCALARS.get(ast.unparse(option))
    if kind is None and ast.unparse(option).partition("[")[0].rpartition(".")[2] in CONTAINERS:
        return False
    if kind is None:
        return value is not None  # not a scalar's name: its owner will judge
    return type(value) is kind or (kind is float and type(value) is int)


def _options(node: ast.expr) -> Iterator[ast.expr]:
    """The alternatives of a union, however it is spelled."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield from _options(ast.parse(node.value, mode="eval").body)
    elif isinstance(node, ast.BinOp):
        yield from _options(node.left)
        yield from _options(node.right)
    elif isinstance(node, ast.Subscript) and ast.unparse(node.value).endswith("Union"):
        for element in _elements(node.slice):
            yield from _options(element)
    elif isinstance(node, ast.Subscript) and ast.unparse(node.value).endswith("Optional"):
        yield from _options(node.slice)
        yield ast.Constant(None)
    else:
        yield node


def _elements(node: ast.expr) -> list[ast.expr]:
    return node.elts if isinstance(node, ast.Tuple) else [node]


def _inherited(module: str, base: ast.expr) -> Mapping[str, Field]:
    name = ast.unparse(base)
    try:
        local = any(isinstance(node, ast.ClassDef) and node.name == name for node in _tree(module).body)
        return fields(f"{module}.{name}" if local else imports(_tree(module), module)[name])
    except (LookupError, FileNotFoundError):  # a base of the standard library, or built while importing
        return {}


def _annotated(node: ast.ClassDef) -> Iterator[tuple[str, Field]]:
    for item in node.body:
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
            annotation = ast.unparse(item.annotation)
            if not annotation.startswith("ClassVar") and not item.target.id.startswith("_"):
                yield item.target.id, Field(annotation, required=item.value is None)


def _signature(node: ast.FunctionDef) -> Mapping[str, Field]:
    positional = [*node.args.posonlyargs, *node.args.args]
    defaults: list[ast.expr | None] = [None] * (len(positional) - len(node.args.defaults)) + list(node.args.defaults)
    pairs = [*zip(positional, defaults, strict=True), *zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)]
    return {
        argument.arg: Field(ast.unparse(argument.annotation) if argument.annotation else "object", default is None)
        for argument, default in pairs
        if argument.arg != "self"
    }


@functools.cache
def _tree(module: str) -> ast.Module:
    return ast.parse(_path(module).read_text(encoding="utf-8"))


@functools.cache
def _path(module: str) -> Path:
    """Source file of a module, found without importing any of its parents."""
    top, *rest = module.split(".")
    spec = importlib.util.find_spec(top)
    if spec is None or spec.origin is None:
        raise FileNotFoundError(module)
    folder = Path(spec.origin).parent.joinpath(*rest)
    return folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
