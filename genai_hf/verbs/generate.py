"""Let a run's model, or any other, go on from prompts, follow an instruction, or talk (--chat, --instruction, --json).

genai-hf generate RUN "a prompt" ["another" …]   what the model writes after each, word by word on a terminal
                                                 (a run of text to text reads its data.prefix before each)
genai-hf generate FOLDER "a prompt"              the same of a model in a folder, or on the Hub by its id
genai-hf generate RUN -                          the prompt is what comes on standard input
genai-hf generate RUN --file FILE                each line of a .txt file, or row of a csv, tsv, jsonl or parquet file
                                                 with a column prompt
generation=greedy|beam|top_k|top_p               how the next token is chosen; greedy unless another is named
generation.FIELD=value                           any field of GenerationConfig, such as generation.max_new_tokens=40
seed=0                                           of what is drawn for the first prompt; each one after it has the next
--instruction "what to do"                       of a run of instruct: each prompt is an input to that instruction,
                                                 and both are put into the words that the run was trained on
--chat                                           a conversation by the tokenizer's template: each prompt is a turn;
                                                 without any, each line of standard input, which a terminal asks for
--system "how to answer"                          of a conversation, before its first turn
--json                                           one JSON object a prompt: prompt, text, tokens, stopped (end, length)

A prompt such as x=1, or one that begins with a dash, comes after --.
"""

import argparse
import io
import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from omegaconf import OmegaConf

from genai_hf import arguments, fingerprints, places, run_log
from genai_hf.errors import ConfigError, DataError
from genai_hf.ranks import say
from genai_hf.settings import composing, generation, task_files

if TYPE_CHECKING:  # heavy: it is imported where it is needed
    from genai_hf.analysis.writer import Prompt, Writer

USAGE = 'name a run or a model, and a prompt: genai-hf generate outputs/gpt_lm/… "a prompt"'
SETTING = re.compile(r"[+~]*[A-Za-z_][\w./@]*=")  # so it begins


def main(words: list[str]) -> int:
    """Print what the model writes.

    Raises:
        ConfigError: There is no such model, or it writes no text; or a setting or a prompt is wrong.
        DataError: A row of the file is wrong.
    """
    asked, overrides = _parse(words)
    cfg = composing.compose_verb("generate", overrides)
    generation.check(cfg)
    name, trained = _model(asked.model)
    frame = _frame(trained, asked)
    asks = asked.chat and not (asked.prompts or asked.file)  # turn by turn
    texts = _typed() if asks else _given(asked)
    settings = OmegaConf.to_container(cfg.generation, resolve=True)
    streams = sys.stdout.isatty() and cfg.generation.num_beams == 1 and not asked.json
    with run_log.quiet():
        from genai_hf.analysis.writer import Writer

        writer = Writer.of(name, settings, seed=cfg.seed, stream=trained.get("packing") == "stream")  # type: ignore[arg-type]
        show = partial(_show, writer, as_json=asked.json, streams=streams)
        if asked.chat:
            _talk(writer, texts, show, asked.system)
        else:
            show(writer.read(list(texts), frame))
    return 0


