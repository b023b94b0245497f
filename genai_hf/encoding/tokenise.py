"""Documents to token files: once for each text and tokenizer, in bounded memory, with a validation split that stays.

Beside the tokens lies where each word begins, as the tokenizer's own pre-tokenizer cuts the text: so it is exact for
every kind of tokenizer, whether or not its pieces bear a mark such as ``##``.

Held out are the documents with the smallest SHA-256 of their text. So the split is the same whatever the order of the
files and whichever the tokenizer, and a document stays on its side when others are added, but for the few at the edge.
"""

import hashlib
import json
import math
import re
from array import array
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer
from transformers import PreTrainedTokenizerFast

from genai_hf.data.cache import cache_folder, staged
from genai_hf.data.corpus import Corpus
from genai_hf.data.progress import slow_work
from genai_hf.data.remarks import repeated, tell
from genai_hf.data.sentences import sentence_ends
from genai_hf.encoding.token_files import write_split
from genai_hf.encoding.tokens import Tokens
from genai_hf.errors import DataError
from genai_hf.places import require_unchanged

RULES = 2  # raise it when the same documents and tokenizer give other files
BATCH = 2**21  # characters tokenised at a time, which is spread over the cores: about 100 MB in the library
PIECE = 2**16  # characters after which a long document is cut
SPACE = re.compile(r"(?<=\w)(?= \w)")  # where a cut changes no token: between words, before their space
NEWLINE = re.compile(r"(?<=\S)(?=\n)")  # for scripts without spaces: there few tokenizers tell a cut
DESCRIPTION = "corpus.json"


def tokenise(
    corpus: Corpus, tokenizer: PreTrainedTokenizerFast, *, sentences: bool = False, cache: Path | None = None
) -> dict[str, Tokens]:
    """Tokenise a corpus without special tokens, or find it tokenised in the cache.

    A special token's name that stands in the text is text. Documents that give no token are left out. A corpus of one
    document is cut: its end is the validation split.

    Args:
        corpus: What to read, up to which number of tokens, and how much of it to hold out.
        tokenizer: Must be a fast one; its truncation and padding are ignored.
        sentences: Whether to keep where sentences begin, too.
        cache: Folder to keep the files in; None is `cache_folder()`.

    Returns:
        The splits ``train`` and ``validation``, each with at least one document.

    Raises:
        DataError: The corpus has fewer than two tokens, or a document turns out wrong while reading.
    """
    backend = plain(tokenizer)
    settings = f"{RULES} {corpus.fingerprint} {corpus.validation_share} {corpus.max_tokens} {'sentences ' * sentences}"
    key = hashlib.sha256((settings + backend.to_str()).encode()).hexdigest()
    target = (cache or cache_folder()) / "tokens" / key
    if not target.is_dir():
        with staged(target) as folder:
            _write(folder, corpus, backend, sentences=sentences)
            require_unchanged(corpus.stamps)
    described = json.loads((target / DESCRIPTION).read_text(encoding="utf-8"))
    tell(corpus.name, described["note"])
    return {
        "train": Tokens(target, "train", 0, described["note"]),
        "validation": Tokens(target, "validation", described["train_documents"], described["note"]),
    }


@dataclass
class _Stream:
    """Documents on their way into files: how many tokens each has, and the first 8 bytes of its text's SHA-256."""

    file: IO[bytes]
    words: IO[bytes]  # one byte a token: whether it begins a word
    sentences: IO[bytes] | None  # the same of a sentence
    dtype: type[np.uint16] | type[np.uint32]
    limit: float
    written: int = 0
    lengths: "array[int]" = field(default_factory=lambda: array("q"))
    digests: "array[int]" = field(default_factory=lambda: array("Q"))

    def begin(self, text: str) -> None:
        self.lengths.append(0)
        self.digests.append(int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]))

    def add(self, document: int, text: str, encoding: Encoding) -> None:
        room = int(min(len(encoding), self.limit - self.written))
        np.array(encoding.ids[:room], dtype=self.dtype).tofile(self.file)
        np.diff(np.array(encoding.word_ids[:room], dtype=np.int64), prepend=-1).astype(bool).tofile(self.words)
        if self.sentences is not None:
            _begins_sentence(text, encoding)[:room].tofile(self.sentences)
        self.lengths[document] += room
        self.written += room


