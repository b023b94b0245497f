"""What the parts would refuse of their settings, found out without importing one.

The checks at the beginning of a part are read from its source and made, and so are those of the parts that it hands its
settings on to: a range is written once, where it is used, and refused at once nevertheless. A check that takes more
than the settings, such as a tokenizer, is left to the part; and where it may have returned by then, all that follows.
"""

import ast
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from omegaconf import DictConfig

from genai_hf import errors
from genai_hf.config import check_node
from genai_hf.settings import schema, sources
from genai_hf.settings.written import UNKNOWN, Scope, scope

COMPOUND = (ast.If, ast.For, ast.While, ast.With, ast.Try, ast.Match)
LEAVING = (ast.Return, ast.Break, ast.Continue)
PERHAPS = (ast.Lambda, ast.IfExp, ast.BoolOp, ast.FunctionDef)  # evaluated later, in part or not at all
COMPREHENSION = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)  # likewise, but for what it goes through
DEPTH = 4  # calls within calls that are followed


def foresee(cfg: DictConfig, recipe: ast.Module) -> None:
    """Make the checks of all parts that a recipe builds, as far as they take no more than the settings.

    Args:
        cfg: Whose names and types are right.
        recipe: The recipe's source.

    Raises:
        ConfigError: What the first of them would raise itself.
    """
    for node in recipe.body:
        if isinstance(node, ast.FunctionDef) and node.name in {"build", "main"}:
            _Reading(Scope(recipe, "")).enter(node, {"cfg": cfg})


def foresee_part(dotted: str, given: Mapping[str, Any], depth: int = DEPTH) -> None:
    """Make those checks of the part at ``genai_hf.module.Name`` that take no more than `given`.

    Args:
        dotted: A function, or a class that is checked as it is made.
        given: Plain values by the names of its parameters; those that are not known are left out.
        depth: So many calls within calls are followed.

    Raises:
        ValueError: What the part would raise itself.
    """
    module, node = sources.find(dotted)
    if isinstance(node, ast.FunctionDef):
        _Reading(scope(module), depth).enter(node, given)
        return
    methods = {item.name: item for item in node.body if isinstance(item, ast.FunctionDef)}
    if "__init__" in methods:
        _Reading(scope(module), depth, methods).enter(methods["__init__"], given)
    elif "__post_init__" in methods:
        fields = schema.fields(dotted)
        values = schema.defaults(fields) | {name: value for name, value in given.items() if name in fields}
        reading = _Reading(scope(module), depth, methods, SimpleNamespace(**values))
        reading.work_out()
        reading.enter(methods["__post_init__"], {})


def foresee_settings(dotted: str, node: Mapping[str, Any], *, at: str) -> None:
    """As `foresee_part`, of the settings of a node at the dotted key `at`.

    Raises:
        ConfigError: What the part would raise itself.
    """
    try:
        foresee_part(dotted, node)
    except errors.UserError:
        raise
    except ValueError as error:
        raise errors.ConfigError(f"{at}: {str(error).partition(chr(10))[0]}") from error


