"""Train a tokenizer on text: the pieces are the text's, everything else is as the named family has it."""

from collections.abc import Iterable, Iterator
from typing import Literal

from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

from genai_hf.tokenization.algorithms import Pipeline
from genai_hf.tokenization.families import FAMILIES, Family
from genai_hf.tokenization.texts import characters, readable
from genai_hf.tokenization.vocabulary import arrange


def train(
    documents: Iterable[str],
    *,
    algorithm: Literal["wordpiece", "bpe", "byte_bpe", "unigram"] = "wordpiece",
    vocab_size: int = 8192,
    family: Literal["bert", "roberta", "gpt2", "t5"] = "bert",
    lowercase: bool = True,
    multiple_of: int = 1,
    min_frequency: int = 2,
    limit_alphabet: int = 1000,
    model_max_length: int = 512,
) -> PreTrainedTokenizerFast:
    """Train a fast tokenizer; the same documents and settings give the same one to the byte.

    Ids run from the family's leading special tokens over the pieces to its closing ones (RoBERTa's mask, GPT-2's end of
    text, T5's sentinels), so ``len(tokenizer)`` is the size that an embedding and a head need.

    Args:
        documents: Read twice; an iterator, which can be read only once, is first drawn into memory.
        algorithm: How words are cut. `wordpiece` and BERT's `bpe` mark pieces inside a word (``##``), `byte_bpe` cuts
            bytes and knows no unknown token, `unigram` and T5's `bpe` mark the beginning of a word (``▁``).
        vocab_size: Tokens, special ones included, rounded up to a multiple of `multiple_of`; fewer where the text does
            not give as many.
        family: Whose special tokens and frame.
        lowercase: Whether text is lowercased, and with BERT's normaliser stripped of accents. bert-base-uncased does;
            RoBERTa, GPT-2 and T5 do not.
        multiple_of: Where the text gives fewer pieces, ``[unusedN]`` entries fill up to the next multiple of this.
        min_frequency: Pairs seen less often are not merged; `unigram` has no such bound.
        limit_alphabet: At most so many different characters, the commonest; the others become the unknown token.
        model_max_length: Tokens that the model takes, at which truncation cuts.

    Raises:
        ValueError: The algorithm does not suit the family, or a number is too small.
        DataError: There is no text.
    """
    chosen = FAMILIES[family]
    if algorithm not in chosen.algorithms:
        raise ValueError(f"algorithm {algorithm} does not suit family {family}; take {' or '.join(chosen.algorithms)}")
    _check_positive(multiple_of=multiple_of, min_frequency=min_frequency)
    _check_positive(limit_alphabet=limit_alphabet, model_max_length=model_max_length)
    documents = list(documents) if isinstance(documents, Iterator) else documents
    found = characters(documents)
    limit = len(found) if algorithm == "byte_bpe" else limit_alphabet  # bytes need no limit: there are 256
    pipeline = Pipeline(algorithm, chosen, lowercase)
    alphabet = pipeline.alphabet(found[:limit])
    if not alphabet and len(found) > limit:
        raise ValueError(f"limit_alphabet {limit} keeps only what stands between words; give at least {limit + 1}")
    size = -(-vocab_size // multiple_of) * multiple_of
    _check_room(size, len(alphabet), chosen, vocab_size, is_limited=algorithm != "byte_bpe")
    text = readable(documents, found[limit:])
    pipeline.train(text, alphabet, size=size - len(chosen.special), min_frequency=min_frequency)
    return _dressed(arrange(pipeline.tokenizer, chosen, multiple_of), chosen, model_max_length)


def _check_positive(**numbers: int) -> None:
    for name, number in numbers.items():
        if number < 1:
            raise ValueError(f"{name} must be at least 1, got {number}")


def _check_room(size: int, letters: int, family: Family, vocab_size: int, *, is_limited: bool) -> None:
    special = len(family.special)
    if size < letters + special:
        fewer = ", or keep fewer characters with limit_alphabet" if is_limited else ""
        raise ValueError(
            f"vocab_size {vocab_size} is too small: the alphabet alone has {letters} pieces and family {family.name} "
            f"{special} special tokens; give at least {letters + special}{fewer}"
        )


def _dressed(backend: Tokenizer, family: Family, model_max_length: int) -> PreTrainedTokenizerFast:
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        model_max_length=model_max_length,
        model_input_names=list(family.inputs),
        padding_side="right",
        truncation_side="right",
        extra_special_tokens=list(family.sentinels),
        **family.roles,
    )
