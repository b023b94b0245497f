"""Writing after many prompts: the time of the stock ways for the work of `genai-hf generate`, in turns in one process.

    python benchmarks/generate.py MODEL [--file PROMPTS.txt | --prompts 64 --words 40] [--new 64] [--batch 16] …

Three arms write greedily after the same prompts with the same weights, in float32, in turns (A B C, C B A …):

one at a time   a loop of model.generate over the prompts
pipeline        transformers.pipeline("text-generation", batch_size=--batch), with padding on the left
ours            genai_hf.analysis.writer, as the verb generate calls it: 16 prompts at a time

MODEL is a decoder's folder or Hub id. --file has a prompt a line; else the prompts are beginnings of 4 to --words words
of Python's own documentation. Timed are tokenising, writing and decoding, not loading; tokens are the new ones, each
text's end included. Beside stands how many texts are those of the first turn, token for token; rounding may decide
between two tokens that are as probable, so that more than 2 % of other texts is an error.
"""

import argparse
from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import arms
import torch
import transformers

from genai_hf.analysis.writer import Writer
from genai_hf.data import documents

SHORTEST = 4  # words
STEP = 7  # words by which a prompt is longer than the one before it, until they begin anew

ALIKE = 0.02  # share of texts

Texts = list[tuple[str, int]]  # what was written, and its number of tokens


def prompts(asked: argparse.Namespace) -> list[str]:
    """Those of the file, or of Python's documentation."""
    if asked.file:
        return asked.file.read_text("utf-8").splitlines()
    texts = map(str.split, documents(format="python_docs").read())
    long = islice((words for words in texts if len(words) >= asked.words), asked.prompts)
    span = asked.words - SHORTEST + 1
    return [" ".join(words[: SHORTEST + STEP * place % span]) for place, words in enumerate(long)]


def up_to_end(ids: Sequence[int], writer: Writer) -> tuple[str, int]:
    """The text of new tokens, and how many they are, the end included."""
    own = ids[: next((place for place, one in enumerate(ids, 1) if one in writer.ends), len(ids))]
    return writer.tokenizer.decode([one for one in own if one not in writer.ends]), len(own)


def one_at_a_time(model: Any, tokenizer: Any, texts: Sequence[str], writer: Writer, settings: dict[str, Any]) -> Texts:
    """The stock loop."""
    written = Texts()
    for text in texts:
        given = tokenizer(text, return_tensors="pt").to(model.device)
        ids = model.generate(**given, **settings)[0, given["input_ids"].shape[1] :]
        written.append(up_to_end(ids.tolist(), writer))
    return written


def pipeline(pipe: Any, size: int, texts: Sequence[str], writer: Writer, settings: dict[str, Any]) -> Texts:
    """The stock pipeline; what it gives begins with a prompt that is as wide as the longest of its batch."""
    given = pipe(list(texts), return_tensors=True, batch_size=size, **settings)
    lengths = list(map(len, pipe.tokenizer(list(texts))["input_ids"]))
    widths = [max(lengths[place // size * size :][:size]) for place in range(len(texts))]
    rows = zip(given, widths, strict=True)
    return [up_to_end(one[0]["generated_token_ids"][width:], writer) for one, width in rows]


def ours(texts: Sequence[str], writer: Writer) -> Texts:
    """What the verb does."""
    return [(written.text, written.tokens) for written in writer(writer.read(texts))]


def turn(work: Callable[[], Texts], first: Texts) -> arms.Found:
    """An arm's turn; it must write what was written in the first one, which is kept."""
    found, written = arms.timed(work)
    first.extend(written if not first else [])
    differing = [pair for pair in zip(first, written, strict=True) if pair[0] != pair[1]]
    if len(differing) > ALIKE * len(first):
        raise SystemExit(f"{len(differing)} of {len(first)} texts differ, such as {differing[0]}")
    found.facts["texts alike"] = len(first) - len(differing)
    return found


def main() -> None:
    """Print a table and, as the last line, JSON."""
    parser = arms.parser(__doc__, prompts=64, words=40, new=64, batch=16, rounds=3)
    parser.add_argument("model")
    parser.add_argument("--file", type=Path)
    asked = arms.parse(parser)
    texts, settings = prompts(asked), {"do_sample": False, "max_new_tokens": asked.new}
    writer = Writer.of(asked.model, settings)
    tokenizer = transformers.AutoTokenizer.from_pretrained(asked.model, padding_side="left")
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    model = transformers.AutoModelForCausalLM.from_pretrained(asked.model, dtype=torch.float32).to(writer.model.device)
    model.eval()
    settings["pad_token_id"] = tokenizer.pad_token_id
    pipe = transformers.pipeline("text-generation", model=model, tokenizer=tokenizer)
    stock, written = {"texts": texts, "writer": writer, "settings": settings}, Texts()
    works = {
        "one at a time": partial(one_at_a_time, model, tokenizer, **stock),
        "pipeline": partial(pipeline, pipe, asked.batch, **stock),
        "ours": partial(ours, texts, writer),
    }
    found = arms.in_turns({name: partial(turn, work, written) for name, work in works.items()}, asked.rounds)
    print(arms.table(found, tokens=sum(number for _, number in written)))
    print(arms.as_json(asked, found))


if __name__ == "__main__":
    arms.run(main)
