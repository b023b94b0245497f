"""The comments of the YAML files, set beside the composed settings again: what ``--help`` shows."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import yaml  # type: ignore[import-untyped]

from genai_hf.settings.yaml_nodes import QUICK

COLUMN = 38  # where comments begin, if the setting leaves room


@dataclass(frozen=True)
class Comment:
    """What a file says of a key, and the value that it says it of; None where that is no scalar."""

    text: str
    value: str | None = None

    def beside(self, value: str | None) -> str:
        """The comment for a key that may be set otherwise: a reason holds for the value beside which it stands."""
        other = None not in {value, self.value} and not _same(str(value), str(self.value))
        return f"  # in place of {self.value}: {self.text}" if other else f"  # {self.text}"


def read(text: str, prefix: str = "") -> dict[str, Comment]:
    """Dotted key to the comment behind it on its line, for the keys of one YAML file.

    Args:
        text: Of the file.
        prefix: Before each key, such as ``trainer.``.
    """
    lines, comments = text.splitlines(), {}
    for key, line, column, value in _keys(text):
        found = re.search(r"\s#\s*(.+)", lines[line][column:])
        if found:
            comments[prefix + key] = Comment(found[1], value)
    return comments


def beside(settings: str, comments: Mapping[str, Comment]) -> str:
    """The settings, a YAML document, with the comment of each key that has one at the end of its line."""
    lines = settings.splitlines()
    for key, line, _, value in _keys(settings):
        if key in comments:
            lines[line] = f"{lines[line]:{COLUMN}}{comments[key].beside(value)}"
    return "\n".join(lines)


def _keys(text: str) -> Iterator[tuple[str, int, int, str | None]]:
    """Of each key behind which a comment may stand: its line, the column behind what is on it, and its scalar."""
    root = yaml.compose(text, Loader=QUICK)
    if isinstance(root, yaml.MappingNode):
        yield from _walk(root, "")


def _walk(node: yaml.MappingNode, above: str) -> Iterator[tuple[str, int, int, str | None]]:
    for key, value in node.value:
        dotted, line = f"{above}{key.value}", key.end_mark.line
        scalar = value.value if isinstance(value, yaml.ScalarNode) else None
        if value.end_mark.line == line:
            yield dotted, line, value.end_mark.column, scalar
        elif (scalar is None and value.flow_style is False) or (scalar is not None and value.style in {"|", ">"}):
            yield dotted, line, key.end_mark.column, None
        if isinstance(value, yaml.MappingNode):
            yield from _walk(value, f"{dotted}.")


def _same(one: str, other: str) -> bool:
    """Whether two scalars are the same, as text or as numbers: 1.5e-3 is 0.0015."""
    try:
        return float(one) == float(other)
    except ValueError:
        return one == other
