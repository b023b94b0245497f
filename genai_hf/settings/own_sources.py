"""A recipe of the user's own by its source, which is not run: whether it can be one, and what of the settings it reads.

The settings are what is called `cfg` in it. Where they are handed on as a whole, all of them are read.
"""

import ast
import importlib.util
import traceback
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from genai_hf import config
from genai_hf.errors import ConfigError
from genai_hf.settings import schema, sources

ENTRIES = ("build", "main")
OURS = ("config.", "runs.")  # modules whose functions take the settings for what every recipe shares
ALL = ""  # the key above all others
# What a module that is not ours may raise while it is imported.
FAULTS = (
    *(ArithmeticError, AssertionError, AttributeError, ImportError, LookupError, NameError, OSError, RuntimeError),
    *(SyntaxError, TypeError, ValueError),
)


@dataclass(frozen=True)
class Read:
    """A key that a recipe reads, the line, and whether it reads it in any case."""

    key: str
    line: int
    required: bool = True


def require_sound(path: Path, tree: ast.Module, calls: Iterable[tuple[str, Collection[str]]]) -> None:
    """See that a recipe has what is called, and that what it imports and calls is there.

    Args:
        path: The recipe's.
        tree: Its source.
        calls: Dotted paths of what it calls of ours, each with the names that it gives.

    Raises:
        ConfigError: It does not, or something is not.
    """
    if not any(isinstance(node, ast.FunctionDef) and node.name in ENTRIES for node in tree.body):
        raise ConfigError(
            f"{path}: has no function to call; write build(cfg), which returns a Trainer, or main(cfg), which returns "
            "a dict of numbers"
        )
    for line, module in _modules(tree):
        top = module.partition(".")[0]
        beside = (path.parent / top).is_dir() or (path.parent / f"{top}.py").is_file()
        if not beside and importlib.util.find_spec(top) is None:
            raise ConfigError(f"{path}:{line}: no module '{top}' is installed or lies beside it; mend the import")
    ours = [(f":{node.lineno}", f"{node.module}.{alias.name}") for node in _of_ours(tree) for alias in node.names]
    calls = list(calls)
    for place, dotted in [*ours, *(("", part) for part, _ in calls)]:
        if not sources.defines(dotted):
            raise ConfigError(f"{path}{place}: there is no {dotted}; mend the recipe there")
    for part, given in calls:
        _require_parameters(path, part, given)


def _require_parameters(path: Path, part: str, given: Collection[str]) -> None:
    """See that a part of ours takes what it is given by name; of what is no function or class it is not known."""
    try:
        _, node = sources.find(part)
    except (LookupError, FileNotFoundError):  # a method, or made while importing
        return
    made = [node] if isinstance(node, ast.FunctionDef) else node.body
    if any(isinstance(item, ast.FunctionDef) and item.args.kwarg is not None for item in made):
        return  # or hands on whatever it is given
    known = schema.fields(part)
    for name in given:
        if name not in known:
            near = config.hint(name, known) or f"; it takes {', '.join(known)}"
            raise ConfigError(f"{path}: {part} takes no '{name}'{near}")


def fault(path: Path, error: BaseException) -> ConfigError:
    """What a recipe raised while it was imported, with its line."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if Path(frame.filename).resolve() == path.resolve()]
    said = f"{type(error).__name__}: {error}".partition("\n")[0]
    return ConfigError(f"{path}{f':{lines[-1]}' if lines else ''}: {said}; mend the recipe there")


def reads(tree: ast.Module) -> list[Read]:
    """What of the settings a recipe reads; `ALL` where it cannot be told."""
    if any(
        isinstance(node, ast.Name) and node.id == "cfg" and isinstance(node.ctx, ast.Store) for node in ast.walk(tree)
    ):
        return [Read(ALL, 1)]
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    own = {node.name for node in functions if any(argument.arg == "cfg" for argument in node.args.args)}
    return list(_reads(tree, own))


def changes(tree: ast.Module) -> bool:
    """Whether a recipe may change its settings before it builds of them."""
    stored = (node for node in ast.walk(tree) if isinstance(node, (ast.Attribute, ast.Subscript)))
    is_set = any(isinstance(node.ctx, (ast.Store, ast.Del)) and _key(node) is not None for node in stored)
    return is_set or any(read.key == ALL for read in reads(tree))


def choices(tree: ast.Module) -> Iterator[tuple[str, list[str]]]:
    """Keys whose value a recipe looks up in a table at its head, ``RECIPES[cfg.of]``, with what that table has."""
    tables = {
        ast.unparse(node.targets[0]): [name.value for name in node.value.keys if isinstance(name, ast.Constant)]
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and (key := _key(node.slice)) and ast.unparse(node.value) in tables:
            yield key, [str(name) for name in tables[ast.unparse(node.value)]]


def _reads(node: ast.AST, own: set[str]) -> Iterator[Read]:
    """What is read in a part of the source; functions of its `own` that take the settings are looked at themselves."""
    match node:
        case ast.Call(func=ast.Attribute(value=inner, attr="get"), args=[ast.Constant(value=str(name)), *_]) if (
            above := _key(inner)
        ) is not None:
            yield Read(_joined(above, name), node.lineno, required=False)
        case ast.Call(func=ast.Attribute(value=inner)) if (above := _key(inner)) is not None:  # a method
            yield Read(above, node.lineno)
            for argument in ast.iter_child_nodes(node):
                yield from () if argument is node.func else _reads(argument, own)
        case ast.Call(func=ast.Attribute(attr="select"), args=[inner, ast.Constant(value=str(name)), *_]) if (
            above := _key(inner)
        ) is not None:
            yield Read(_joined(above, name), node.lineno, required=False)
        case ast.Compare(left=ast.Constant(value=str(name)), comparators=[inner]) if (above := _key(inner)) is not None:
            yield Read(_joined(above, name), node.lineno, required=False)
        case ast.Call() if ast.unparse(node.func) in own or ast.unparse(node.func).startswith(OURS):
            for part in ast.iter_child_nodes(node):
                yield from () if _key(part) == ALL else _reads(part, own)
        case ast.expr() if (key := _key(node)) is not None:
            yield Read(key, node.lineno)
        case ast.If() | ast.IfExp() | ast.BoolOp() | ast.Try() | ast.Match():
            for part in ast.iter_child_nodes(node):
                yield from (replace(read, required=False) for read in _reads(part, own))
        case _:
            for part in ast.iter_child_nodes(node):
                yield from _reads(part, own)


def _key(node: ast.AST) -> str | None:
    """The dotted key of ``cfg.data.path`` or ``cfg["data"].path``; of `cfg` itself it is `ALL`."""
    match node:
        case ast.Name(id="cfg"):
            return ALL
        case ast.Attribute(value=inner, attr=name) | ast.Subscript(value=inner, slice=ast.Constant(value=str(name))):
            above = _key(inner)
            return None if above is None else _joined(above, name)
    return None


def _joined(above: str, name: str) -> str:
    return f"{above}.{name}".lstrip(".")


def _modules(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Modules that are imported at the top level, with the line."""
    for node in tree.body:
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.lineno, node.module


def _of_ours(tree: ast.Module) -> Iterator[ast.ImportFrom]:
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and str(node.module).partition(".")[0] == "genai_hf":
            yield node
