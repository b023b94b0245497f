"""Load a tokenizer by name, or train one on the corpus and keep it in the cache."""

import hashlib
import json
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from transformers import AutoTokenizer, PreTrainedTokenizerFast

from genai_hf import manifests, model_folders, snapshots
from genai_hf.data.cache import cache_folder, staged
from genai_hf.data.corpus import Corpus
from genai_hf.errors import ConfigError
from genai_hf.places import require_unchanged
from genai_hf.tokenization.texts import Documents
from genai_hf.tokenization.training import train

VOCABULARIES = (
    "tokenizer.json",
    "vocab.txt",
    "vocab.json",
    "spiece.model",
    "tokenizer.model",
    "sentencepiece.bpe.model",
)
OBJECTS = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "config.json")
UNREADABLE = (OSError, ValueError, ImportError, LookupError, TypeError)  # transformers checks no file's shape
OTHER_FILES = ("tokenizer_config.json", "special_tokens_map.json", "merges.txt", "*.jinja", "config.json")


def load_or_train(
    corpus: Corpus,
    *,
    name: str | None = None,
    revision: str | None = None,
    algorithm: Literal["wordpiece", "bpe", "byte_bpe", "unigram"] = "wordpiece",
    vocab_size: int = 8192,
    family: Literal["bert", "roberta", "gpt2", "t5"] = "bert",
    lowercase: bool = True,
    multiple_of: int = 1,
    min_frequency: int = 2,
    limit_alphabet: int = 1000,
    model_max_length: int = 512,
    cache: Path | None = None,
) -> PreTrainedTokenizerFast:
    """Load the tokenizer called `name`; without one, train it on the corpus, or find it in the cache trained before.

    It is trained on every document, those for validation too, as published tokenizers are: no label and no order of
    words passes through a vocabulary. A corpus to be compared with another's tokenizer needs `name`.

    Args:
        corpus: Read only where a tokenizer is trained.
        name: A Hub id or a folder; the settings of training are then not used.
        revision: Its commit, branch or tag on the Hub; None is the newest.
        algorithm: As all that follow, see `train`.
        vocab_size: Tokens.
        family: Whose special tokens.
        lowercase: Whether text is lowercased.
        multiple_of: What the vocabulary is filled up to a multiple of.
        min_frequency: Of a pair that is merged.
        limit_alphabet: Different characters.
        model_max_length: Tokens that the model takes.
        cache: Folder instead of the user's own.

    Raises:
        ConfigError: `name` is no tokenizer, or cannot be reached.
        ValueError: A setting of training is wrong.
        DataError: The corpus has no text.
    """
    if name is not None:
        return load(name, revision)
    training = partial(
        train,
        algorithm=algorithm,
        vocab_size=vocab_size,
        family=family,
        lowercase=lowercase,
        multiple_of=multiple_of,
        min_frequency=min_frequency,
        limit_alphabet=limit_alphabet,
        model_max_length=model_max_length,
    )
    folder = (cache or cache_folder()) / "tokenizers" / _fingerprint(corpus, training.keywords)
    if not folder.is_dir():
        with staged(folder) as place:
            training(Documents(corpus)).save_pretrained(place)
            require_unchanged(corpus.stamps)
    try:
        return load(str(folder))
    except ConfigError as error:  # of a name that nobody gave
        raise ConfigError(f"{folder} is damaged; delete it, and the tokenizer is trained anew") from error


def load(name: str, revision: str | None = None) -> PreTrainedTokenizerFast:
    """Load a fast tokenizer from a folder, from what was downloaded before, or from the Hub at a revision.

    Raises:
        ConfigError: There is none of that name, or it cannot be reached.
    """
    try:
        folder = snapshots.folder(name, revision, (*VOCABULARIES, *OTHER_FILES))
        manifests.require_whole(folder, weights=False)
        model_folders.require_objects(folder, OBJECTS)
    except ConfigError as error:
        raise ConfigError(f"'tokenizer.name': {error}, or null to train one for a new model") from error
    if not any((folder / file).is_file() for file in VOCABULARIES):
        if any((folder / "model" / file).is_file() for file in VOCABULARIES):
            raise ConfigError(f"'model.name': {name} is a run's folder, and its model is {folder / 'model'}")
        raise _error(name, "holds no tokenizer.json and no vocabulary", "give one that save_pretrained wrote")
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    except Exception as error:
        if not (type(error) is Exception or isinstance(error, UNREADABLE)):  # tokenizers raises that bare class
            raise
        trouble = f"cannot be read ({type(error).__name__}: {str(error).strip().partition(chr(10))[0]})"
        raise _error(name, trouble, "give one that transformers reads") from error
    if not isinstance(tokenizer, PreTrainedTokenizerFast):
        raise _error(name, f"is a {type(tokenizer).__name__}", "give one with a tokenizer.json")
    return tokenizer


def _error(name: str, trouble: str, remedy: str) -> ConfigError:
    return ConfigError(f"'tokenizer.name': {name} {trouble}; {remedy}, or null to train one for a new model")


def _fingerprint(corpus: Corpus, settings: dict[str, Any]) -> str:
    made_by = {package: version(package) for package in ("genai-hf", "tokenizers")}
    text = {"corpus": corpus.fingerprint, "max_tokens": corpus.max_tokens}
    content = json.dumps({"text": text, "settings": settings, "made by": made_by}, sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:16]
