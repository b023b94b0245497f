"""Recipes are found by listing a folder: no registry. One of the user's own is named by its path."""

import ast
import difflib
import functools
import importlib
import importlib.util
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from types import ModuleType

from omegaconf import DictConfig

from genai_hf import verbs
from genai_hf.errors import ConfigError, UserError
from genai_hf.settings import own_sources


@dataclass(frozen=True)
class RecipeFile:
    """A recipe's source, and the user's folders whose configs come before the packaged ones."""

    path: Path
    folders: tuple[Path, ...] = ()
    packaged: bool = True

    @property
    def name(self) -> str:
        """The stem that the recipe shares with its YAML."""
        return self.path.stem

    @property
    def summary(self) -> str:
        """First line of its docstring, read without importing it."""
        return (ast.get_docstring(self.tree()) or "").partition("\n")[0]

    @property
    def trains(self) -> bool:
        """Whether it builds a Trainer; else it has a `main` and no use for the settings of one."""
        return any(isinstance(node, ast.FunctionDef) and node.name == "build" for node in self.tree().body)

    @property
    def head(self) -> str | None:
        """What its model is for, where it is written out: ``head="causal_lm"``, or so in a table."""
        for node in ast.walk(self.tree()):
            match node:
                case ast.keyword(arg="head", value=ast.Constant(value=str(name))):
                    return name
                case ast.Dict(keys=[ast.Constant(value="head"), *_], values=[ast.Constant(value=str(name)), *_]):
                    return name
        return None

    def calls(self) -> Iterator[tuple[str, str | None, dict[str, str | None]]]:
        """What it calls: the part's dotted path, the key of its node, and which key each argument beside it is."""
        tree = self.tree()
        names = {
            alias.asname or alias.name: f"{node.module}.{alias.name}"
            for node in tree.body
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
        for call in ast.walk(tree):
            if not isinstance(call, ast.Call):
                continue
            is_build = ast.unparse(call.func) in {"build", "config.build"} and len(call.args) > 1
            first, *rest = ast.unparse(call.args[0] if is_build else call.func).split(".")
            handed = [word for word in call.keywords if word.arg and not (is_build and word.arg == "at")]
            words = {str(word.arg): ast.unparse(word.value) for word in handed}
            at = _key(ast.unparse(call.args[1])) if is_build else None
            dotted = ".".join([names.get(first, ""), *rest])
            if dotted.startswith("genai_hf.") and not dotted.startswith("genai_hf.config."):
                yield dotted, at, {name: _key(value) for name, value in words.items()}

    def tree(self) -> ast.Module:
        """Its source."""
        try:
            return _parsed(self.path.read_text(encoding="utf-8"))
        except (SyntaxError, UnicodeDecodeError) as error:  # in a user's own recipe
            line = error.lineno if isinstance(error, SyntaxError) else None
            place = f"{self.path}:{line}" if line else str(self.path)
            why = str(error).partition(" (")[0]
            raise ConfigError(f"{place}: not Python ({why}); mend the recipe there") from error

    def load(self) -> ModuleType:
        """Import the recipe: the one door behind which heavy libraries lie."""
        if self.packaged:
            return importlib.import_module(f"genai_hf.recipes.{self.name}")
        spec = importlib.util.spec_from_file_location(self.name, self.path)
        if spec is None or spec.loader is None:
            raise ConfigError(f"{self.path} cannot be imported")
        module = importlib.util.module_from_spec(spec)
        sys.modules[self.name] = module
        sys.path.append(str(self.path.parent.resolve()))  # last, and only so that spawned workers find the recipe
        try:
            spec.loader.exec_module(module)
        except UserError:
            raise
        except own_sources.FAULTS as error:
            del sys.modules[self.name]
            raise own_sources.fault(self.path, error) from error
        return module


@functools.cache
def _parsed(source: str) -> ast.Module:
    return ast.parse(source)


def shipped() -> dict[str, RecipeFile]:
    """Every packaged recipe by name."""
    folder = Path(str(files("genai_hf.recipes")))
    return {path.stem: RecipeFile(path) for path in sorted(folder.glob("*.py")) if not path.name.startswith("_")}


def find(name: str, folders: tuple[Path, ...] = ()) -> RecipeFile:
    """The recipe called `name`, or the user's own at the path `name` (ending in ``.py``).

    Raises:
        ConfigError: There is none, with the nearest name; or the user's file lacks its YAML, or can be no recipe.
    """
    known = shipped()
    if name.endswith(".py"):
        return _own(Path(name), known, folders)
    if name not in known:
        own = Path(f"{name.removesuffix('.yaml')}.py")
        if own.is_file():
            path = own if own.is_absolute() else f"./{own}"
            raise ConfigError(f"no recipe '{name}'; one of your own is called by its path: genai-hf {path}")
        near = difflib.get_close_matches(name, [*known, *(verbs.known() - {"run", name})], n=1)
        suggestion = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(known)}"
        raise ConfigError(f"no recipe '{name}'; {suggestion}")
    return RecipeFile(known[name].path, folders)


def with_base(recipe: RecipeFile, cfg: DictConfig) -> list[RecipeFile]:
    """A recipe, and the packaged one that it has build what it trains.

    Raises:
        ConfigError: `of` names none: a file's path in it may be anybody's.
    """
    known = shipped()
    if recipe.packaged and "of" in cfg and cfg.of not in known:
        raise ConfigError(f"'of' must be a packaged recipe, got {cfg.of}; take one of {', '.join(known)}")
    return [recipe, *([known[cfg.of]] if cfg.get("of") in known else [])]


def _own(path: Path, known: dict[str, RecipeFile], folders: tuple[Path, ...]) -> RecipeFile:
    if not path.is_file():
        raise ConfigError(f"{path} does not exist; 'genai-hf cp RECIPE {path.stem}' makes one to start from")
    if not path.stem.isidentifier():
        raise ConfigError(f"{path}: '{path.stem}' cannot be a module's name; use letters, digits and underscores")
    taken = importlib.util.find_spec(path.stem)
    if path.stem in known or (taken is not None and Path(taken.origin or "").resolve() != path.resolve()):
        raise ConfigError(f"{path}: an installed module is called '{path.stem}' too; rename the file and its YAML")
    if not path.with_suffix(".yaml").is_file():
        raise ConfigError(f"{path.with_suffix('.yaml')} is missing: a recipe's settings stand beside it")
    recipe = RecipeFile(path, (*folders, path.parent), packaged=False)
    own_sources.require_sound(path, recipe.tree(), ((part, given) for part, _, given in recipe.calls()))
    return recipe


def _key(expression: str) -> str | None:
    return expression.removeprefix("cfg.") if re.fullmatch(r"cfg(\.\w+)+", expression) else None
