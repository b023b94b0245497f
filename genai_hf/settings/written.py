"""What is written out in a source, as values: read without importing it.

Expressions of our own sources are evaluated, and those of a recipe of the user's own whose path is typed, with nothing
but functions that change nothing and without a name that begins with an underscore; what takes more has no value here.
"""

import ast
import builtins
import functools
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from types import NoneType, SimpleNamespace
from typing import Any

from omegaconf import OmegaConf

from genai_hf import errors
from genai_hf.config import hint
from genai_hf.settings import sources

PURE = "ValueError all any bool dict enumerate float int isinstance len list map max min range repr set sorted str sum"
PURE_RE = {name: vars(re)[name] for name in ("compile", "findall", "fullmatch", "match", "search", "split", "sub")}
PURE_MATH = {name: vars(math)[name] for name in ("ceil", "floor", "fsum", "inf", "isfinite", "isinf", "isnan", "nan")}


def _fields(thing: SimpleNamespace) -> dict[str, Any]:
    """What `vars` gives of an object of ours."""
    if type(thing) is not SimpleNamespace:
        raise TypeError
    return dict(vars(thing))


def _kind(thing: Any) -> Any:
    """What `type` gives of plain values; of others there is more to it."""
    return type(thing) if type(thing) in {bool, int, float, str, list, tuple, dict, set, NoneType} else UNKNOWN


UNKNOWN = object()  # the value of an expression that takes more than what is known
KNOWN = {name: vars(builtins)[name] for name in [*PURE.split(), "tuple", "zip"]} | {
    "ConfigError": errors.ConfigError,
    "DataError": errors.DataError,
    "Mapping": Mapping,
    "Sequence": Sequence,
    "__builtins__": {},
    "hint": hint,
    "math": SimpleNamespace(**PURE_MATH),
    "re": SimpleNamespace(**PURE_RE),
    "type": _kind,
    "vars": _fields,
}
BEYOND = (ArithmeticError, AttributeError, LookupError, NameError, TypeError, ValueError)


class Scope:
    """What the names of a module stand for, as far as it is written out."""

    def __init__(self, tree: ast.Module, module: str) -> None:
        self.module, self.imports = module, sources.imports(tree, module)
        self._assigned: dict[str, ast.expr] = {}
        self._known: dict[str, Any] = {}
        for node in tree.body:
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=ast.expr() as value):
                    self._assigned[name] = value
                case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                    self._assigned[name] = value

    def part(self, function: ast.expr) -> str | None:
        """Dotted path of a part of ours, by what the module calls it."""
        first, *rest = ast.unparse(function).split(".")
        dotted = ".".join([self.imports.get(first, f"{self.module}.{first}"), *rest])
        try:
            return dotted if dotted.startswith("genai_hf.") and sources.find(dotted) else None
        except (LookupError, FileNotFoundError):  # a method of something, or imported while running
            return None

    def value(self, expression: ast.expr, names: Mapping[str, Any]) -> Any:
        """Of an expression of the source: what the user gave is a value in it, never code."""
        parts = list(ast.walk(expression))
        if any(isinstance(part, ast.Attribute) and part.attr.startswith("_") for part in parts):
            return UNKNOWN
        used = [part for part in parts if isinstance(part, ast.Name)]
        bound = {part.id for part in used if isinstance(part.ctx, ast.Store)}
        wanted = {part.id for part in used} - bound - names.keys() - KNOWN.keys()
        own = {name: self.constant(name) for name in wanted}
        if UNKNOWN in own.values():
            return UNKNOWN
        try:
            value = eval(compile(ast.Expression(expression), self.module, "eval"), {**KNOWN, **own, **names})
        except BEYOND:
            return UNKNOWN
        if OmegaConf.is_config(value):
            return OmegaConf.to_container(value)
        return list(value) if isinstance(value, Iterator) else value

    def constant(self, name: str) -> Any:
        """What the module, or another of ours, writes out by a name that it has; of a table of functions its keys."""
        if name not in self._known:
            self._known[name] = self._constant(name)
        return self._known[name]

    def _constant(self, name: str) -> Any:
        expression = self._assigned.get(name)
        if expression is not None:
            value = self.value(expression, {})
            keys = expression.keys if value is UNKNOWN and isinstance(expression, ast.Dict) else []
            return tuple(key.value for key in keys if isinstance(key, ast.Constant)) or value
        module, _, there = self.imports.get(name, "").rpartition(".")
        return scope(module).constant(there) if module.startswith("genai_hf.") and there.isupper() else UNKNOWN


@functools.cache
def scope(module: str) -> Scope:
    """Of a module by its dotted name."""
    return Scope(sources.tree(module), module)
