"""Values of YAML held against annotations as they are written, which nothing is imported for."""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from genai_hf.settings import schema, sources

SEQUENCES, MAPPINGS = {"Sequence", "list", "tuple"}, {"Mapping", "dict"}
SCALARS = {"float": float, "int": int, "bool": bool, "str": str, "None": type(None)}


def fits(value: Any, annotation: str) -> bool:
    """Whether a value of YAML suits an annotation; what a class of its own stands for is left to that."""
    return any(_fits_one(value, option) for option in _options(ast.parse(annotation, mode="eval").body))


def as_declared(value: Any, annotation: str) -> Any:
    """A number as its annotation has it: 1 is 1.0 where only a float will do, and 1e3 is 1000 where only an int."""
    kinds = {ast.unparse(option) for option in _options(ast.parse(annotation, mode="eval").body)}
    if type(value) is int and "float" in kinds and "int" not in kinds:
        return float(value)
    if type(value) is float and value.is_integer() and "int" in kinds and "float" not in kinds:
        return int(value)
    return value


def _fits_one(value: Any, option: ast.expr) -> bool:
    name = ast.unparse(option).partition("[")[0].rpartition(".")[2]
    inner = _elements(option.slice) if isinstance(option, ast.Subscript) else []
    if name == "Literal":
        return any(_is_choice(value, choice) for choice in ast.literal_eval(ast.Tuple(elts=inner, ctx=ast.Load())))
    if name in SCALARS:
        return type(value) is SCALARS[name] or (name == "float" and type(value) is int)
    if name in SEQUENCES | MAPPINGS:
        if not isinstance(value, Mapping if name in MAPPINGS else Sequence) or isinstance(value, str):
            return False
        items = list(value.values()) if isinstance(value, Mapping) else list(value)
        is_uniform = len(inner) == (2 if name in MAPPINGS else 1)  # unlike a tuple of several
        return not is_uniform or all(fits(item, ast.unparse(inner[-1])) for item in items)
    return value is not None  # not a scalar's name: its owner will judge


def _is_choice(value: Any, choice: Any) -> bool:
    """Whether it is the one of a Literal; brackets stand for a number, as in ``pissa_niter_[number of iters]``."""
    if not (isinstance(value, str) and isinstance(choice, str) and "[" in choice):
        return bool(value == choice)
    return re.fullmatch(re.sub(r"\\\[.*\\\]", r"\\d+", re.escape(choice)), value) is not None


def spelt(field: schema.Field) -> str:
    """A parameter's annotation with the values of an enumeration in place of its name and of any text."""
    options = list(_options(ast.parse(field.annotation, mode="eval").body))
    named = {ast.unparse(option): _choices(field.module, option) for option in options}
    if not any(named.values()):
        return field.annotation
    texts = choices(field.annotation) + [text for found in named.values() for text in found]
    others = [name for name, found in named.items() if not (found or name == "str" or name.startswith("Literal"))]
    return " | ".join([f"Literal{texts}", *others])


def of_items(annotation: str) -> str | None:
    """The annotation of what a mapping holds; None where there is none, or it is of no mapping."""
    for option in _options(ast.parse(annotation, mode="eval").body):
        match option:
            case ast.Subscript(value=ast.Name(id=name), slice=ast.Tuple(elts=[_, items])) if name in MAPPINGS:
                return ast.unparse(items)
    return None


def choices(annotation: str) -> list[str]:
    """The texts that an annotation names, where it has a Literal."""
    options = _options(ast.parse(annotation, mode="eval").body)
    return [
        one.value
        for option in options
        if isinstance(option, ast.Subscript) and ast.unparse(option.value).endswith("Literal")
        for one in _elements(option.slice)
        if isinstance(one, ast.Constant) and isinstance(one.value, str)
    ]


def _choices(module: str, option: ast.expr) -> list[str]:
    """Values of the enumeration or the Literal that a name stands for; none where it is something else."""
    if not isinstance(option, ast.Name) or option.id in {*SCALARS, "Any", "object"} or not module:
        return []
    if module.startswith("genai_hf.") and (said := schema.alias(module, option.id)) is not None:
        return choices(ast.unparse(said))
    try:
        _, node = sources.find(f"{module}.{option.id}")
    except (LookupError, FileNotFoundError):
        return []
    if not isinstance(node, ast.ClassDef) or not any("Enum" in ast.unparse(base) for base in node.bases):
        return []
    values = [item.value for item in node.body if isinstance(item, ast.Assign)]
    return [str(value.value) for value in values if isinstance(value, ast.Constant)]


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
