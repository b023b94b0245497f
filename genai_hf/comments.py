"""The comments of the YAML files, set beside the composed settings again: what ``--help`` shows."""

from collections.abc import Iterator, Mapping

import yaml  # type: ignore[import-untyped]

COLUMN = 38  # where comments begin, if the setting leaves room


def read(text: str, prefix: str = "") -> dict[str, str]:
    """Dotted key to the comment behind it on its line, for the keys of one YAML file.

    Args:
        text: Of the file.
        prefix: Before each key, such as ``trainer.``.
    """
    lines = text.splitlines()
    comments = {}
    for key, (line, column) in _keys(text).items():
        _, mark, comment = lines[line][column:].partition("#")
        if mark:
            comments[prefix + key] = comment.strip()
    return comments


def beside(settings: str, comments: Mapping[str, str]) -> str:
    """The settings, a YAML document, with the comment of each key that has one at the end of its line."""
    lines = settings.splitlines()
    for key, (line, _) in _keys(settings).items():
        if comments.get(key):
            lines[line] = f"{lines[line]:{COLUMN}}  # {comments[key]}"
    return "\n".join(lines)


def _keys(text: str) -> dict[str, tuple[int, int]]:
    """Dotted key to its line, and to the column behind what the line says of it."""
    root = yaml.compose(text)
    return dict(_walk(root, "")) if isinstance(root, yaml.MappingNode) else {}


def _walk(node: yaml.MappingNode, above: str) -> Iterator[tuple[str, tuple[int, int]]]:
    for key, value in node.value:
        dotted, line = f"{above}{key.value}", key.end_mark.line
        yield dotted, (line, value.end_mark.column if value.end_mark.line == line else key.end_mark.column)
        if isinstance(value, yaml.MappingNode):
            yield from _walk(value, f"{dotted}.")
