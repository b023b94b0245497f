"""Three tokens that say what a decoder's input is: where it starts, what stands between two texts, where to answer.

Radford et al. 2018, "Improving Language Understanding by Generative Pre-Training", section 3.3: they are new, and their
embeddings are learnt in fine-tuning.
"""

from dataclasses import dataclass

from tokenizers import AddedToken
from transformers import PreTrainedTokenizerFast


@dataclass(frozen=True, kw_only=True)
class Marks:
    """Ids of the three tokens.

    Args:
        start: Stands before the first text.
        delimiter: Stands between two texts.
        extract: Stands at the end; the head reads the state there.
        new: Those of them that the tokenizer did not have.
    """

    start: int
    delimiter: int
    extract: int
    new: tuple[int, ...] = ()


def append_marks(tokenizer: PreTrainedTokenizerFast, *, start: str, delimiter: str, extract: str) -> Marks:
    """Append the tokens to a tokenizer; one that it has already, such as that of an earlier run, is taken as it is.

    Args:
        tokenizer: It is changed.
        start: Spelling of a token, as of the others.
        delimiter: Of the second.
        extract: Of the third.

    Raises:
        ValueError: Two are spelt alike, one is empty, or one is an ordinary word of the vocabulary.
    """
    spelt = [start, delimiter, extract]
    if len(set(spelt)) < len(spelt) or not all(text.strip() for text in spelt):
        raise ValueError(f"start, delimiter and extract must be three different tokens, got {', '.join(spelt)}")
    known = tokenizer.get_vocab()
    special = {str(token) for token in tokenizer.added_tokens_decoder.values() if token.special}
    for text in spelt:
        if text in known and text not in special:
            raise ValueError(f"'{text}' is an ordinary word of the vocabulary; spell the token in another way")
    missing = [text for text in spelt if text not in known]
    tokenizer.add_tokens([AddedToken(text, special=True, normalized=False) for text in missing], special_tokens=True)
    ids = [int(tokenizer.get_vocab()[text]) for text in spelt]
    new = tuple(number for text, number in zip(spelt, ids, strict=True) if text in missing)
    return Marks(start=ids[0], delimiter=ids[1], extract=ids[2], new=new)
