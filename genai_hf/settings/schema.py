"""What a class or function takes, read from its source: no import, so 40 ms where importing costs 12 s.

Upstream classes (``transformers.TrainingArguments``) and our own parts are read in the same way. The annotated fields
of a class are gathered through all its bases; a class without any, and a function, are read from their signature.
"""

import ast
import functools
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from genai_hf.settings import sources


@dataclass(frozen=True)
class Field:
    """One parameter: its annotation and its default as written, whether it must be given, and where it is declared."""

    annotation: str
    required: bool = False
    default: str | None = None
    module: str = ""


@functools.cache
def fields(dotted: str) -> Mapping[str, Field]:
    """Parameters of the class or function at ``package.module.Name``, in order of declaration.

    Raises:
        LookupError: No such name is defined there.
    """
    module, node = sources.declaration(dotted)
    if isinstance(node, ast.FunctionDef):
        return signature(node, module)
    inherited: dict[str, Field] = {}
    for base in reversed(node.bases):
        inherited |= _inherited(module, base)
    inits = (item for item in node.body if isinstance(item, ast.FunctionDef) and item.name == "__init__")
    own = next((_popped(node, init) | dict(signature(init, module)) for init in inits), {})
    return inherited | dict(_annotated(node, module)) | own


def alias(module: str, name: str) -> ast.expr | None:
    """What a module, or the one that it is from, calls by a name of its own, such as a Literal; None for a class."""
    for node in sources.tree(module).body:
        match node:
            case ast.AnnAssign(target=ast.Name(id=found), annotation=ast.Name(id="TypeAlias")) if found == name:
                return node.value
    source, _, there = sources.imported(module).get(name, "").rpartition(".")
    return alias(source, there) if source.startswith("genai_hf.") else None


def undeclared(dotted: str) -> set[str]:
    """What a dataclass takes without declaring it: ``kwargs.pop("name", …)`` in its own ``__post_init__``."""
    _, node = sources.find(dotted)
    inits = (item for item in node.body if isinstance(item, ast.FunctionDef) and item.name == "__post_init__")
    return {name for init in inits for name in _pops(init)}


def _popped(node: ast.ClassDef, init: ast.FunctionDef) -> dict[str, Field]:
    """What an ``__init__`` takes out of its ``**kwargs``; of one plain type where the class's docstring says so."""
    said = dict(re.findall(r"^ *(\w+) \(`(\w+)`(?! or)", ast.get_docstring(node) or "", re.MULTILINE))
    return {name: Field(f"{said.get(name, 'Any')} | None") for name in _pops(init) if not name.startswith("_")}


def _pops(function: ast.FunctionDef) -> Iterator[str]:
    for part in ast.walk(function):
        if (
            isinstance(part, ast.Call)
            and ast.unparse(part.func) == "kwargs.pop"
            and isinstance(part.args[0], ast.Constant)
        ):
            yield str(ast.literal_eval(part.args[0]))


def defaults(known: Mapping[str, Field]) -> dict[str, Any]:
    """Those default values that are written out."""
    found = dict[str, Any]()
    for name, one in known.items():
        with suppress(ValueError, SyntaxError):  # none, or one that is made
            found[name] = ast.literal_eval(_default(one.default or ""))
    return found


def _default(written: str) -> ast.expr:
    """The value itself, also where a dataclass's ``field`` holds it."""
    value = ast.parse(written, mode="eval").body
    if isinstance(value, ast.Call) and ast.unparse(value.func) == "field":
        return next((word.value for word in value.keywords if word.arg == "default"), value)
    return value


def _inherited(module: str, base: ast.expr) -> Mapping[str, Field]:
    name = ast.unparse(base)
    try:
        is_local = bool(sources.definition(module, name))
        return fields(f"{module}.{name}" if is_local else sources.imported(module)[name])
    except (LookupError, FileNotFoundError):  # a base of the standard library, or built while importing
        return {}


def _annotated(node: ast.ClassDef, module: str) -> Iterator[tuple[str, Field]]:
    for item in node.body:
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
            annotation = ast.unparse(item.annotation)
            if not annotation.startswith("ClassVar") and not item.target.id.startswith("_"):
                default = None if item.value is None else ast.unparse(item.value)
                yield item.target.id, Field(annotation, item.value is None, default, module)


def signature(node: ast.FunctionDef, module: str = "") -> Mapping[str, Field]:
    """Parameters of a function or method, but for `self` and those that gather others."""
    positional = [*node.args.posonlyargs, *node.args.args]
    defaults: list[ast.expr | None] = [None] * (len(positional) - len(node.args.defaults)) + list(node.args.defaults)
    pairs = [*zip(positional, defaults, strict=True), *zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)]
    return {
        argument.arg: Field(
            ast.unparse(argument.annotation) if argument.annotation else _type_of(default),
            default is None,
            None if default is None else ast.unparse(default),
            module,
        )
        for argument, default in pairs
        if argument.arg != "self"
    }


def _type_of(default: ast.expr | None) -> str:
    """What a parameter without an annotation takes, by its default."""
    kind = type(default.value).__name__ if isinstance(default, ast.Constant) else ""
    return kind if kind in {"bool", "float", "int", "str"} else "object"
