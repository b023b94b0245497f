"""Ask a finished run's model for labels or answers: of a text, of a pair of texts, or of a file of them (--json).

genai-hf predict RUN "a sentence"                       every label with its probability, or the answer
genai-hf predict RUN "a sentence" "a second one"        where the task has pairs
genai-hf predict RUN "a text" "a choice" "another" …    where it chooses between texts
genai-hf predict RUN FILE                               each row of a csv, tsv, jsonl or parquet file with the run's
                                                        columns, or each line of a .txt file: label and probability,
                                                        or the answer
--json                                                  one JSON object a text
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from omegaconf import DictConfig, OmegaConf

from genai_hf import arguments, fingerprints, run_log
from genai_hf.errors import ConfigError, DataError
from genai_hf.settings import task_files

if TYPE_CHECKING:  # heavy: it is imported where it is needed
    from genai_hf.data.splits import Split

USAGE = 'name a run and a text: genai-hf predict outputs/glue/… "a sentence" ["a second one"]'


def main(words: list[str]) -> int:
    """Print what the model says.

    Raises:
        ConfigError: There is no such run, or it was not for labels of texts.
        DataError: A row of the file is wrong.
    """
    parser = argparse.ArgumentParser(prog="genai-hf predict", add_help=False)
    parser.add_argument("words", nargs="*")
    parser.add_argument("--json", action="store_true")
    parser.error = arguments.refuse  # type: ignore[method-assign]
    asked = parser.parse_args(words)
    if len(asked.words) < 2:
        raise ConfigError(USAGE)
    run, *texts = asked.words
    cfg = _settings(Path(run))
    is_file = len(texts) == 1 and _is_file(texts[0])
    if not is_file:
        arguments.require_text(*texts)
    say = _labels if "task" in cfg else _answers
    for line in say(Path(run), cfg, texts, asked.json, is_file=is_file):
        sys.stdout.write(f"{line}\n")
    return 0


def _labels(run: Path, cfg: DictConfig, words: list[str], as_json: bool, *, is_file: bool) -> Iterator[str]:
    """What a run of labels says of a file, or of the texts of one example."""
    split = _read(Path(words[0]), cfg) if is_file else _typed(words, cfg)
    with run_log.quiet():
        yield from _lines(_labelled(run, cfg, split), split, as_json, is_file=is_file)


def _answers(run: Path, cfg: DictConfig, words: list[str], as_json: bool, *, is_file: bool) -> Iterator[str]:
    """What a run of answers says to a file, or to a text."""
    if len(words) > 1:
        raise ConfigError("this model takes single texts: give one")
    texts = words
    if is_file:
        from genai_hf.data.pairs import read_inputs

        texts = read_inputs(Path(words[0]), str(cfg.data.input))
    with run_log.quiet():
        from genai_hf.analysis.answerer import Answerer
        from genai_hf.objectives.answering import Decoding

        decoding = Decoding(beams=int(cfg.decoding.beams), max_new_tokens=int(cfg.decoding.max_new_tokens))
        answerer = Answerer.of_run(run, length=int(cfg.sequence_length), decoding=decoding)
        for text, answer in zip(texts, answerer([f"{cfg.data.prefix}{text}" for text in texts]), strict=True):
            if as_json:
                yield json.dumps({"text": text, "answer": answer})
            else:
                yield f"{_one_line(answer)}\t{_one_line(text)}" if is_file else answer


def _typed(texts: list[str], cfg: DictConfig) -> "Split":
    """The one example that was typed."""
    first, *others = texts
    chooses, takes_pairs = cfg.task.get("choices") is not None, cfg.task.get("text_pair") is not None
    if chooses and len(set(others)) < max(len(others), 2):
        raise ConfigError("this model chooses between texts: give a text, and two or more different choices")
    if not chooses and len(others) > 1:
        raise ConfigError(USAGE)
    if not chooses and bool(others) != takes_pairs:
        raise ConfigError(f"this model takes {'single texts: give one' if others else 'pairs of texts: give two'}")
    from genai_hf.data.splits import Split

    return Split([first], others if takes_pairs else None, None, choices=[others] if chooses else None)


def _labelled(run: Path, cfg: DictConfig, split: "Split") -> Iterator[dict[str, float]]:
    """What the model says of each example: its class says what the run is."""
    settings = fingerprints.record(run / "model" / "config.json")
    if any(name.endswith("ForSequenceClassification") for name in settings.get("architectures") or ()):
        from genai_hf.analysis.labeller import Labeller

        labeller = Labeller.of_run(run, length=int(cfg.sequence_length), takes_pairs=split.pairs is not None)
        return labeller(split.texts, split.pairs)
    from genai_hf.analysis.extractor import Extractor

    return Extractor.of_run(run)(split)


def _lines(answers: Iterator[dict[str, float]], split: "Split", as_json: bool, *, is_file: bool) -> Iterator[str]:
    if as_json:
        for place, answer in enumerate(answers):
            asked = {"text": split.texts[place]} | ({"text_pair": split.pairs[place]} if split.pairs else {})
            yield json.dumps(asked | ({"value": answer["value"]} if "value" in answer else {"labels": answer}))
    elif not is_file:
        for name, share in next(answers).items():
            yield f"{share:.3f}" if name == "value" else f"{_one_line(name):23} {share:.1%}"
    else:
        for text, answer in zip(split.texts, answers, strict=True):
            name, share = next(iter(answer.items()))
            said = f"{share:.3f}" if name == "value" else f"{_one_line(name)}\t{share:.1%}"
            yield f"{said}\t{_one_line(text)}"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _settings(run: Path) -> DictConfig:
    cfg = fingerprints.config(run)
    if "prompt" in cfg:
        asks = (
            "--chat" if OmegaConf.select(cfg, "data.format") == "messages" else '--instruction "what to do" "an input"'
        )
        raise ConfigError(f"{run} was tuned on instructions; ask it: genai-hf generate {run} {asks}")
    if not {"task", "decoding"} & set(cfg):
        raise ConfigError(
            f"{run} has no model that labels texts or answers them; name a run of glue, gpt_extract or t5_qa"
        )
    if not ((run / "model" / "config.json").is_file() and (run / "metrics.json").is_file()):
        raise ConfigError(f"{run} has not finished; the same command that began it goes on with it")
    fingerprints.record(run / "model" / "config.json")  # refused where it is damaged
    return cfg


def _is_file(word: str) -> bool:
    is_there = os.path.isfile(word)  # noqa: PTH113 - Path's own raises where a sentence is too long for a name
    kinds = (*task_files.KINDS, ".txt")
    is_table = task_files.kind(Path(word)) in kinds
    if is_table and not is_there and not {" ", "\n"} & set(word):
        raise DataError(f"{word}: no such file")
    if is_there and not is_table:
        raise DataError(f"{word}: a file of texts ends in {', '.join(kinds)} (also .gz); rename it")
    return is_there


def _read(file: Path, cfg: DictConfig) -> "Split":
    """The examples of a file's rows."""
    from genai_hf.data.splits import read_texts
    from genai_hf.data.task import Task

    task = Task(**OmegaConf.to_container(cfg.task, resolve=True))  # type: ignore[arg-type]
    return read_texts(file, task, OmegaConf.select(cfg, "data.rename"))
