"""JSON files as numbered rows, whatever they hold."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from genai_hf.data.files import ending, lines
from genai_hf.data.problems import Problems, shown


def _each_once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) < len(pairs):
        twice = next(key for number, (key, _) in enumerate(pairs) if key in dict(pairs[:number]))
        raise ValueError(f"an object has the key {shown(twice)} twice")
    return row


DECODER = json.JSONDecoder(object_pairs_hook=_each_once)  # made once: a file may have millions of lines


def json_rows(file: Path, problems: Problems) -> Iterator[tuple[int, Any]]:
    """Numbered rows: one object a line, or, where a .json file begins with a bracket, the elements of one array."""
    numbered, noted = (pair for pair in lines(file, problems) if pair[1].strip()), problems.count
    may_be_array = ending(file) == ".json"
    for number, line in numbered:
        if may_be_array and line.lstrip().startswith("["):
            text = "".join([line, *(rest for _, rest in numbered)])
            yield from _json_array(file, number, text, problems) if problems.count == noted else ()
            return
        try:
            row = loads(line.strip())
        except json.JSONDecodeError as error:
            problems.add(file, number, f"not JSON ({error.msg} at character {error.colno}); write one object a line")
        except (ValueError, RecursionError) as error:
            problems.add(file, number, f"not JSON ({error}); write one object a line")
        else:
            if problems.count == noted:
                yield number, row
        noted = problems.count


def loads(text: str) -> Any:
    """The value of JSON text.

    Raises:
        ValueError: It is none, or an object has a key twice, of which one would be lost.
    """
    return DECODER.decode(text)


def _json_array(file: Path, first: int, text: str, problems: Problems) -> Iterator[tuple[int, Any]]:
    try:
        yield from enumerate(loads(text), 1)
    except json.JSONDecodeError as error:
        problems.add(file, first + error.lineno - 1, f"not JSON ({error.msg}); write one array, or one object a line")
    except (ValueError, RecursionError) as error:
        problems.add(file, first, f"not JSON ({error}); write one array, or one object a line")
