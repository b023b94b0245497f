"""How much text a token stands for, so that models with different tokenizers can be compared by bits per byte."""

import re

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerFast

BYTE = re.compile(r"<0x[0-9A-F]{2}>")  # how a vocabulary with byte fallback writes a single byte
SPACE = "▁"  # how SentencePiece writes a space


def byte_lengths(tokenizer: PreTrainedTokenizerFast) -> NDArray[np.int64]:
    """UTF-8 bytes of each token's text, (vocabulary,); a special token has none.

    Of a byte-level vocabulary they are exact. Of the others they are those of the text as it was normalised, and of
    WordPiece's, which writes no spaces, with one before each word.
    """
    backend = tokenizer.backend_tokenizer
    model, decoder = type(backend.model).__name__, type(backend.decoder).__name__
    lengths = np.zeros(len(tokenizer), dtype=np.int64)
    for token, number in tokenizer.get_vocab().items():
        lengths[number] = _bytes(token, is_byte_level="ByteLevel" in decoder, is_wordpiece=model == "WordPiece")
    for number, added in tokenizer.added_tokens_decoder.items():  # as it stands in a text
        lengths[number] = len(added.content.encode())
    lengths[tokenizer.all_special_ids] = 0
    return lengths


def _bytes(token: str, *, is_byte_level: bool, is_wordpiece: bool) -> int:
    if is_byte_level:
        return len(token)  # a character for each byte
    if BYTE.fullmatch(token):
        return 1
    if is_wordpiece:
        return len(token.removeprefix("##").encode()) + (not token.startswith("##"))
    return len(token.replace(SPACE, " ").encode())