def _begins_sentence(text: str, encoding: Encoding) -> NDArray[np.bool_]:
    """Whether each token of a text is the first one behind the end of a sentence."""
    firsts = np.searchsorted([first for first, _ in encoding.offsets], sentence_ends(text))
    begins = np.zeros(len(encoding), dtype=bool)
    begins[firsts[firsts < len(encoding)]] = True
    return begins


def plain(tokenizer: PreTrainedTokenizerFast) -> Tokenizer:
    """A copy of the tokenizer's own engine that adds, cuts and recognises nothing special."""
    plain = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
    plain.no_truncation()
    plain.no_padding()
    plain.encode_special_tokens = True
    return plain


def _write(folder: Path, corpus: Corpus, backend: Tokenizer, *, sentences: bool) -> None:
    raw = {name: folder / name for name in ("ids", "words", *["sentences"] * sentences)}
    dtype = np.uint16 if max(backend.get_vocab().values()) < 2**16 else np.uint32
    with ExitStack() as stack:
        files = {name: stack.enter_context(path.open("wb")) for name, path in raw.items()}
        stream = _Stream(files["ids"], files["words"], files.get("sentences"), dtype, corpus.max_tokens or math.inf)
        _fill(stream, corpus, backend)
    if stream.written < 2:
        raise DataError(f"{corpus.name}: {stream.written} tokens cannot be split into two parts; give more text")
    lengths, held_out, note = _split(stream, corpus.validation_share)
    ids = np.memmap(raw["ids"], dtype=dtype, mode="r")
    begins = {name: np.memmap(path, dtype=np.bool_, mode="r") for name, path in raw.items() if name != "ids"}
    for split, chosen in (("train", ~held_out), ("validation", held_out)):
        write_split(folder, split, ids, begins=begins, lengths=lengths, chosen=chosen)
    for path in raw.values():
        path.unlink()
    described = {"corpus": corpus.name, "train_documents": int((~held_out).sum()), "note": note}
    (folder / DESCRIPTION).write_text(json.dumps(described), encoding="utf-8")


def _fill(stream: _Stream, corpus: Corpus, backend: Tokenizer) -> None:
    """Tokenise into the stream up to its limit."""
    done = 0
    with slow_work("tokenising documents", corpus.notes.get("documents")) as advance:
        for batch in _batches(corpus.read(), stream):
            texts = [piece for _, piece in batch]
            encoded = backend.encode_batch(texts, add_special_tokens=False)  # encode_batch_fast knows no words
            for (document, text), encoding in zip(batch, encoded, strict=True):
                stream.add(document, text, encoding)
            advance(document - done)
            done = document
            if stream.written >= stream.limit:
                return


def _batches(documents: Iterable[str], stream: _Stream) -> Iterator[list[tuple[int, str]]]:
    """Pieces of documents, each with its document's number, in batches of about `BATCH` characters."""
    batch: list[tuple[int, str]] = []
    size = 0
    for number, text in enumerate(documents):
        stream.begin(text)
        for piece in pieces(text):
            batch.append((number, piece))
            size += len(piece)
            if size >= BATCH:
                yield batch
                batch, size = [], 0
    if batch:
        yield batch


def pieces(text: str) -> Iterator[str]:
    """A text in pieces of about `PIECE` characters that are tokenised as the whole is; joined they are the text."""
    first = 0
    while found := SPACE.search(text, first + PIECE, first + 2 * PIECE) or NEWLINE.search(text, first + PIECE):
        yield text[first : found.start()]
        first = found.start()
    yield text[first:]


def _split(stream: _Stream, share: float) -> tuple[NDArray[np.int64], NDArray[np.bool_], str]:
    """Lengths of the documents that have tokens, which of them are held out, and what is unusual about that."""
    lengths = np.array(stream.lengths, dtype=np.int64)
    digests = np.array(stream.digests, dtype=np.uint64)[lengths > 0]
    lengths = lengths[lengths > 0]
    if len(lengths) == 1:
        end = held_out_count(int(lengths[0]), share)
        note = f"the corpus is one document: its last {share:.1%} is the validation split"
        return np.array([lengths[0] - end, end]), np.array([False, True]), note
    held_out = np.zeros(len(lengths), dtype=bool)
    held_out[np.argsort(digests, kind="stable")[: held_out_count(len(lengths), share)]] = True
    return lengths, held_out, repeated(len(digests), len(np.unique(digests)), what="documents")


def held_out_count(total: int, share: float) -> int:
    """How many of `total`, at least 2, are held out: the share, rounded up, but at least 1, and not all."""
    return min(max(1, math.ceil(round(total * share, 6))), total - 1)
