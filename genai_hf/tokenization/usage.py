"""How a tokenizer spends its tokens on text.

Tokens per word, called fertility: Rust et al. 2021, arXiv:2012.15613.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast


@dataclass(frozen=True)
class Usage:
    """What a text takes in tokens, special ones left out.

    Args:
        vocabulary: Tokens that there are.
        pieces: How often each id was used.
        characters: Of the text, white space included.
        size: Bytes of the text in UTF-8.
        words: Runs between white space.
        unknown: Tokens that stand for something that the vocabulary lacks.
    """

    vocabulary: int
    pieces: Mapping[int, int]
    characters: int
    size: int
    words: int
    unknown: int

    @property
    def tokens(self) -> int:
        """Tokens that the text takes."""
        return sum(self.pieces.values())

    def metrics(self) -> dict[str, float]:
        """The ratios that tokenizers are compared by."""
        return {
            "vocabulary_size": float(self.vocabulary),
            "vocabulary_used_share": len(self.pieces) / self.vocabulary,
            "characters_per_token": self.characters / self.tokens,
            "bytes_per_token": self.size / self.tokens,
            "tokens_per_word": self.tokens / self.words,
            "unknown_share": self.unknown / self.tokens,
        }

    def by_rank(self) -> list[tuple[int, int]]:
        """Rank and frequency of every piece that was used, the commonest first."""
        return list(enumerate(sorted(self.pieces.values(), reverse=True), start=1))


def measure(tokenizer: PreTrainedTokenizerFast, documents: Iterable[str]) -> Usage:
    """Tokenise the documents and count.

    Raises:
        ValueError: They have no words.
    """
    plain = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
    plain.no_truncation()
    plain.encode_special_tokens = True  # a special token's name that stands in the text is text
    pieces: Counter[int] = Counter()
    characters = size = words = 0
    for document in documents:
        pieces.update(plain.encode(document, add_special_tokens=False).ids)
        characters += len(document)
        size += len(document.encode())
        words += len(document.split())
    if not words or not pieces:
        raise ValueError("there are no words to measure a tokenizer on")
    unknown = pieces[tokenizer.unk_token_id]
    return Usage(len(tokenizer), +pieces, characters, size, words, unknown)
