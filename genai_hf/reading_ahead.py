"""A recipe's data is read before its heavy imports, so that a wrong row is answered within a second or two.

Which parts of `genai_hf.data` a recipe builds, and of what, stands in its source. Those that take no more than settings
and each other, as all of the packaged recipes do, are built from there, and `config.build` finds them made.
"""

import ast
import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from omegaconf import DictConfig

from genai_hf import config, prepared, recipe_files, run_log
from genai_hf.prepared import Made
from genai_hf.ranks import ranks
from genai_hf.recipe_files import RecipeFile
from genai_hf.settings import own_sources, sources
from genai_hf.settings.written import UNKNOWN, Scope

ROOM = "genai_hf.data."  # whose parts need no torch


@contextmanager
def reading(cfg: DictConfig, recipe: RecipeFile) -> Iterator[str]:
    """Read the data now, unless it is read already, and have it at hand where the recipe builds it.

    One of several ranks does not, for the first is to make what the others find.

    Yields:
        What libraries have logged meanwhile.

    Raises:
        UserError: What the recipe would raise itself.
    """
    if prepared.kept() or ranks() > 1:
        yield ""
        return
    with run_log.early() as said:
        made = _read(cfg, recipe)
    with prepared.keep(made):
        yield said.getvalue()


def read(cfg: DictConfig, recipe: RecipeFile) -> dict[str, Made]:
    """Build the data of a recipe, by the dotted keys of its nodes.

    Raises:
        UserError: What the recipe would raise itself.
    """
    with run_log.early():
        return _read(cfg, recipe)


def _read(cfg: DictConfig, recipe: RecipeFile) -> dict[str, Made]:
    made = dict[str, Made]()
    for one in recipe_files.with_base(recipe, cfg):
        tree = one.tree()
        if not one.packaged and own_sources.changes(tree):
            continue  # what it will read is not what the settings say
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and node.name in own_sources.ENTRIES:
                _follow(node.body, Scope(tree, ""), {"cfg": cfg}, made)
    return made


def _follow(body: list[ast.stmt], scope: Scope, names: dict[str, Any], made: dict[str, Made]) -> None:
    """Build what statements assign, in their order; nothing that comes behind a choice or in a loop of them."""
    for statement in body:
        match statement:
            case ast.With(body=within):
                _follow(within, scope, names, made)
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call() as call):
                names[name] = _built(call, scope, names, made)
            case ast.Assign(
                value=ast.DictComp(
                    value=ast.Call() as call,
                    generators=[ast.comprehension(target=ast.Tuple() as target, ifs=[]) as loop],
                )
            ):
                items = scope.value(loop.iter, names)
                for item in () if items is UNKNOWN else items:
                    bound = dict(zip(map(ast.unparse, target.elts), item, strict=True))
                    _built(call, scope, names | bound, made)


def _built(call: ast.Call, scope: Scope, names: dict[str, Any], made: dict[str, Made]) -> Any:
    """What ``config.build(data.part, node, at="…", name=value)`` returns."""
    match call:
        case ast.Call(func=ast.Attribute(value=ast.Name(id="config"), attr="build"), args=[part, node]):
            target = _part(part, scope)
        case _:
            return UNKNOWN
    given = {str(word.arg): scope.value(word.value, names) for word in call.keywords}
    settings = scope.value(node, names)
    if target is None or not isinstance(at := given.pop("at", None), str) or UNKNOWN in (settings, *given.values()):
        return UNKNOWN
    from genai_hf.data import remarks

    with remarks.caught() as lines:
        result = config.build(target, settings, at=at, **given)
    made[at] = Made(target, settings, given, result, partial(remarks.say, lines))
    return result


def _part(expression: ast.expr, scope: Scope) -> Any:
    """A part of the room of data; None for another."""
    dotted = scope.part(expression)
    if dotted is None or not dotted.startswith(ROOM):
        return None
    module, part = sources.find(dotted)
    return vars(importlib.import_module(module))[part.name]
