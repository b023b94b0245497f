"""What a recipe builds that was made before its heavy imports, kept until it asks for the same."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Made:
    """One part's result.

    Attributes:
        target: What was called.
        settings: Of its node.
        given: What it was given besides.
        result: What it returned.
        tell: Says what it had to say meanwhile.
    """

    target: Callable[..., Any]
    settings: Mapping[str, Any]
    given: Mapping[str, Any]
    result: Any
    tell: Callable[[], None]


_KEPT = ContextVar[dict[str, Made] | None]("_KEPT", default=None)


@contextmanager
def keep(made: dict[str, Made]) -> Iterator[None]:
    """Within this context each of these, by the dotted key of its node, is given out once."""
    before = _KEPT.set(made)
    try:
        yield
    finally:
        _KEPT.reset(before)


def kept() -> bool:
    """Whether anything is."""
    return bool(_KEPT.get())


def take(at: str, target: Callable[..., Any], settings: Mapping[str, Any], given: Mapping[str, Any]) -> Made | None:
    """What was made of these very settings; nobody gets it twice."""
    found = (_KEPT.get() or {}).pop(at, None)
    if found is None or (found.target, found.settings, found.given) != (target, settings, given):
        return None
    found.tell()
    return found
