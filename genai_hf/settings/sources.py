"""Sources of modules, found and parsed without importing them or any of their parents."""

import ast
import functools
import importlib.util
import re
from contextlib import suppress
from pathlib import Path

DEFINITION = r"(?m)^(?:class|def) {}\b"
NEXT = re.compile(r"(?m)^[^\s)\]}#]")  # where another statement of the top level begins
IMPORT = re.compile(r"(?m)^(?:from|import)\b[^(\n]*(?:\([^)]*\))?(?:[^\n]*\\\n)*[^\n]*")
METHOD = re.compile(r"(?m)^    (?:def |async def |@)")


@functools.cache
def find(dotted: str) -> tuple[str, ast.ClassDef | ast.FunctionDef]:
    """Where ``package.module.Name`` is really defined, following re-exports: its module and its syntax tree."""
    module, _, name = dotted.rpartition(".")
    whole = definition(module, name)
    if (alone := _alone(whole)) is not None:
        return module, alone
    for node in tree(module).body if whole else ():
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and node.name == name:
            return module, node
    target = imported(module).get(name)
    if target is None:
        raise LookupError(f"{dotted} is not defined")
    return find(target)


def defines(dotted: str) -> bool:
    """Whether ``package.module.name`` is a module, or begins with one and a name that it binds at its top level."""
    module, *rest = dotted.split(".")
    while rest and path(f"{module}.{rest[0]}").is_file():
        module = f"{module}.{rest.pop(0)}"
    if not rest:
        return True
    nodes = list(ast.walk(tree(module)))
    bound = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    bound |= {node.name for node in nodes if isinstance(node, ast.ClassDef | ast.FunctionDef)}
    return rest[0] in bound | imported(module).keys()


@functools.cache
def declaration(dotted: str) -> tuple[str, ast.ClassDef | ast.FunctionDef]:
    """As `find`; of a dataclass what stands before its first method, which is where its fields are."""
    module, _, name = dotted.rpartition(".")
    whole = definition(module, name)
    if whole.startswith("class") and not re.search(r"(?m)^    def __init__\b", whole):
        method = METHOD.search(whole)
        if (node := _alone(whole[: method.start()] if method else whole)) is not None:
            return module, node
    return find(dotted)


def definition(module: str, name: str) -> str:
    """Text of a class or function at the top level of a module, decorators aside; empty where there is none."""
    text = source(module)
    begin = re.search(DEFINITION.format(re.escape(name)), text)
    if begin is None:
        return ""
    end = NEXT.search(text, begin.end())
    return text[begin.start() : end.start() if end else len(text)]


def _alone(text: str) -> ast.ClassDef | ast.FunctionDef | None:
    """The one definition of a text, or None where it was cut wrongly: a text in it may begin a line."""
    with suppress(SyntaxError):
        match ast.parse(text).body:
            case [ast.ClassDef() | ast.FunctionDef() as node]:
                return node
    return None


@functools.cache
def imported(module: str) -> dict[str, str]:
    """As `imports`, of the import statements alone where they can be told from the rest without parsing that."""
    lines = (found[0] for found in IMPORT.finditer(source(module)))
    try:
        parsed = ast.parse("\n".join(lines))
    except SyntaxError:  # a text in it begins a line as one does
        parsed = tree(module)
    return imports(parsed, module)


def imports(parsed: ast.Module, module: str) -> dict[str, str]:
    """Names that a module imports at its top level, each with the dotted path that it stands for.

    Args:
        parsed: Its syntax tree.
        module: Its dotted name; "" for a file of the user's own.
    """
    is_package = bool(module) and path(module).name == "__init__.py"
    package = module if is_package else module.rpartition(".")[0]
    names: dict[str, str] = {}
    for node in parsed.body:
        if isinstance(node, ast.Import):
            names |= {alias.asname or alias.name: alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            source = ".".join([*parents, *([node.module] if node.module else [])])
            names |= {alias.asname or alias.name: f"{source}.{alias.name}" for alias in node.names}
    return names


@functools.cache
def tree(module: str) -> ast.Module:
    """Syntax tree of a module."""
    return ast.parse(source(module))


@functools.cache
def source(module: str) -> str:
    """Text of a module."""
    return path(module).read_text(encoding="utf-8")


@functools.cache
def path(module: str) -> Path:
    """Source file of a module, found without importing any of its parents."""
    top, *rest = module.split(".")
    if [top, *rest[:1]] == ["genai_hf", "recipes"]:  # which lies elsewhere in a checkout
        top, rest = "genai_hf.recipes", rest[1:]
    spec = importlib.util.find_spec(top)
    if spec is None or spec.origin is None:
        raise FileNotFoundError(module)
    folder = Path(spec.origin).parent.joinpath(*rest)
    return folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
