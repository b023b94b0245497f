"""A recipe's data is read before its heavy imports, so that a wrong row is answered within a second or two.

Which parts of `genai_hf.data` a recipe builds, and of what, stands in its source. Those that take no more than settings
and each other, as all of them do, are built from there, and `config.build` finds them made.
"""

import ast
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from omegaconf import DictConfig

from genai_hf import config, prepared, recipe_files
from genai_hf.prepared import Made
from genai_hf.ranks import ranks
from genai_hf.recipe_files import RecipeFile
from genai_hf.settings.written import UNKNOWN, Scope

ROOM = "genai_hf.data."  # whose parts need no torch


@contextmanager
def reading(cfg: DictConfig, recipe: RecipeFile) -> Iterator[None]:
    """Read the data now, unless it is read already, and have it at hand where the recipe builds it.

    One of several ranks does not, for the first is to make what the others find.

    Raises:
        UserError: What the recipe would raise itself.
    """
    if prepared.kept() or ranks() > 1:
        yield
        return
    with prepared.keep(read(cfg, recipe)):
        yield


def read(cfg: DictConfig, recipe: RecipeFile) -> dict[str, Made]:
    """Build the data of a recipe, by the dotted keys of its nodes.

    Raises:
        UserError: What the recipe would raise itself.
    """
    made = dict[str, Made]()
    for one in recipe_files.with_base(recipe, cfg):
        tree = one.tree()
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and node.name in {"build", "main"}:
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
            case ast.Assign(value=ast.DictComp(value=ast.Call() as call, generators=[ast.comprehension() as loop])):
                items = scope.value(loop.iter, names)
                for item in () if items is UNKNOWN else items:
                    bound = dict(zip(ast.unparse(loop.target).strip("()").split(", "), item, strict=True))
                    _built(call, scope, names | bound, made)


def _built(call: ast.Call, scope: Scope, names: dict[str, Any], made: dict[str, Made]) -> Any:
    """What ``config.build(data.part, node, at="…", name=value)`` returns."""
    if ast.unparse(call.func) != "config.build" or (target := _part(call.args[0], scope)) is None:
        return UNKNOWN
    from genai_hf.data import remarks

    settings = scope.value(call.args[1], names)
    given = {str(word.arg): scope.value(word.value, names) for word in call.keywords}
    if any(value is UNKNOWN for value in (settings, *given.values())):
        return UNKNOWN
    at = given.pop("at")
    with remarks.caught() as lines:
        result = config.build(target, settings, at=at, **given)
    made[at] = Made(target, settings, given, result, partial(remarks.say, lines))
    return result


def _part(expression: ast.expr, scope: Scope) -> Any:
    """A part of the room of data; None for another."""
    dotted = scope.part(expression)
    if dotted is None or not dotted.startswith(ROOM):
        return None
    from genai_hf import data

    return vars(data)[dotted.removeprefix(ROOM)]