@dataclass
class _Reading:
    """A function, read statement by statement as far as its values are known.

    Args:
        scope: Of its module.
        depth: So many calls within calls are followed.
        methods: Those of its class.
        own: What is known of the object that it is a method of.
        names: What is known so far besides.
    """

    scope: Scope
    depth: int = DEPTH
    methods: Mapping[str, ast.FunctionDef] = field(default_factory=dict)
    own: SimpleNamespace = field(default_factory=SimpleNamespace)
    names: dict[str, Any] = field(default_factory=dict)

    def work_out(self) -> None:
        """Add those properties of the object that follow from its fields in one expression."""
        for name, method in self.methods.items():
            match method:
                case ast.FunctionDef(
                    decorator_list=[ast.Name(id="property")], body=[_, ast.Return(value=ast.expr() as said)]
                ):
                    vars(self.own).update({name: value} if (value := self._value(said)) is not UNKNOWN else {})

    def enter(self, function: ast.FunctionDef, given: Mapping[str, Any]) -> None:
        """Begin with a function's arguments, and read it."""
        fields = schema.signature(function)
        self.names = schema.defaults(fields) | {name: value for name, value in given.items() if name in fields}
        if function.args.kwarg is not None:
            self.names[function.args.kwarg.arg] = {name: value for name, value in given.items() if name not in fields}
        self._follow(function.body)

    def _value(self, expression: ast.expr) -> Any:
        return self.scope.value(expression, {**self.names, "self": self.own})

    def _follow(self, body: Sequence[ast.stmt]) -> bool:
        """Read statements in their order; False where those behind them may not be reached."""
        return all(self._step(statement) for statement in body)

    def _step(self, statement: ast.stmt) -> bool:
        match statement:
            case ast.If(test=test) if (holds := self._value(test)) is not UNKNOWN:
                return self._follow(statement.body if holds else statement.orelse)
            case ast.For(target=target, iter=iterated, body=body) if (items := self._value(iterated)) is not UNKNOWN:
                return all(self._bind(target, item) and self._follow(body) for item in items)
            case ast.Raise(exc=ast.Call() as raised) if (error := self._value(raised)) is not UNKNOWN:
                raise error
            case (
                ast.Assign(targets=[ast.Name() | ast.Tuple() as target], value=ast.expr() as assigned)
                | ast.AnnAssign(target=ast.Name() as target, value=ast.expr() as assigned)
            ) if (value := self._value(assigned)) is not UNKNOWN:
                return self._bind(target, value)
            case ast.With(body=body):
                return self._follow(body)
        if not isinstance(statement, COMPOUND):
            for call in _calls(statement):
                self._hand_on(call)
            for part in ast.walk(statement):
                if isinstance(part, ast.DictComp | ast.ListComp):
                    self._go_through(part)
        self._forget(statement)
        parts = ast.walk(statement) if isinstance(statement, COMPOUND) else [statement]
        return not isinstance(statement, ast.Raise) and not any(isinstance(part, LEAVING) for part in parts)

    def _bind(self, target: ast.expr, value: Any) -> bool:
        """Give a name its value; a tuple of them theirs."""
        if isinstance(target, ast.Name):
            self.names[target.id] = value
        elif isinstance(target, ast.Tuple):
            for part, item in zip(target.elts, value, strict=True):
                self._bind(part, item)
        return True

    def _forget(self, statement: ast.stmt) -> None:
        """What a statement may have changed that was not followed is not known any more."""
        for part in ast.walk(statement):
            match part:
                case ast.Name(id=name, ctx=ast.Store()) | ast.Subscript(value=ast.Name(id=name), ctx=ast.Store()):
                    self.names.pop(name, None)
                case ast.Attribute(attr=name, ctx=ast.Store()) | ast.Call(args=[_, ast.Constant(value=name), _]):
                    vars(self.own).pop(str(name), None)  # the latter is object.__setattr__(self, "name", value)
                case ast.Call():
                    for one in ast.walk(part):
                        if isinstance(one, ast.Name) and type(self.names.get(one.id)) in {list, dict, set}:
                            del self.names[one.id]

    def _go_through(self, made: ast.DictComp | ast.ListComp) -> None:
        """Make the calls of a table or a list for each item that it is made of, where these are known."""
        loop = made.generators[0]
        items: Any = self._value(loop.iter) if len(made.generators) == 1 and not loop.ifs else UNKNOWN
        for item in () if items is UNKNOWN else items:
            self._bind(loop.target, item)
            for call in _calls(made.value if isinstance(made, ast.DictComp) else made.elt):
                self._hand_on(call)

    def _hand_on(self, call: ast.Call) -> None:
        """Go on in what is called, with those of its arguments that are known."""
        function, arguments = call.func, call.args
        match ast.unparse(function):
            case "build" | "config.build" if "cfg" in self.names:
                self._build(call)
                return
            case "partial" if arguments:
                function, *arguments = arguments
        named = [word for word in call.keywords if word.arg]
        if arguments or named:
            values = [*arguments, *(word.value for word in named)]
            if all(isinstance(value, ast.Starred) or self._value(value) is UNKNOWN for value in values):
                return
        match function:
            case ast.Attribute(value=ast.Name(id="self"), attr=name) if name in self.methods:
                given = self._given(schema.signature(self.methods[name]), arguments, named)
                _Reading(self.scope, self.depth - 1, self.methods, self.own).enter(self.methods[name], given)
            case ast.Name() | ast.Attribute() if self.depth and (part := self.scope.part(function)) is not None:
                foresee_part(part, self._given(schema.fields(part), arguments, named), self.depth - 1)

    def _build(self, call: ast.Call) -> None:
        """The recipe's ``config.build(part, node, at="…", name=value)``."""
        if len(call.args) == 1:  # its node has a name
            return
        part, node = self.scope.part(call.args[0]), self._value(call.args[1])
        given = self._given({}, (), [word for word in call.keywords if word.arg])
        if part is None or not isinstance(node, dict) or "at" not in given:
            return
        check_node(part, node, at=given["at"], given={word.arg for word in call.keywords if word.arg})
        foresee_settings(part, {**node, **given}, at=given["at"])

    def _given(
        self, fields: Iterable[str], arguments: Sequence[ast.expr], keywords: Sequence[ast.keyword]
    ) -> dict[str, Any]:
        """The known arguments of a call, by name."""
        in_order = itertools.takewhile(lambda value: not isinstance(value, ast.Starred), arguments)
        named = [*zip(fields, in_order, strict=False), *((word.arg, word.value) for word in keywords)]
        values = {str(name): self._value(value) for name, value in named}
        return {name: value for name, value in values.items() if value is not UNKNOWN}


def _calls(node: ast.AST) -> Iterator[ast.Call]:
    """Calls that are certainly made where a statement is reached, the innermost first."""
    for part in ast.iter_child_nodes(node):
        if isinstance(part, COMPREHENSION):
            yield from _calls(part.generators[0].iter)
        elif not isinstance(part, PERHAPS):
            yield from _calls(part)
    if isinstance(node, ast.Call):
        yield node
