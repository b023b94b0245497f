"""Which text a tokenizer is trained on and measured on, and what of it the trainers cannot read."""

import hashlib
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from genai_hf.data.corpus import Corpus
from genai_hf.data.progress import slow_work
from genai_hf.encoding.tokenise import held_out_count
from genai_hf.errors import DataError

LONGEST_WORD = 1000  # characters; Unigram's trainer dies of a word of 100,000


@dataclass(frozen=True)
class Documents:
    """The documents of a corpus, readable more than once; up to `max_tokens` words, since a word is a token or more."""

    corpus: Corpus

    def __iter__(self) -> Iterator[str]:
        words = 0
        for document in self.corpus.read():
            yield document
            words += len(document.split())
            if self.corpus.max_tokens is not None and words >= self.corpus.max_tokens:
                break


def held_out(corpus: Corpus) -> Iterator[str]:
    """The documents of the validation split, in the corpus's order; of a single document its end.

    With them a perplexity per token, which no two tokenizers share, can be turned into bits per character.
    """
    digests = [_digest(document) for document in Documents(corpus)]
    if len(digests) == 1:
        (document,) = Documents(corpus)
        yield document[-held_out_count(len(document), corpus.validation_share) :]
        return
    chosen = set(sorted(digests)[: held_out_count(len(digests), corpus.validation_share)])
    yield from (document for document in Documents(corpus) if _digest(document) in chosen)


def characters(documents: Iterable[str]) -> list[str]:
    """Every different character of the documents, the commonest first, ties by code point.

    Raises:
        DataError: There is nothing but white space.
    """
    counts: Counter[str] = Counter()
    for document in documents:
        counts.update(document)
    if all(character.isspace() for character in counts):
        raise DataError("there is no text to train a tokenizer on; give data with at least one word")
    return sorted(counts, key=lambda character: (-counts[character], character))


def readable(documents: Iterable[str], rare: Collection[str]) -> Iterator[str]:
    """The documents with a space in place of every rare character and within endless words, while a bar counts them."""
    blank = {ord(character): " " for character in rare}
    endless = re.compile(rf"\S{{{LONGEST_WORD}}}")
    with slow_work("training the tokenizer: documents", None) as advance:
        for document in documents:
            text = document.translate(blank) if blank else document
            yield endless.sub(r"\g<0> ", text)
            advance(1)


def _digest(document: str) -> bytes:
    return hashlib.sha256(document.encode()).digest()[:8]
