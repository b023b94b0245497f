"""Texts with the texts that answer them or sum them up: read from files, or made from Python's own documentation.

Everything is text to text (Raffel et al. 2020, arXiv:1910.10683, section 2.3): a prefix before the input says what is
asked. Closed book, the input of a question is the question alone (Roberts et al. 2020, arXiv:2002.08910, section 2).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from genai_hf.data import docs_pairs
from genai_hf.data.corpus import Corpus
from genai_hf.data.pairs import Pairs, Reader
from genai_hf.data.problems import Problems
from genai_hf.data.remarks import left_out, shared, tell
from genai_hf.errors import ConfigError, DataError
from genai_hf.settings import pair_files
from genai_hf.settings.task_files import TRAIN

VALIDATION, TEST = "validation", "test"


@dataclass(frozen=True)
class TextPairs:
    """Examples of all splits.

    Attributes:
        name: For reports.
        prefix: Of every input.
        splits: ``train``, ``validation`` and, where there is one, ``test``.
    """

    name: str
    prefix: str
    splits: Mapping[str, Pairs]

    def corpus(self) -> Corpus:
        """The training texts with their answers as documents, on which a tokenizer can be trained."""
        train = self.splits[TRAIN]
        texts = [text for pair in zip(train.inputs, train.answers, strict=True) for text in (pair[0], *pair[1])]
        return Corpus(f"{self.name}-train", train.fingerprint(), lambda: iter(texts), {"documents": len(texts)})


def text_pairs(
    *,
    source: Literal["files", "python_questions", "python_summaries"] = "files",
    input: str = "question",
    answers: str = "answers",
    prefix: str | None = "",
    path: str | None = None,
    files: Mapping[str, str | Sequence[str] | None] | None = None,
    faulty_rows: Literal["refuse", "skip"] = "refuse",
    validation_share: float = 0.1,
    max_train_rows: int | None = None,
    key: str = "data",
) -> TextPairs:
    """Read and check all splits.

    Args:
        source: Files, or Python's own documentation.
        input: Column of the text to answer or to sum up.
        answers: Column of its answers: a text, or a list of texts of which each is right.
        prefix: What is set before each input; None is nothing.
        path: A folder with a file for each split, or the training file or files.
        files: Files for single splits, before those of `path`.
        faulty_rows: Whether a row that is broken or lacks a text or an answer is refused or left out.
        validation_share: Share of the training rows, in (0, 1), to hold out where there is no file for validation:
            those whose inputs have the smallest SHA-256, so that one question is on one side only.
        max_train_rows: Train on so many rows, at least 1: those with the smallest SHA-256, the same ones every time.
        key: Of the settings that these are, for messages.

    Raises:
        ConfigError: Nothing says where the data is, or two things do.
        DataError: Files are missing or wrong; the message has a line a problem.
        ValueError: A range is wrong.
    """
    if not 0 < validation_share < 1:
        raise ValueError(f"validation_share must lie between 0 and 1, got {validation_share}")
    if max_train_rows is not None and max_train_rows < 1:
        raise ValueError(f"max_train_rows must be at least 1, or null for all, got {max_train_rows}")
    if source == "files":
        found = pair_files.find(path, files or {}, key)
        splits = _read(found, Reader(input, answers, prefix or "", faulty_rows, key))
    elif path or any((files or {}).values()):
        how = "pairs=questions" if key == "data" else f"{key}.source=files"
        raise ConfigError(f"'{key}.path': {source} brings its own text; for files say {how}")
    else:
        made = docs_pairs.pairs(source)
        splits = {TRAIN: Pairs([f"{prefix or ''}{text}" for text, _ in made], [known for _, known in made])}
    if VALIDATION not in splits:
        splits |= _held_out(splits[TRAIN], validation_share)
    if max_train_rows is not None:
        splits[TRAIN] = splits[TRAIN].take(sorted(splits[TRAIN].smallest(max_train_rows)))
    for split in (TRAIN, VALIDATION):
        if not splits[split]:
            raise DataError(f"there is no row for {split}; fill its file, or name it: {key}.files.{split}=…")
    for split in (name for name in (VALIDATION, TEST) if name in splits):
        tell(split, shared(splits[split].inputs, splits[TRAIN].inputs))
    return TextPairs(source if source != "files" else "own", prefix or "", splits)


def _read(found: Mapping[str, Sequence[Path]], reader: Reader) -> dict[str, Pairs]:
    problems = Problems()
    splits = {split: reader(files, problems) for split, files in found.items()}
    problems.raise_any()
    for name, split in splits.items():
        tell(name, left_out(split.left_out, len(split)))
    return splits


def _held_out(train: Pairs, share: float) -> dict[str, Pairs]:
    texts = {train.inputs[place] for place in train.smallest(max(round(len(train) * share), 1))}
    kept = [place for place, text in enumerate(train.inputs) if text not in texts]
    out = [place for place, text in enumerate(train.inputs) if text in texts]
    return {TRAIN: train.take(kept), VALIDATION: replace(train.take(out), left_out=0)}