def _parse(words: list[str]) -> tuple[argparse.Namespace, list[str]]:
    """Flags, the model and the prompts; and the words that are settings."""
    place = words.index("--") if "--" in words else len(words)
    parser = argparse.ArgumentParser(prog="genai-hf generate", add_help=False)
    parser.add_argument("words", nargs="*")
    parser.add_argument("--chat", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--file", type=Path)
    parser.add_argument("--instruction")
    parser.add_argument("--system")
    parser.error = arguments.refuse  # type: ignore[method-assign]
    asked = parser.parse_intermixed_args([word for word in words[:place] if not SETTING.match(word)])
    asked.words += words[place + 1 :]
    if not asked.words:
        raise ConfigError(USAGE)
    if asked.system is not None and not asked.chat:
        raise ConfigError("--system is of a conversation; say --chat too")
    arguments.require_text(*filter(None, [asked.system]))
    asked.model, *asked.prompts = asked.words
    return asked, [arguments.quoted(word) for word in words[:place] if SETTING.match(word)]


def _model(name: str) -> tuple[str, Mapping[str, Any]]:
    """Folder or Hub id of the model, and the settings of the run that it is of."""
    place = Path(name).expanduser()
    if not (place / places.RUN).is_file():
        if not place.is_dir() and places.is_path(name):
            raise ConfigError(f"{name}: no such folder; {places.surroundings(place)}")
        if place.is_dir() and not (place / "config.json").is_file():
            raise ConfigError(f"{name} holds no model; name a run's folder, or one with a config.json")
        settings = place.parent / "settings.json"
        is_merged = place.name == places.MERGED and settings.is_file()
        return str(place) if place.is_dir() else name, fingerprints.record(settings) if is_merged else {}
    if not (place / "metrics.json").is_file():
        raise ConfigError(f"{name} has not finished; the same command that began it goes on with it")
    if not (place / "model" / "config.json").is_file():
        raise ConfigError(f"{name} holds no model; name a run of gpt_lm or another that trains one")
    return str(place / "model"), fingerprints.record(place / "settings.json")


def _frame(trained: Mapping[str, Any], asked: argparse.Namespace) -> Callable[[str], str]:
    """What makes of a prompt the text that the model was trained to go on from."""
    if asked.instruction is None:
        prefix = str(trained.get("data.prefix", ""))
        return lambda text: prefix + text
    arguments.require_text(asked.instruction)
    if "prompt.wording" not in trained:
        raise ConfigError(
            "--instruction is for runs of instruct, by their folder; write all that is asked as one prompt"
        )
    if asked.chat or trained["data.format"] == "messages":
        raise ConfigError("a conversation has no --instruction; say it in the first turn: --chat")
    from genai_hf.data.wording import Instruction, Wording

    wording = Wording(wording=trained["prompt.wording"])
    task = Instruction("", fields={"definition": asked.instruction})
    return lambda text: "".join(part.text for part in wording(task, text)).rstrip(" ")


def _given(asked: argparse.Namespace) -> list[str]:
    """The prompts that were typed, those of standard input and those of the file."""
    if asked.instruction is not None and not (asked.prompts or asked.file):
        return [""]  # an instruction alone
    texts = [_input().read().removesuffix("\n") if text == "-" else text for text in asked.prompts]
    if asked.file:
        kinds = (*task_files.KINDS, ".txt")
        if not asked.file.is_file() or task_files.kind(asked.file) not in kinds:
            raise DataError(
                f"{asked.file}: no such file of prompts; its name must end in {', '.join(kinds)} (also .gz)"
            )
        from genai_hf.data.pairs import read_inputs

        texts += read_inputs(asked.file, "prompt")
    if not texts:
        raise ConfigError(USAGE)
    arguments.require_text(*texts)
    for text in asked.prompts:
        if os.path.isfile(text):  # noqa: PTH113 - Path's own raises where a sentence is too long for a name
            say(f"{text} is a file, and is taken as a prompt; --file {text} reads the prompts in it")
    return texts


def _input() -> TextIO:
    """Standard input, whatever its bytes are: what is no UTF-8 is refused where a text is."""
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="surrogateescape")
    return sys.stdin


def _typed() -> Iterator[str]:
    """The lines of standard input that are not blank; on a terminal they are asked for."""
    sign = "> " if _input().isatty() else ""
    with suppress(EOFError):
        while True:
            if (line := input(sign)).strip():
                arguments.require_text(line)
                yield line
    print(end="\n" if sign else "")


def _talk(writer: "Writer", turns: Iterable[str], show: Callable[..., str], system: str | None) -> None:
    """Answer each turn, given all that was said before."""
    messages = [] if system is None else [{"role": "system", "content": system}]
    for turn in turns:
        messages.append({"role": "user", "content": turn})
        messages.append({"role": "assistant", "content": show([writer.read_turn(messages)])})


def _show(writer: "Writer", prompts: Sequence["Prompt"], *, as_json: bool, streams: bool) -> str:
    """Print what is written after each prompt, below the prompt where there are several; the last text."""
    texts = writer(prompts, partial(print, end="", flush=True) if streams else None)
    is_headed = len(prompts) > 1 and not as_json
    text = ""
    for prompt in prompts:
        if is_headed:
            print(f"> {' '.join(prompt.text.split())}")
        written = next(texts)
        text = written.text
        said = json.dumps(asdict(written)) if as_json else "" if streams else text
        print(said, end="\n\n" if is_headed else "\n", flush=True)
    return text
