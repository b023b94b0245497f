"""What the tables of wrong settings share: a folder in which every word that is not the mistake is right."""

import shlex

from asking import Case

ROOM = {
    "a.csv": "text\nhello\n",
    "a.txt": "hello\n",
    "empty/.keep": "",
    "gpt/config.json": '{"model_type": "gpt2", "n_embd": 32, "n_layer": 1, "n_head": 2}',
    "gpt/model.safetensors": b"\x02\0\0\0\0\0\0\0{}",  # weights of no tensors
    "runs/1/metrics.json": "{}",
    "runs/1/model/config.json": '{"model_type": "bert"}',
}


def case(cause: str, line: str, said: str) -> Case:
    """A mistake in a line of the command."""
    return Case(cause=cause, words=shlex.split(line), said=said, files=ROOM)
